// Short live runs of whole models beside each other: what launches take in company.
import {CalibrationStopped} from '../gpu/calibration/session.ts';
import type {Session} from '../gpu/calibration/session.ts';
import {LaunchLog} from '../metrics/launchLog.ts';
import type {LoggedLaunch} from '../metrics/launchLog.ts';
import type {RunSummary} from '../metrics/result.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {Window} from '../metrics/window.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Model} from '../workload/models/layer.ts';
import {isClosed} from '../workload/arrivals/schema.ts';
import {hostWatch} from './hostRuns.ts';
import type {HostRun} from './hostRuns.ts';
import {openLiveHost} from './liveHost.ts';
import {memoryNeed} from './memory.ts';
import {programOf} from './modelKernels.ts';
import {loadModels} from './ownModels.ts';
import {parseScenario} from './scenario.ts';
import type {Scenario} from './scenario.ts';
import {prepareRehearsed} from './rehearsal.ts';
import {summariseRun} from './simulate.ts';
import type {RunSpec} from './simulate.ts';
import type {WorkbenchTenant} from './workbench.ts';

/** A policy at an offered load, by the profile's predictions. */
export interface CoRunCell {
  readonly policy: string;
  readonly load: number;
}

/** What runs beside what, and for how long. */
export interface CoRunStage {
  /** Most models. */
  readonly models: number;
  /** Tenants in all, at least; every model has as many. */
  readonly tenants: number;
  readonly cells: readonly CoRunCell[];
  /** Length of one run, a warm-up besides. */
  readonly forNs: number;
}

/**
 * Whole requests on a lane for each tenant, which say the most, as the host sees an end some microseconds late, the later
 * the busier it is; and launches that coalesce, on few and on many lanes. At loads at which some and at which most launches
 * have company, and one at which large batches form.
 */
export const usualCoRuns: CoRunStage = {
  models: 4,
  tenants: 8,
  cells: [
    {policy: 'streams:host-threads=shared', load: 0.9},
    {policy: 'streams:host-threads=shared', load: 1.15},
    {policy: 'slo:lanes=4,run-ahead=16', load: 1.4},
    {policy: 'ooo', load: 1.4},
    {policy: 'streams:host-threads=shared', load: 1.4},
    {policy: 'ooo', load: 1.1},
    {policy: 'greedy:lanes=2,run-ahead=16', load: 1.2},
    {policy: 'slo:lanes=4,run-ahead=16', load: 1.7},
  ],
  forNs: 2e9,
};

/** Models that differ most in how their kernels fill a device come first. */
const preferred = ['resnet-50', 'mobilenet-v2', 'bert-base-128', 'lstm-1024'];

/** Most requests of a tenant in a second, before the load is scaled. */
const mostPerSecond = 5000;

const warmUpNs = 300e6;
/** After the last arrival, what is under way may end. */
const drainNs = 50e6;
/** As many as policies may coalesce where there is no scenario: what is launched together is recorded before a run, which takes its time. */
const usualMaxSize = 16;
/** Fewer launches say nothing. */
const leastLaunches = 50;

/** The tenants of co-runs, as a scenario has them, and how many kernels their policies may coalesce. */
export type CoRunMix = Pick<Scenario, 'tenants' | 'max-size'>;

/** A live run of several tenants of some models, and what its launches took. */
export interface CoRun extends CoRunCell {
  readonly models: readonly string[];
  /** Inputs in one request. */
  readonly batch: number;
  readonly launches: readonly CoRunLaunch[];
  /** What its host did meanwhile; simulated ones do not tell. */
  readonly host?: HostRun;
  /** What its requests met, to lay the run beside the same one simulated. */
  readonly outcome?: CoRunOutcome;
}

/** As in a run's summary: shares 0 to 1, latencies in ns; null where a backlog grew, or for too few requests. */
export type CoRunOutcome = Pick<
  RunSummary,
  'completed' | 'slo_attainment' | 'latency_mean_ns' | 'latency_p50_ns' | 'latency_p99_ns'
>;

/** A launch in company. */
export type CoRunLaunch = readonly [
  /** Index of the members' model; all of them run the same kernels. */
  model: number,
  /** Which of the model's kernels is the first, and how many follow each other in all. */
  kernel: number,
  steps: number,
  size: number,
  /** Index of the method. */
  method: number,
  /** From when on its lane was free for it until the host saw its end, in ns. */
  freeAt: number,
  finishedAt: number,
  /** How many requests each member serves. */
  requests: number,
  /** The members', as the run counts tenants: those of one have weights in common. -1: of several. */
  tenant: number,
];

