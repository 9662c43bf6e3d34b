// One simulated run: scenario, policy, load and replication in, summary out. Plain data, so that a worker can do it.
import {loadModels} from './ownModels.ts';
import type {Predictions} from '../metrics/extrapolatedTime.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import {summarise} from '../metrics/summarise.ts';
import type {RunSummary} from '../metrics/result.ts';
import type {Policy, PolicySetup} from '../scheduler/policy.ts';
import {defaultSetup} from '../scheduler/policy.ts';
import {InputError} from '../scheduler/errors.ts';
import type {DataType} from '../scheduler/kernel.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import type {Arrivals} from '../scheduler/arrivals.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import type {RunEnd} from '../scheduler/scheduler.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';
import {CostTable} from '../profile/costTable.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {SimulatedDevice} from '../sim/simulatedDevice.ts';
import {VirtualClock} from '../sim/virtualClock.ts';
import type {Model} from '../workload/models/layer.ts';
import {stream} from '../workload/random.ts';
import {arrivalSource, drawAll} from './arrivals.ts';
import type {FixedArrivals} from './arrivals.ts';
import {arrivalsAtLoad, offeredLoad} from './load.ts';
import {memoryNeed, memoryProblem} from './memory.ts';
import {makePolicy} from './makePolicy.ts';
import {readProfile} from './profileFiles.ts';
import type {Scenario} from './scenario.ts';
import {simulatedGpu} from './simulatedGpu.ts';
import {stragglerFactor} from './stragglers.ts';
import {setUp} from './workbench.ts';
import type {Workbench} from './workbench.ts';

/** What names one run of a scenario. */
export interface RunSpec {
  readonly scenario: Scenario;
  /** As in the scenario's `policies`. */
  readonly policy: string;
  /** Offered load, or null for the tenants' own rates. */
  readonly load: number | null;
  /** Counts from 0; every replication draws its own arrivals. */
  readonly replication: number;
  /** Folder that relative paths of the scenario start from. */
  readonly directory: string;
  /** Models by the names that tenants have for them, to use instead of those that the scenario names. */
  readonly models?: ReadonlyMap<string, Model>;
  /** Arrivals to use instead of the tenants' own processes, e.g. a trace. */
  readonly arrivals?: FixedArrivals;
}

/** A policy cannot run the scenario at all, e.g. its contexts do not fit in memory. The other policies still can. */
export class CannotRunError extends InputError {
  override readonly code: string = 'CANNOT_RUN';
}

/** A run about to start, and what a caller may want to look at. */
export interface PreparedRun {
  readonly workbench: Workbench;
  readonly policy: Policy;
  readonly setup: PolicySetup;
  readonly costs: CostModel;
  readonly arrivals: Arrivals;
  readonly lanes: number;
  /** When measuring starts and ends, and when the run is cut off. */
  readonly window: {startNs: number; endNs: number};
  readonly limitNs: number;
  readonly seed: string;
  readonly load: number | null;
}

/** Resolves what simulated and live runs have in common: policy, models, costs, arrivals. */
export async function prepareRun(spec: RunSpec, profile: DeviceProfile): Promise<PreparedRun> {
  const {scenario} = spec;
  const models = await loadModels(spec);
  const seed = `${scenario.seed}/${spec.replication}`;
  const tenantCount = scenario.tenants.reduce((sum, {replicas}) => sum + replicas, 0);
  const policy = await makePolicy(spec.policy, {
    directory: spec.directory,
    tenants: tenantCount,
    random: (name) => stream(seed, `policy/${name}`),
  });
  const setup = {...defaultSetup, ...policy.setup};
  const costs = costModel(profile);
  const maxSize = superkernelLimit(scenario, setup);
  const workbench = setUp({
    scenario,
    models,
    grouping: setup.grouping,
    modelFor: (classes) => new CostTable(costs, classes, maxSize, policy.name),
  });
  const {tenants} = workbench;
  if (scenario.memory) checkMemory(workbench, models, setup, profile, spec.policy);
  const specs = arrivalsAtLoad(tenants, spec.arrivals ? null : spec.load);
  const fixed = spec.arrivals ?? drawAll(tenants, specs, scenario.duration, seed);
  const sloMost = Math.max(...tenants.map(({sloNs}) => sloNs));
  return {
    workbench,
    policy,
    setup,
    costs,
    arrivals: arrivalSource(fixed, tenants, specs, scenario.duration, seed),
    lanes: setup.lanes === 'per-tenant' ? tenants.length : setup.lanes,
    window: {startNs: scenario.warmup, endNs: scenario.duration},
    limitNs: scenario.duration + (scenario.drain ?? 2 * sloMost),
    seed,
    load: spec.load ?? (spec.arrivals ? null : offeredLoad(tenants)),
  };
}

/**
 * Simulates one run. `recorder` sees what happens besides the metrics, and may be made for the run: its shape classes grow
 * where batches form. `shouldStop` is asked now and then, or every `decisionsPerLook` decisions.
 */
