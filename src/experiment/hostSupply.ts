// Where the hosts of a live run come from: processes and threads, which may serve one run after another.
import {fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';
import {startMps} from '../gpu/mpsDaemon.ts';
import type {MpsDaemon} from '../gpu/mpsDaemon.ts';
import {closeTapeMemory, createTapeMemory, readTape} from './sharedTape.ts';
import type {FromTenant, ToTenant} from './tenantHost.ts';

const entry = new URL('tenantHost.js', import.meta.url);

/** Time for a thread to free what it holds on the device, before it is ended in any case. */
const stopMs = 3000;

/**
 * Most hardware queues of a process. A GPU has some hundreds for all: with 32 each, sixteen processes were too many clients of
 * MPS on an H200, its server did not start beside fourteen, and contexts took seconds to open; with 4, fourteen that serve
 * 120 tenants run.
 */
const mostQueues = 4;

/** What the addon sets in this process, and processes would inherit; another value is the user's, and heeded. */
const ownQueues = '32';

/** The descriptor in a child process of what stands fifth in its `stdio`. */
const inheritedMemory = 4;

/** How a host is separated from the others. */
export type HostScheme = 'mps' | 'time-slice' | 'threads';

/** Told what a host says, and why it ended where it did. */
export interface HostListener {
  message(message: FromTenant): void;
  ended(reason: string): void;
}

/** A host seen from its parent. */
export interface Host {
  /** Hardware queues that its lanes share; Infinity where they are this process's. */
  readonly queues: number;
  /** The memory for its tapes, as a descriptor of its own. */
  readonly tapeMemory: number;
  /** What it has recorded since it was last told to prepare, also where it has ended meanwhile; not after `stop`. */
  events(): Float64Array;
  send(message: ToTenant): void;
  /** Replaces the listener; null for none. */
  listen(listener: HostListener | null): void;
  /** Ends it at once; resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts hosts. Those that are given back serve again: a process costs a few hundred milliseconds and a CUDA context,
 * which are more than many a run takes. An MPS daemon lives from the first host under it until `close`.
 */
export class HostSupply {
  private readonly idle = new Map<HostScheme, Host[]>();
  private mps: Promise<MpsDaemon> | null = null;

  /** A host for so many lanes that does nothing yet. Throws a DeviceError where the MPS daemon cannot be started. */
  async take(scheme: HostScheme, lanes: number): Promise<Host> {
    const idle = this.idle.get(scheme) ?? [];
    const queues = Math.min(mostQueues, lanes);
    const fitting = idle.findIndex((host) => host.queues >= queues);
    if (fitting >= 0) return idle.splice(fitting, 1)[0];
    if (scheme === 'threads') return thread();
    // Those with too few queues make room for others.
    this.idle.delete(scheme);
    await Promise.all(idle.map((host) => host.stop()));
    return childProcess(queues, scheme === 'mps' ? (await (this.mps ??= startMps())).env : {});
  }

  /** Only hosts that are done with all they were told. */
  giveBack(scheme: HostScheme, host: Host): void {
    host.listen({
      message: () => {},
      ended: () => {
        const left = (this.idle.get(scheme) ?? []).filter((each) => each !== host);
        this.idle.set(scheme, left);
        void host.stop();
      },
    });
    this.idle.set(scheme, [...(this.idle.get(scheme) ?? []), host]);
  }

  /** Why hosts of the scheme find no device, as far as the MPS daemon knows; null where it does not. */
  async complaint(scheme: HostScheme): Promise<string | null> {
    const daemon = scheme === 'mps' ? await this.mps?.catch(() => null) : null;
    return daemon?.complaint() ?? null;
  }

  /** Ends the hosts that were given back, and the MPS daemon. Throws a DeviceError where it does not quit. */
  async close(): Promise<void> {
    const hosts = [...this.idle.values()].flat();
    this.idle.clear();
    await Promise.all(hosts.map((host) => host.stop()));
    const daemon = await this.mps?.catch(() => null);
    this.mps = null;
    await daemon?.quit();
  }
}

function childProcess(queues: number, env: Readonly<Record<string, string>>): Host {
  const memory = createTapeMemory();
  const {CUDA_DEVICE_MAX_CONNECTIONS: asked = ownQueues} = process.env;
  const child = fork(fileURLToPath(entry), {
    env: {
      ...process.env,
      ...env,
      CUDA_DEVICE_MAX_CONNECTIONS: asked === ownQueues ? `${queues}` : asked,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', memory],
    serialization: 'advanced',
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = once(() => closeTapeMemory(memory));
  let listener: HostListener | null = null;
  // A message to a process that has just died: its end is reported.
  child.on('error', () => {});
  child.on('message', (message: FromTenant) => listener?.message(message));
  child.on('exit', (code, signal) =>
    listener?.ended(`its process ended with ${signal ?? `exit code ${code}`}`),
  );
  return {
    queues,
    tapeMemory: inheritedMemory,
    events: () => readTape(memory),
    send: (message) => child.connected && child.send(message, () => {}),
    listen: (next) => void (listener = next),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await gone;
      close();
    },
  };
}

function thread(): Host {
  const memory = createTapeMemory();
  const worker = new Worker(entry);
  const close = once(() => closeTapeMemory(memory));
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let listener: HostListener | null = null;
  worker.on('message', (message: FromTenant) => listener?.message(message));
  worker.on('error', (error) => listener?.ended(error.message));
  worker.on('exit', (code) => listener?.ended(`its thread ended with exit code ${code}`));
  return {
    queues: Infinity,
    tapeMemory: memory,
    events: () => readTape(memory),
    send: (message) => worker.postMessage(message),
    listen: (next) => void (listener = next),
    async stop() {
      // The device belongs to the whole process, which goes on: a thread has to give back what it took.
      const stopped = new Promise<void>((resolve) => {
        worker.on('message', ({kind}: FromTenant) => kind === 'stopped' && resolve());
      });
      worker.postMessage({kind: 'stop'} satisfies ToTenant);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, stopMs)));
      await Promise.race([stopped, gone, late]);
      clearTimeout(timer);
      await worker.terminate();
      close();
    },
  };
}

/** A descriptor that is closed twice may be somebody else's by then. */
function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