/** Models by the names that tenants have for them. */
type Models = ReadonlyMap<string, Model>;

/** The models that co-runs are made of where there is no scenario. */
export function coRunModels(models: Models, most: number): Models {
  const names = [...models.keys()];
  const ordered = [
    ...preferred.filter((name) => models.has(name)),
    ...names.filter((name) => !preferred.includes(name)),
  ];
  return new Map(ordered.slice(0, most).map((name) => [name, models.get(name)!]));
}

export interface CoRunOptions {
  /** The scenario's, its own files among them, or those to choose from. */
  readonly models: Models;
  readonly batch: number;
  /** The scenario that is calibrated for: its tenants run beside each other. None: some of each of the models. */
  readonly scenario?: Scenario;
  readonly stage: CoRunStage;
  readonly ordinal: number;
  /** Bytes of the device that the tenants may take. */
  readonly freeBytes: () => number;
  /** The share of the budget that may be over when a run begins. */
  readonly until: number;
}

/** The stage's runs for which there is time and memory, in its order. */
export async function measureCoRuns(
  profile: DeviceProfile,
  session: Session,
  {models, batch, scenario, stage, ordinal, freeBytes, until}: CoRunOptions,
): Promise<CoRun[]> {
  const mix =
    scenario === undefined
      ? equalMix(profile, coRunModels(models, stage.models), batch, stage.tenants)
      : scenarioMix(profile, scenario, models, batch, session.log);
  const names = modelsOf(mix);
  if (names.length === 0) return [];
  const of = scenario === undefined ? '' : `${scenario.name}: `;
  const runs: CoRun[] = [];
  let skipped = 0;
  for (const cell of scenario === undefined ? stage.cells : scenarioCells(scenario, stage.cells)) {
    const key = `co-run ${of}${names.join('+')} ${cell.policy} at ${cell.load}`;
    const spec = coRunSpec(mix, models, cell, {startNs: warmUpNs, endNs: warmUpNs + stage.forNs});
    if (!session.journal.has(key) && (session.used > until || (await bytesOf(spec)) > freeBytes())) {
      skipped++;
      continue;
    }
    const seen = await session.measure(key, () => observe(profile, spec, ordinal, session.shouldStop));
    if (seen !== null) runs.push({...cell, models: names, batch, ...seen});
  }
  if (skipped > 0) session.log(`  ${skipped} co-runs left out: no time or memory for them`);
  return runs;
}

const modelsOf = ({tenants}: CoRunMix): string[] => [...new Set(tenants.map(({model}) => model))];

/** Requests a second that keep the device busy, as the profile predicts it, but no more than the host can submit. */
function busyRate(profile: DeviceProfile, model: Model, batch: number): number {
  const costs = costModel(profile);
  const aloneNs = programOf(model, batch).reduce(
    (sum, kernel) => sum + costs.durationNs(kernel, 1, 'single'),
    0,
  );
  return Math.min(mostPerSecond, 1e9 / aloneNs);
}

/** Policies under which tenants have a host, a context or a device of their own, or that are not a calibration's to load. */
const apart = /^(time-slice|mps|exclusive|evict)\b|[/\\]/;

/**
 * Runs under a scenario's own policies, at a quarter and at three quarters of the way from the least to the most of the loads
 * that it names, so that it is calibrated for what it asks, but not with its own runs.
 */
export function scenarioCells(
  {policies, loads = [0.6, 1.4]}: Scenario,
  usual: readonly CoRunCell[],
): readonly CoRunCell[] {
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  const between = [0.25, 0.75].map((share) => Number((least + share * (most - least)).toFixed(3)));
  const inOne = policies.filter(
    (policy) => !apart.test(policy) && (!/^streams\b/.test(policy) || policy.includes('host-threads=shared')),
  );
  const cells = between.flatMap((load) => inOne.map((policy) => ({policy, load})));
  return cells.length > 0 ? cells : usual;
}

/** As many tenants of every model, which offer the same load. */
export function equalMix(profile: DeviceProfile, models: Models, batch: number, tenants: number): CoRunMix {
  if (models.size === 0) return {tenants: [], 'max-size': usualMaxSize};
  return parseScenario(
    JSON.stringify({
      'max-size': usualMaxSize,
      tenants: [...models].map(([name, model]) => ({
        name,
        model: name,
        replicas: Math.ceil(tenants / models.size),
        batch,
        slo: '50ms',
        arrivals: {process: 'poisson', rate: busyRate(profile, model, batch)},
      })),
    }),
    'calibration',
  );
}

