// One run on a GPU: what `simulateRun` does, with a wall clock and a CUDA device in place of the simulated ones.
import {OutOfMemoryError, requireDevice} from '../gpu/cuda.ts';
import type {RunSummary} from '../metrics/result.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {InputError} from '../scheduler/errors.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {combineHosts} from './hostMeter.ts';
import type {HostTimes} from './hostMeter.ts';
import {planHosts, withHosts} from './hostPlan.ts';
import type {HostPlan} from './hostPlan.ts';
import type {HostSupply} from './hostSupply.ts';
import {runIsolated} from './isolated.ts';
import {KeptHost} from './keptHost.ts';
import {onlyOf} from './liveHost.ts';
import {memoryNeed, memoryProblem} from './memory.ts';
import {loadModels} from './ownModels.ts';
import {prepareRehearsed} from './rehearsal.ts';
import {CannotRunError, predictionsOf, summariseRun} from './simulate.ts';
import type {PreparedRun, RunSpec} from './simulate.ts';
import {Tape, countArrivals, play} from './tape.ts';

export interface LiveOptions {
  /** CUDA ordinal; 0 by default. */
  readonly ordinal?: number;
  readonly recorder?: Recorder;
  readonly shouldStop?: () => boolean;
  /** Most threads or processes that submit beside each other; tenants share them where there are more. */
  readonly mostHosts?: number;
  /** Where such threads and processes come from; without it they live for this run only. */
  readonly supply?: HostSupply;
  /** Has what the run before had set up, and keeps what this one sets up; without it, that is closed after the run. */
  readonly kept?: KeptHost;
  /** Told what went wrong without ending the run, e.g. a tenant's process that died. */
  readonly warn?: (sentence: string) => void;
  /** Told what the host's part took. */
  readonly onHost?: (times: HostTimes) => void;
}

/**
 * Runs a spec on the GPU with the CUDA ordinal `ordinal`. Predictions, which policies decide by, come from `profile`.
 * Latency counts from the intended arrival, so a host that cannot keep up shows. Throws a CannotRunError where one GPU
 * cannot do what the policy asks for, or the tenants do not fit in its memory.
 */
export async function liveRun(
  spec: RunSpec,
  profile: DeviceProfile,
  options: LiveOptions = {},
): Promise<RunSummary> {
  const {ordinal = 0, mostHosts = Infinity, warn = () => {}, kept} = options;
  // What went wrong with what others kept is not this run's.
  await kept?.keepFor({spec, profile, ordinal}).catch((error: Error) => warn(error.message));
  const prepared = withHosts(await prepareRehearsed(spec, profile, options.shouldStop), mostHosts);
  const hosts = hostsOf(prepared, spec, mostHosts, warn);
  await checkDeviceMemory(prepared, spec, profile, ordinal);
  const run = kept === undefined ? prepared : await kept.adopt(prepared);
  const {tenants, classes} = run.workbench;
  const metrics = new RunRecorder({
    tenants,
    kernels: classes.kernels,
    lanes: run.lanes,
    window: run.window,
    predictions: predictionsOf(run),
  });
  const recorder = options.recorder === undefined ? metrics : recordBoth(metrics, options.recorder);
  try {
    return hosts === null
      ? await runShared(run, spec, profile, metrics, recorder, options)
      : await runApart(run, spec, profile, metrics, recorder, options, hosts);
  } catch (error) {
    await kept?.close().catch(() => {});
    // What this policy takes of the memory is too much: the others may fit.
    if (error instanceof OutOfMemoryError)
      throw new CannotRunError(`${spec.policy} ran out of memory: ${error.message}`, {cause: error});
    if (error instanceof InputError && !(error instanceof CannotRunError))
      throw new CannotRunError(`${spec.policy} ${error.message}`, {cause: error});
    throw error;
  }
}

/** One thread submits for all lanes. */
async function runShared(
  run: PreparedRun,
  spec: RunSpec,
  profile: DeviceProfile,
  metrics: RunRecorder,
  recorder: Recorder,
  {ordinal = 0, shouldStop = () => false, kept, onHost}: LiveOptions,
): Promise<RunSummary> {
  const keeper = kept ?? new KeptHost();
  const host = await keeper.open({run, spec, profile, ordinal, recorder, shouldStop});
  const {ended, endedAtNs, times} = await keeper.run(host);
  if (kept === undefined || shouldStop()) await keeper.close();
  onHost?.(times);
  return summariseRun(run, spec, profile, metrics, ended, endedAtNs);
}

