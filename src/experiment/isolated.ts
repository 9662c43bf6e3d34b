// Live runs in which tenants have hosts of their own: a process with a CUDA context each (time slicing, MPS), or a
// thread of this process each (streams). All start together on one clock; what they saw is put together afterwards.
import {availableParallelism} from 'node:os';
import {loadAddon} from '../gpu/cuda.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {DeviceError, SuperkernelError} from '../scheduler/errors.ts';
import type {HostTimes} from './hostMeter.ts';
import type {HostPlan} from './hostPlan.ts';
import {HostSupply} from './hostSupply.ts';
import type {Host, HostScheme} from './hostSupply.ts';
import type {FromTenant} from './tenantHost.ts';
import type {RunSpec} from './simulate.ts';
import {errorOf} from './worker.ts';

/** Time for everybody to see the start message before time 0: far more than a message takes. */
const headStartNs = 50e6;

/** A host that says nothing for this long beyond the run's limit, or while it prepares, is taken for dead. */
const graceMs = 20_000;
const prepareMs = 120_000;

/** Time between two looks at whether to stop. */
const lookEveryMs = 20;

export interface IsolatedOptions {
  readonly spec: RunSpec;
  readonly profile: DeviceProfile;
  readonly hosts: readonly HostPlan[];
  /** The tenants' names, for warnings. */
  readonly names: readonly string[];
  readonly ordinal: number;
  readonly scheme: HostScheme;
  /** Where hosts come from and go back to; without it they are started for this run and ended after it. */
  readonly supply?: HostSupply;
  /** Whether hosts of the supply keep what they have set up on the device, and not its context alone. */
  readonly keepHosts?: boolean;
  /** See `withHosts`. */
  readonly mostHosts?: number;
  readonly limitNs: number;
  readonly shouldStop: () => boolean;
  readonly warn: (sentence: string) => void;
}

export interface IsolatedResult {
  /** What each host saw, until its death where it died. */
  readonly tapes: readonly Float64Array[];
  readonly died: readonly boolean[];
  readonly endedAtNs: number;
  readonly times: readonly HostTimes[];
}

/**
 * Runs all hosts. A host that dies on the way is told by `warn`, what it had seen is kept, and the others go on; throws
 * what went wrong where one cannot even start, where none finishes, and where the run is stopped.
 */
export async function runIsolated(options: IsolatedOptions): Promise<IsolatedResult> {
  const {scheme, hosts: plans, spec, profile, ordinal, mostHosts, warn} = options;
  const cores = availableParallelism();
  if (plans.length > cores) {
    warn(`${plans.length} hosts share ${cores} cores: they wait for each other, not only for the GPU`);
  }
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const halt = haltOn(options.shouldStop);
  const supply = options.supply ?? new HostSupply();
  const outcomes: Outcome[] = [];
  let isWell = false;
  try {
    // Processes start beside each other, on all cores.
    for (const plan of plans) {
      outcomes.push(new Outcome(await supply.take(scheme, plan.lanes.count), describe(plan, options.names)));
    }
    // No more than the cores at once: contexts that are created beside each other mostly wait for each other.
    for (let from = 0; from < outcomes.length; from += cores) {
      await Promise.all(
        outcomes.slice(from, from + cores).map((outcome, i) => {
          outcome.host.send({
            kind: 'prepare',
            spec,
            profile,
            plan: plans[from + i],
            ordinal,
            tapeMemory: outcome.host.tapeMemory,
            ...(mostHosts === undefined ? {} : {mostHosts}),
            keepHost: options.keepHosts === true,
            keepContext: options.supply !== undefined && options.keepHosts !== true && scheme !== 'threads',
            ...(scheme === 'threads' ? {stop} : {}),
          });
          return halt.race(within(outcome.isReady, prepareMs, `${outcome.name} did not start`));
        }),
      );
      const failed = outcomes.find(({failure}) => failure !== null);
      if (failed !== undefined) throw await explained(failed, scheme, supply);
    }
    const originNs = loadAddon().nowNs() + headStartNs;
    for (const {host} of outcomes) host.send({kind: 'start', originNs});
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
    for (const {failure, failedAtNs, name} of outcomes) {
      if (failure === null) continue;
      const seconds = ((failedAtNs - originNs) / 1e9).toFixed(2);
      warn(
        `${name} died ${seconds} s into the run, which keeps its record until then; what it left undone is unfinished: ${failure.message}`,
      );
    }
    isWell = outcomes.every(({failure}) => failure === null);
    return {
      tapes: outcomes.map(({host}) => host.events()),
      died: outcomes.map(({failure}) => failure !== null),
      endedAtNs: Math.max(...outcomes.map(({done}) => done?.endedAtNs ?? 0)),
      times: outcomes.flatMap(({done}) => done?.host ?? []),
    };
  } finally {
    halt.end();
    Atomics.store(stop, 0, 1);
    if (isWell && options.supply !== undefined) {
      for (const {host} of outcomes) supply.giveBack(scheme, host);
    } else {
      await Promise.all(outcomes.map(({host}) => host.stop()));
    }
    if (options.supply === undefined) await supply.close().catch((error: Error) => warn(error.message));
  }
}

/** What became of a host. */
class Outcome {
  readonly host: Host;
  readonly name: string;
  done: Extract<FromTenant, {kind: 'done'}> | null = null;
  failure: Error | null = null;
  /** On the machine's monotonic clock. */
  failedAtNs = NaN;
  readonly isReady: Promise<void>;
  readonly isDone: Promise<void>;
  private ready!: () => void;
  private finish!: () => void;

  constructor(host: Host, name: string) {
    this.host = host;
    this.name = name;
    this.isReady = new Promise((resolve) => (this.ready = resolve));
    this.isDone = new Promise((resolve) => (this.finish = resolve));
    host.listen({
      message: (message) => this.hear(message),
      ended: (reason) => this.fail(new DeviceError(`${name}: ${reason}`)),
    });
  }

  private hear(message: FromTenant): void {
    if (message.kind === 'ready') this.ready();
    else if (message.kind === 'failed') this.fail(errorOf(message.failure));
    else if (message.kind === 'done') {
      this.done = message;
      this.finish();
    }
  }

  fail(error: Error): void {
    if (this.done !== null) return;
    if (this.failure === null) {
      this.failure = error;
      this.failedAtNs = loadAddon().nowNs();
    }
    this.ready();
    this.finish();
  }
}

/** Under MPS, a GPU that is there for us is not for a client that finds no server. */
async function explained({failure, name}: Outcome, scheme: HostScheme, supply: HostSupply): Promise<Error> {
  if (scheme !== 'mps' || !(failure instanceof DeviceError)) return failure!;
  const complaint = await supply.complaint(scheme);
  const because = complaint === null ? '' : `; the MPS server says: ${complaint}`;
  return new DeviceError(`${name} under MPS: ${failure.message}${because}`, {cause: failure});
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