/** A scenario's own tenants of this batch; those that ask again when they are answered do so at random. */
export function scenarioMix(
  profile: DeviceProfile,
  {tenants, 'max-size': maxSize}: Scenario,
  models: Models,
  batch: number,
  log: (line: string) => void,
): CoRunMix {
  const taken = tenants.filter((tenant) => tenant.batch === batch && tenant.dtype === 'fp32');
  for (const tenant of tenants) if (!taken.includes(tenant)) log(`  ${tenant.name} takes no part in co-runs`);
  return {
    'max-size': maxSize,
    tenants: taken.map((tenant) =>
      isClosed(tenant.arrivals)
        ? {
            ...tenant,
            arrivals: {process: 'poisson', rate: busyRate(profile, models.get(tenant.model)!, batch)},
          }
        : tenant,
    ),
  };
}

/** The run of a cell: the same live and simulated. Its arrivals are those of no other run of the tenants. */
export function coRunSpec(
  {tenants, 'max-size': maxSize}: CoRunMix,
  models: Models,
  {policy, load}: CoRunCell,
  window: Window,
): RunSpec {
  const scenario = parseScenario(
    JSON.stringify({
      memory: false,
      seed: 'co-runs',
      tenants: [{name: 'any', model: 'lstm-16', slo: '50ms'}],
    }),
    'calibration',
  );
  const times = {duration: window.endNs, warmup: window.startNs, drain: drainNs};
  return {
    scenario: {...scenario, ...times, tenants, 'max-size': maxSize},
    models,
    policy,
    load,
    replication: 0,
    directory: '.',
  };
}

/** The launches that began in the run's window and went well. */
export function launchesOf(
  logged: readonly LoggedLaunch[],
  tenants: readonly WorkbenchTenant[],
  models: readonly string[],
  {startNs}: Window,
): CoRunLaunch[] {
  return logged.flatMap((launch): CoRunLaunch[] => {
    const {failed, batch, kernel, steps, size, method, cls, freeAt, finishedAt} = launch;
    // Mixed shapes, what did not run: their kernels are not the model's.
    if (failed || cls < 0 || freeAt < startNs) return [];
    const model = models.indexOf(tenants[launch.tenant].model);
    const tenant = launch.ofOneTenant ? launch.tenant : -1;
    return [[model, kernel, steps, size, method, freeAt, finishedAt, batch, tenant]];
  });
}

async function observe(
  profile: DeviceProfile,
  spec: RunSpec,
  ordinal: number,
  shouldStop: () => boolean,
): Promise<Required<Pick<CoRun, 'launches' | 'host' | 'outcome'>> | null> {
  const run = await prepareRehearsed(spec, profile, shouldStop);
  const {tenants, classes} = run.workbench;
  const log = new LaunchLog();
  const watch = hostWatch(profile, classes.kernels, warmUpNs);
  // As in any live run: recording is part of the host's work.
  const recorder = new RunRecorder({
    tenants,
    kernels: classes.kernels,
    lanes: run.lanes,
    window: run.window,
  });
  const host = await openLiveHost({
    run,
    spec,
    profile,
    ordinal,
    recorder: recordBoth(recorder, log),
    shouldStop,
    observe: watch.observe,
  });
  let end: ReturnType<typeof host.run>;
  try {
    end = host.run();
  } finally {
    await host.close();
  }
  if (shouldStop()) throw new CalibrationStopped('calibration stopped; run it again to go on');
  const models = modelsOf(spec.scenario);
  const launches = launchesOf(log.inOrder(), tenants, models, run.window);
  if (launches.length < leastLaunches) return null;
  const met = summariseRun(run, spec, profile, recorder, end.ended, end.endedAtNs);
  const {completed, slo_attainment, latency_mean_ns, latency_p50_ns, latency_p99_ns} = met;
  return {
    launches,
    host: {policy: run.policy.name, ...watch.times()},
    outcome: {completed, slo_attainment, latency_mean_ns, latency_p50_ns, latency_p99_ns},
  };
}

/** Twice what weights and activations take: workspaces of recorded requests come on top. */
async function bytesOf(spec: RunSpec): Promise<number> {
  const tenants = spec.scenario.tenants.flatMap((entry) =>
    Array.from({length: entry.replicas}, () => ({entry}) as WorkbenchTenant),
  );
  return 2 * memoryNeed(tenants, await loadModels(spec), 'one-context', 0).total;
}