/** Tenants have hosts of their own. */
async function runApart(
  run: PreparedRun,
  spec: RunSpec,
  profile: DeviceProfile,
  metrics: RunRecorder,
  recorder: Recorder,
  options: LiveOptions,
  hosts: readonly HostPlan[],
): Promise<RunSummary> {
  const {ordinal = 0, shouldStop = () => false, warn = () => {}, onHost} = options;
  const {mostHosts, kept, supply = kept?.supply} = options;
  const {tenants, programs} = run.workbench;
  const {sharing} = run.setup;
  const {tapes, died, endedAtNs, times} = await runIsolated({
    spec,
    profile,
    hosts,
    names: tenants.map(({name}) => name),
    ordinal,
    scheme: sharing === 'mps' || sharing === 'time-slice' ? sharing : 'threads',
    limitNs: run.limitNs,
    shouldStop,
    warn,
    ...(mostHosts === undefined ? {} : {mostHosts}),
    ...(supply === undefined ? {} : {supply}),
    keepHosts: kept !== undefined && supply === kept.supply,
  });
  if (died.includes(true)) await kept?.close().catch((error: Error) => warn(error.message));
  onHost?.(combineHosts(times));
  const dead = new Set(hosts.flatMap((host, i) => (died[i] ? host.tenants : [])));
  play([...tapes, unseen(run, dead, tapes)], programs, tenants, recorder);
  const ended = endedAtNs >= run.limitNs || dead.size > 0 ? 'limit' : 'done';
  const until = dead.size > 0 ? Math.max(endedAtNs, run.window.endNs) : endedAtNs;
  return summariseRun(run, spec, profile, metrics, ended, until);
}

/** A tape of the requests that came when nobody lived to see them: nobody can say that they were answered. */
function unseen(
  {arrivals, workbench}: PreparedRun,
  dead: ReadonlySet<number>,
  tapes: readonly Float64Array[],
): Float64Array {
  const seen = countArrivals(tapes, workbench.tenants.length);
  const tape = new Tape();
  const all = onlyOf(arrivals, dead);
  while (all.nextAt() < Infinity) {
    const at = all.nextAt();
    const tenant = all.take();
    if (seen[tenant] > 0) seen[tenant]--;
    else tape.arrived(tenant, at);
  }
  return tape.events();
}

/** The hosts of a run, null for one that submits for all. Throws a CannotRunError for what one GPU cannot do. */
function hostsOf(
  {policy, setup, workbench}: PreparedRun,
  spec: RunSpec,
  mostHosts: number,
  warn: (sentence: string) => void,
): readonly HostPlan[] | null {
  if (setup.sharing === 'dedicated') {
    throw new CannotRunError(`${spec.policy} cannot run live: it gives every tenant a GPU of its own`);
  }
  const hosts = setup.host === 'shared' ? null : planHosts(policy, workbench.tenants, mostHosts);
  if (hosts !== null) return hosts;
  if (setup.sharing !== 'one-context') {
    throw new CannotRunError(
      `${spec.policy} cannot run live: contexts of their own need lanes "per-tenant" and a host "per-lane"`,
    );
  }
  if (setup.host === 'per-lane') {
    warn(
      `${spec.policy} runs with one submitting thread for all lanes: it does not tell which tenants a lane serves`,
    );
  }
  return null;
}

/** What the profile's GPU would hold, this one may not. */
async function checkDeviceMemory(
  {setup, workbench}: PreparedRun,
  spec: RunSpec,
  profile: DeviceProfile,
  ordinal: number,
): Promise<void> {
  const device = requireDevice()[ordinal];
  if (!spec.scenario.memory || device === undefined) return; // opening the context says what is wrong
  const models = await loadModels(spec);
  const context = profile.sharing.context_bytes.value;
  const problem = memoryProblem(
    memoryNeed(workbench.tenants, models, setup.sharing, context),
    device.memoryBytes,
  );
  if (problem !== null) throw new CannotRunError(`${spec.policy} ${problem}`);
}
