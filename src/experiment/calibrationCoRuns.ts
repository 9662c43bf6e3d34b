// Short live runs of whole models beside each other: how lanes slow each other down where it matters.
import {CalibrationStopped} from '../gpu/calibration/session.ts';
import type {Session} from '../gpu/calibration/session.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {Window} from '../metrics/window.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import type {Model} from '../workload/models/layer.ts';
import {findModel} from '../workload/models/zoo.ts';
import {openLiveHost} from './liveHost.ts';
import {memoryNeed} from './memory.ts';
import {loadModels} from './ownModels.ts';
import {parseScenario} from './scenario.ts';
import type {Scenario} from './scenario.ts';
import {prepareRun} from './simulate.ts';
import type {RunSpec} from './simulate.ts';
import type {WorkbenchTenant} from './workbench.ts';

/** What runs beside what, and for how long. */
export interface CoRunStage {
  /** Most models. */
  readonly models: number;
  /** Tenants of one model; those of 1 are what the others are compared with. */
  readonly replicas: readonly number[];
  /** Tenants of each of two different models, */
  readonly pairs: readonly number[];
  /** and of each of three. */
  readonly triples: readonly number[];
  /** Tenants of each model where all run together, if they are more than three. */
  readonly mixed: readonly number[];
  /** Length of one run, a warm-up besides. */
  readonly forNs: number;
}

export const usualCoRuns: CoRunStage = {
  models: 4,
  replicas: [1, 2, 4, 8],
  pairs: [1, 4],
  triples: [1, 3],
  mixed: [1, 2],
  forNs: 400e6,
};

/** Models that differ most in how their kernels fill a device come first. */
const preferred = ['resnet-50', 'mobilenet-v2', 'bert-base-128', 'lstm-1024'];

/** Whole requests as one graph each, on a lane of every tenant's own; one thread submits, as the fit's simulation has it. */
const policy = 'streams:host-threads=shared';
const warmUpNs = 100e6;
/** After the last arrival, what is under way may end. */
const drainNs = 50e6;
/** Fewer requests of a model say nothing. */
const leastRequests = 3;

/** Saturated tenants of some models: one request of each is always under way. */
export interface Crowd {
  readonly models: readonly string[];
  /** Tenants of each. */
  readonly replicas: number;
  /** Inputs in one request. */
  readonly batch: number;
}

/** A crowd, and how long its requests took. */
export interface CoRun extends Crowd {
  readonly latencies: readonly {readonly model: string; readonly meanNs: number; readonly requests: number}[];
}

/** The models that co-runs are made of: of the known ones, so that a scenario can name them. */
export function coRunModels(models: readonly Model[], most: number): string[] {
  const known = models.filter((model) => isKnown(model)).map(({name}) => name);
  return [
    ...preferred.filter((name) => known.includes(name)),
    ...known.filter((name) => !preferred.includes(name)),
  ].slice(0, most);
}

function isKnown({name, layers}: Model): boolean {
  try {
    return findModel(name).layers.length === layers.length;
  } catch {
    return false;
  }
}

export interface CoRunOptions {
  readonly models: readonly Model[];
  readonly batch: number;
  readonly stage: CoRunStage;
  readonly ordinal: number;
  /** Most tenants beside each other. */
  readonly mostLanes: number;
  /** Bytes of the device that the tenants may take. */
  readonly freeBytes: () => number;
  /** The share of the budget that may be over when a run begins. */
  readonly until: number;
}

