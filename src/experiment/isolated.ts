// Live runs in which every tenant has a host of its own: a process with its own CUDA context (time slicing, MPS), or a
// thread of this process (streams). All start together on one clock; what they saw is put together afterwards.
import {fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';
import {loadAddon} from '../gpu/cuda.ts';
import {startMps} from '../gpu/mpsDaemon.ts';
import {DeviceError} from '../scheduler/errors.ts';
import type {FromTenant, ToTenant} from './tenantHost.ts';
import type {RunSpec} from './simulate.ts';

const entry = new URL('tenantHost.js', import.meta.url);

/** Time for everybody to see the start message before time 0: far more than a message takes. */
const headStartNs = 50e6;

/** A process that says nothing for this long beyond the run's limit is taken for dead. */
const graceMs = 20_000;

export interface IsolatedOptions {
  readonly spec: RunSpec;
  /** As `readProfile` takes it. */
  readonly profile: string;
  readonly tenants: number;
  readonly ordinal: number;
  readonly scheme: 'mps' | 'time-slice' | 'threads';
  readonly limitNs: number;
}

/** What a tenant's host saw; null where it died, and everything it had recorded with it. */
export interface IsolatedResult {
  readonly tapes: readonly (Float64Array | null)[];
  readonly endedAtNs: number;
  /** Why hosts died, one sentence each. */
  readonly failures: readonly string[];
}

interface Host {
  send(message: ToTenant): void;
  onMessage(listener: (message: FromTenant) => void): void;
  onEnd(listener: (reason: string) => void): void;
  stop(): void;
}

export async function runIsolated(options: IsolatedOptions): Promise<IsolatedResult> {
  const {scheme, tenants, spec, profile, ordinal} = options;
  const mps = scheme === 'mps' ? await startMps() : null;
  const hosts: Host[] = [];
  try {
    for (let tenant = 0; tenant < tenants; tenant++) {
      hosts.push(scheme === 'threads' ? thread() : childProcess(mps?.env ?? {}));
    }
    const failures: string[] = [];
    const tapes: (Float64Array | null)[] = Array.from({length: tenants}, () => null);
    let endedAtNs = 0;
    const outcome = hosts.map((host, tenant) => {
      let ready = (): void => {};
      const isReady = new Promise<void>((resolve) => (ready = resolve));
      const isDone = new Promise<void>((resolve) => {
        const fail = (reason: string): void => {
          failures.push(`tenant ${tenant}: ${reason}`);
          ready();
          resolve();
        };
        host.onMessage((message) => {
          if (message.kind === 'ready') ready();
          else if (message.kind === 'failed') fail(message.message);
          else {
            tapes[tenant] = Float64Array.from(message.events);
            endedAtNs = Math.max(endedAtNs, message.endedAtNs);
            resolve();
          }
        });
        host.onEnd((reason) => {
          if (tapes[tenant] === null) fail(reason);
        });
      });
      return {isReady, isDone};
    });
    // One after another: contexts that are created at once only wait for each other.
    for (let tenant = 0; tenant < tenants; tenant++) {
      hosts[tenant].send({kind: 'prepare', spec, profile, tenant, ordinal});
      await outcome[tenant].isReady;
    }
    if (failures.length === tenants) throw new DeviceError(failures[0]);
    const originNs = loadAddon().nowNs() + headStartNs;
    for (const host of hosts) host.send({kind: 'start', originNs});
    const timeout = new Promise<void>((resolve) =>
      setTimeout(resolve, options.limitNs / 1e6 + graceMs).unref(),
    );
    await Promise.race([Promise.all(outcome.map(({isDone}) => isDone)), timeout]);
    return {tapes, endedAtNs, failures};
  } finally {
    for (const host of hosts) host.stop();
    await mps?.quit();
  }
}

function childProcess(env: Readonly<Record<string, string>>): Host {
  const child = fork(fileURLToPath(entry), {
    env: {...process.env, ...env},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  return {
    send: (message) => child.connected && child.send(message),
    onMessage: (listener) => void child.on('message', listener),
    onEnd: (listener) =>
      void child.on('exit', (code, signal) =>
        listener(`process ended with ${signal ?? `exit code ${code}`}`),
      ),
    stop: () => {
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
    },
  };
}

function thread(): Host {
  const worker = new Worker(entry);
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener),
    onEnd: (listener) => {
      worker.on('error', (error) => listener(error.message));
      worker.on('exit', (code) => listener(`thread ended with exit code ${code}`));
    },
    stop: () => {
      worker.removeAllListeners('exit');
      void worker.terminate();
    },
  };
}
