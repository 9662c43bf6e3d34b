// Live runs in which tenants have hosts of their own: a process with a CUDA context each (time slicing, MPS), or a
// thread of this process each (streams). All start together on one clock; what they saw is put together afterwards.
import {fork} from 'node:child_process';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';
import {loadAddon} from '../gpu/cuda.ts';
import {startMps} from '../gpu/mpsDaemon.ts';
import {DeviceError, SuperkernelError} from '../scheduler/errors.ts';
import type {HostTimes} from './hostMeter.ts';
import type {HostPlan} from './hostPlan.ts';
import type {FromTenant, ToTenant} from './tenantHost.ts';
import type {RunSpec} from './simulate.ts';
import {errorOf} from './worker.ts';

const entry = new URL('tenantHost.js', import.meta.url);

/** Time for everybody to see the start message before time 0: far more than a message takes. */
const headStartNs = 50e6;

/** A host that says nothing for this long beyond the run's limit, or while it prepares, is taken for dead. */
const graceMs = 20_000;
const prepareMs = 120_000;

/** Time for a thread to free what it holds on the device, before it is ended in any case. */
const stopMs = 3000;

/** Time between two looks at whether to stop. */
const lookEveryMs = 20;

export interface IsolatedOptions {
  readonly spec: RunSpec;
  /** As `readProfile` takes it. */
  readonly profile: string;
  readonly hosts: readonly HostPlan[];
  /** The tenants' names, for warnings. */
  readonly names: readonly string[];
  readonly ordinal: number;
  readonly scheme: 'mps' | 'time-slice' | 'threads';
  readonly limitNs: number;
  readonly shouldStop: () => boolean;
  readonly warn: (sentence: string) => void;
}

export interface IsolatedResult {
  /** What each host saw; null where it died, and everything it had recorded with it. */
  readonly tapes: readonly (Float64Array | null)[];
  readonly endedAtNs: number;
  readonly times: readonly HostTimes[];
}

/** A host seen from here. */
interface Host {
  send(message: ToTenant): void;
  onMessage(listener: (message: FromTenant) => void): void;
  onEnd(listener: (reason: string) => void): void;
  /** Ends it at once; resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Runs all hosts. A host that dies on the way is told by `warn`, and the others go on; throws what went wrong where one
 * cannot even start, where none finishes, and where the run is stopped.
 */
export async function runIsolated(options: IsolatedOptions): Promise<IsolatedResult> {
  const {scheme, hosts: plans, spec, profile, ordinal, warn} = options;
  const cores = availableParallelism();
  if (plans.length > cores) {
    warn(`${plans.length} hosts share ${cores} cores: they wait for each other, not only for the GPU`);
  }
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const halt = haltOn(options.shouldStop);
  const mps = scheme === 'mps' ? await startMps() : null;
  const hosts: Host[] = [];
  try {
    const outcomes: Outcome[] = [];
    // One after another: contexts that are created at once only wait for each other.
    for (const plan of plans) {
      const host = scheme === 'threads' ? thread() : childProcess(mps?.env ?? {});
      hosts.push(host);
      const outcome = new Outcome(host, describe(plan, options.names));
      outcomes.push(outcome);
      const shared = scheme === 'threads' ? {stop} : {};
      host.send({kind: 'prepare', spec, profile, plan, ordinal, ...shared});
      await halt.race(within(outcome.isReady, prepareMs, `${outcome.name} did not start`));
      if (outcome.failure !== null) throw outcome.failure;
    }
    const originNs = loadAddon().nowNs() + headStartNs;
    for (const host of hosts) host.send({kind: 'start', originNs});
    const limitMs = options.limitNs / 1e6 + graceMs;
    await halt.race(
      Promise.all(
        outcomes.map((outcome) =>
          within(outcome.isDone, limitMs, `${outcome.name} did not finish`).catch((error: unknown) =>
            outcome.fail(error as Error),
          ),
        ),
      ),
    );
    if (outcomes.every(({failure}) => failure !== null)) throw outcomes[0].failure!;
    for (const {failure, name} of outcomes) {
      if (failure !== null) warn(`${name} died, and with it the record of its requests: ${failure.message}`);
    }
    return {
      tapes: outcomes.map(({done}) => done?.events ?? null),
      endedAtNs: Math.max(...outcomes.map(({done}) => done?.endedAtNs ?? 0)),
      times: outcomes.flatMap(({done}) => done?.host ?? []),
    };
  } finally {
    halt.end();
    Atomics.store(stop, 0, 1);
    await Promise.all(hosts.map((host) => host.stop()));
    await mps?.quit().catch((error: Error) => warn(error.message));
  }
}

/** What became of a host. */
class Outcome {
  readonly name: string;
  done: Extract<FromTenant, {kind: 'done'}> | null = null;
  failure: Error | null = null;
  readonly isReady: Promise<void>;
  readonly isDone: Promise<void>;
  private ready!: () => void;
  private finish!: () => void;

  constructor(host: Host, name: string) {
    this.name = name;
    this.isReady = new Promise((resolve) => (this.ready = resolve));
    this.isDone = new Promise((resolve) => (this.finish = resolve));
    host.onMessage((message) => {
      if (message.kind === 'ready') this.ready();
      else if (message.kind === 'failed') this.fail(errorOf(message.failure));
      else if (message.kind === 'done') {
        this.done = message;
        this.finish();
      }
    });
    host.onEnd((reason) => this.fail(new DeviceError(`${name}: ${reason}`)));
  }

  fail(error: Error): void {
    if (this.done !== null) return;
    this.failure ??= error;
    this.ready();
    this.finish();
  }
}

/** `tenant chat`, or `tenants chat and 3 others`. */
function describe({tenants}: HostPlan, names: readonly string[]): string {
  const first = names[tenants[0]];
  return tenants.length === 1
    ? `tenant ${first}`
    : `the host of ${first} and ${tenants.length - 1} more tenant${tenants.length === 2 ? '' : 's'}`;
}

async function within(promise: Promise<void>, ms: number, problem: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeviceError(`${problem} within ${Math.round(ms / 1e3)} s`)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends whatever waits as soon as the run is to stop. */
function haltOn(shouldStop: () => boolean): {race<T>(promise: Promise<T>): Promise<T>; end(): void} {
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (shouldStop()) reject(new SuperkernelError('the run was stopped'));
    }, lookEveryMs);
  });
  stopped.catch(() => {}); // nobody may be waiting
  return {
    race: (promise) => Promise.race([promise, stopped]),
    end: () => clearInterval(timer),
  };
}

function childProcess(env: Readonly<Record<string, string>>): Host {
  const child = fork(fileURLToPath(entry), {
    env: {...process.env, ...env},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // A message to a process that has just died: its end is reported.
  child.on('error', () => {});
  return {
    send: (message) => child.connected && child.send(message, () => {}),
    onMessage: (listener) => void child.on('message', listener),
    onEnd: (listener) =>
      void child.on('exit', (code, signal) =>
        listener(`its process ended with ${signal ?? `exit code ${code}`}`),
      ),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await gone;
    },
  };
}

function thread(): Host {
  const worker = new Worker(entry);
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    onEnd(listener) {
      worker.on('error', (error) => listener(error.message));
      worker.on('exit', (code) => listener(`its thread ended with exit code ${code}`));
    },
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
    },
  };
}