export async function simulateRun(
  spec: RunSpec,
  options: {
    recorder?: Recorder | ((run: PreparedRun) => Recorder);
    shouldStop?: () => boolean;
    decisionsPerLook?: number;
    profile?: DeviceProfile;
    /** Puts itself around the policy. */
    around?: (policy: Policy) => Policy;
    /** Which of the runs that differ in their kernels' times alone (`drawSpread`); 0, the default: as predicted. */
    draw?: number;
  } = {},
): Promise<RunSummary> {
  const {scenario} = spec;
  const profile = options.profile ?? readProfile(scenario.device);
  const run = await prepareRun(spec, profile);
  const {workbench, policy, setup, lanes, seed} = run;
  const {tenants, classes, programs, groups, model} = workbench;
  const clock = new VirtualClock();
  const {sharing, noise} = profile;
  const factors = setup.sharing === 'mps' ? processSpeeds(lanes, sharing.mps_spread.value, seed) : null;
  const tenantFactor = stragglerFactor(scenario, tenants);
  const device = new SimulatedDevice({
    clock,
    ...simulatedGpu(run, scenario, profile),
    ...residualOf(scenario.noise ? noise.quantiles : null, options.draw ?? 0, seed),
    ...(factors === null ? {} : {laneFactor: factors}),
    ...(tenantFactor === undefined ? {} : {tenantFactor}),
  });
  const metrics = new RunRecorder({
    tenants,
    kernels: classes.kernels,
    lanes,
    window: run.window,
    predictions: predictionsOf(run),
  });
  const recorder = typeof options.recorder === 'function' ? options.recorder(run) : options.recorder;
  const scheduler = new Scheduler({
    clock,
    device,
    policy: options.around?.(policy) ?? policy,
    arrivals: run.arrivals,
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    recorder: recorder === undefined ? metrics : recordBoth(metrics, recorder),
    maxSize: superkernelLimit(scenario, setup),
    ...(options.decisionsPerLook === undefined ? {} : {decisionsPerLook: options.decisionsPerLook}),
  });
  const ended = scheduler.run(run.limitNs, options.shouldStop);
  const occupancy = setup.sharing === 'dedicated' ? device.smNs / lanes : device.smNs;
  return summariseRun(run, spec, profile, metrics, ended, clock.time, occupancy / Math.max(1, clock.time));
}

/** What tells how much of a run's kernel time is extrapolated. */
export function predictionsOf({costs, workbench}: PreparedRun): Predictions {
  return {
    costs: workbench.model,
    isExtrapolated: (kernel, size, method) => costs.isExtrapolated(kernel, size, method),
  };
}

/** The summary of a run, simulated or live. */
export function summariseRun(
  run: PreparedRun,
  spec: RunSpec,
  profile: DeviceProfile,
  metrics: RunRecorder,
  ended: RunEnd,
  endedAtNs: number,
  smOccupancy?: number,
): RunSummary {
  const {scenario} = spec;
  const {tenants} = run.workbench;
  const dtype: DataType = tenants[0].entry.dtype;
  const peak = profile.hardware.peak_tflops[dtype];
  const price = scenario['price-per-hour'] ?? profile.hardware.usd_per_hour?.value;
  return summarise(metrics, {
    policy: spec.policy,
    load: run.load,
    seed: run.seed,
    ended,
    endedAtNs,
    soloNs: tenants.map(({soloNs}) => soloNs),
    gpus: run.setup.sharing === 'dedicated' ? tenants.length : 1,
    ...(peak === undefined ? {} : {peakFlops: peak.value * 1e12}),
    ...(smOccupancy === undefined ? {} : {smOccupancy}),
    ...(price === undefined ? {} : {pricePerHour: price}),
  });
}

/** Policies that form batches change the kernels' shapes instead of coalescing them: no superkernels beside that. */
export function superkernelLimit(scenario: Scenario, setup: PolicySetup): number {
  return setup.admission === 'batched' ? 1 : scenario['max-size'];
}

function checkMemory(
  {tenants}: Workbench,
  models: ReadonlyMap<string, Model>,
  setup: PolicySetup,
  profile: DeviceProfile,
  policy: string,
): void {
  const need = memoryNeed(tenants, models, setup.sharing, profile.sharing.context_bytes.value);
  const problem = memoryProblem(need, profile.hardware.memory_bytes.value);
  if (problem !== null) throw new CannotRunError(`${policy} ${problem}`);
}

/** How much slower each MPS process runs than alone in one context, drawn once a run; sharing speeds nobody up. */
function processSpeeds(lanes: number, spread: number, seed: string): Float64Array {
  const random = stream(seed, 'device/mps');
  // Box-Muller.
  return Float64Array.from({length: lanes}, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(1, 1 + spread * normal);
  });
}

/**
 * The share by which each kernel's time differs at most between draws. Where a device is nearly full the smallest differences
 * decide which requests are in time, and runs so near each other are up to a point of SLO attainment apart; a GPU's run is one
 * of those.
 */
const drawSpread = 0.01;

/** What makes kernels take longer than predicted: measured noise, where it is asked for, and the little that draws differ by. */
function residualOf(
  quantiles: readonly number[] | null,
  draw: number,
  seed: string,
): {readonly residual?: () => number} {
  const noise = quantiles === null ? null : residuals(quantiles, seed);
  if (draw === 0) return noise === null ? {} : {residual: noise};
  const random = stream(seed, `device/draw ${draw}`);
  const little = (): number => 1 + drawSpread * (2 * random() - 1);
  return {residual: noise === null ? little : () => noise() * little()};
}

/** Draws from the profile's measured residuals: the inverse of their distribution, linear between quantiles. */
function residuals(quantiles: readonly number[], seed: string): () => number {
  const random = stream(seed, 'device/noise');
  return () => {
    const at = random() * (quantiles.length - 1);
    const i = Math.floor(at);
    return quantiles[i] + (at - i) * (quantiles[i + 1] - quantiles[i]);
  };
}