/** Runs for which there is time, lanes and memory: of one model by number of tenants, of pairs and triples of models, then of all together. */
export async function measureCoRuns(
  profile: DeviceProfile,
  session: Session,
  {models, batch, stage, ordinal, mostLanes, freeBytes, until}: CoRunOptions,
): Promise<CoRun[]> {
  const names = coRunModels(models, stage.models);
  const crowds: Crowd[] = stage.replicas.flatMap((replicas) =>
    names.map((name) => ({models: [name], replicas, batch})),
  );
  const add = (of: readonly (readonly string[])[], tenants: readonly number[]): void => {
    for (const replicas of tenants) for (const models of of) crowds.push({models, replicas, batch});
  };
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b]));
  add(pairs, stage.pairs);
  add(
    pairs.flatMap(([a, b]) => names.slice(names.indexOf(b) + 1).map((c) => [a, b, c])),
    stage.triples,
  );
  if (names.length > 3) add([names], stage.mixed);
  const runs: CoRun[] = [];
  let skipped = 0;
  for (const crowd of crowds) {
    const key = `co-run ${crowd.models.join('+')} x ${crowd.replicas}`;
    if (!session.journal.has(key)) {
      const hasRoom = crowd.models.length * crowd.replicas <= mostLanes && session.used <= until;
      if (!hasRoom || bytesOf(crowd) > freeBytes()) {
        skipped++;
        continue;
      }
    }
    const run = await session.measure(key, () =>
      observe(profile, crowd, stage.forNs, ordinal, session.shouldStop),
    );
    if (run !== null) runs.push(run);
  }
  if (skipped > 0) session.log(`  ${skipped} co-runs left out: no time, lanes or memory for them`);
  return runs;
}

/** The run of a crowd: the same live and simulated. */
export function crowdSpec({models, replicas, batch}: Crowd, window: Window, drain: number): RunSpec {
  const ns = (value: number): string => `${Math.round(value)}ns`;
  const scenario: Scenario = parseScenario(
    JSON.stringify({
      duration: ns(window.endNs),
      warmup: ns(window.startNs),
      drain: ns(drain),
      memory: false,
      // Nothing is coalesced, so that nothing has to be recorded for it.
      'max-size': 1,
      tenants: models.map((model) => ({
        name: model,
        model,
        replicas,
        batch,
        slo: '1s',
        arrivals: {process: 'saturated'},
      })),
    }),
    'calibration',
  );
  return {scenario, policy, load: null, replication: 0, directory: '.'};
}

/**
 * Latency by model of what completes inside the window, whenever it arrived: tenants that always have a request under
 * way answer as many at its start as at its end.
 */
export class CrowdLatencies implements Recorder {
  private readonly tenants: readonly WorkbenchTenant[];
  private readonly window: Window;
  private readonly sums = new Map<string, {sum: number; requests: number}>();

  constructor(tenants: readonly WorkbenchTenant[], window: Window) {
    this.tenants = tenants;
    this.window = window;
    for (const {model} of tenants) this.sums.set(model, {sum: 0, requests: 0});
  }

  completed(tenant: number, arrivalAt: number, _startedAt: number, at: number): void {
    if (at < this.window.startNs || at >= this.window.endNs) return;
    const of = this.sums.get(this.tenants[tenant].model)!;
    of.sum += at - arrivalAt;
    of.requests++;
  }

  arrived(): void {}
  dropped(): void {}
  launched(): void {}
  finished(): void {}

  /** Of every model; NaN where none of its requests completed. */
  means(): {model: string; meanNs: number; requests: number}[] {
    return [...this.sums].map(([model, {sum, requests}]) => ({model, meanNs: sum / requests, requests}));
  }
}

async function observe(
  profile: DeviceProfile,
  crowd: Crowd,
  forNs: number,
  ordinal: number,
  shouldStop: () => boolean,
): Promise<CoRun> {
  const spec = crowdSpec(crowd, {startNs: warmUpNs, endNs: warmUpNs + forNs}, drainNs);
  const run = await prepareRun(spec, profile);
  const {tenants, classes} = run.workbench;
  const latencies = new CrowdLatencies(tenants, run.window);
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
    ordinal,
    recorder: recordBoth(recorder, latencies),
    shouldStop,
  });
  try {
    host.run();
  } finally {
    await host.close();
  }
  if (shouldStop()) throw new CalibrationStopped('calibration stopped; run it again to go on');
  const means = latencies.means();
  for (const {model, requests} of means) {
    if (requests < leastRequests)
      throw new DeviceError(`only ${requests} requests of ${model} completed (expected ${leastRequests})`);
  }
  return {...crowd, latencies: means};
}

/** Twice what weights and activations take: workspaces of recorded requests come on top. */
function bytesOf(crowd: Crowd): number {
  const {scenario} = crowdSpec(crowd, {startNs: 0, endNs: 1}, 0);
  const tenants = scenario.tenants.flatMap((entry) =>
    Array.from({length: entry.replicas}, () => ({entry}) as WorkbenchTenant),
  );
  return 2 * memoryNeed(tenants, loadModels(scenario, '.'), 'one-context', 0).total;
}
