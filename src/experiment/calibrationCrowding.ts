// Interference and crowding of a profile, by what makes simulated co-runs take as long as measured ones.
import {medianOf} from '../gpu/calibration/samples.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import {weightBytes} from '../workload/models/size.ts';
import {findModel} from '../workload/models/zoo.ts';
import {CrowdLatencies, crowdSpec} from './calibrationCoRuns.ts';
import type {CoRun, Crowd} from './calibrationCoRuns.ts';
import {measuredHere} from './measurements.ts';
import {simulateRun} from './simulate.ts';

/** How neighbours count; see `Sharing`. */
export interface CrowdTerms {
  readonly interference: number;
  readonly crowding: number;
}

/** What a co-run is used for. */
export type CrowdUse = 'fitted' | 'unseen' | 'cached';

/**
 * One model in a co-run: its mean latency in ns as measured, and the relative error of the simulated one by the terms that
 * were there before and by the fitted ones.
 */
export interface CrowdRow {
  readonly model: string;
  readonly beside: readonly string[];
  readonly replicas: number;
  readonly use: CrowdUse;
  readonly measuredNs: number;
  readonly before: number;
  readonly after: number;
}

export interface CrowdFit {
  readonly before: CrowdTerms;
  readonly after: CrowdTerms;
  /** From the end of a kernel to the start of the next, different one of its graph; null where it does not show. */
  readonly stepGapNs: number | null;
  /**
   * Mean absolute logarithm of simulated over measured latency, by terms that were fitted to co-runs of one and of two
   * models: of those,
   */
  readonly train: {readonly before: number; readonly after: number};
  /** and of those of more models. `after` is fitted to both. */
  readonly test: {readonly before: number; readonly after: number} | null;
  readonly rows: readonly CrowdRow[];
}

/** A first look at all there may be, and closer ones around the best of it, in parts of the first one's steps. */
const coarse = {interference: [0, 0.4, 0.8, 1.2, 1.6, 2], crowding: [0, 1 / 3, 2 / 3, 1]};
const steps = {interference: 0.4, crowding: 1 / 3};
const closerLooks = 3;
const fine = [-1 / 2, -1 / 4, 0, 1 / 4, 1 / 2];

/** Simulated time of a co-run, in measured latencies: until tenants have found their places, and from then on. */
const settling = 2;
const watching = 8;
/** Shorter programs show the host, not what lies between two kernels or how lanes slow each other. */
const fewestKernels = 10;

/** At least this long, in ns: lanes drift against each other slowly where requests are short. */
const shortestNs = 1e6;

/** A request that has not ended counts as this many times too long. */
const unanswered = 10;

/**
 * Weights of this many times the second-level cache are read from memory by every request, as the kernels were measured;
 * of fewer, some stay in the cache, which the simulator does not know of.
 */
const cold = {alone: 1.5, together: 3};

const isSolo = ({models, replicas}: Crowd): boolean => models.length === 1 && replicas === 1;

/** Bytes of the weights of all tenants over those of the cache. */
function cachesOf({models, replicas}: Crowd, {hardware}: DeviceProfile): number {
  const bytes = models.reduce((sum, name) => sum + replicas * weightBytes(findModel(name), 'fp32'), 0);
  return bytes / hardware.l2_bytes.value;
}

const kernelsOfModel = (model: string, batch: number): number =>
  kernelsOf(findModel(model), {batch, dtype: 'fp32', elementwise: true}).length;

function useOf(crowd: Crowd, profile: DeviceProfile): CrowdUse {
  if (cachesOf(crowd, profile) < cold.together) return 'cached';
  return crowd.models.length > 2 ? 'unseen' : 'fitted';
}

/**
 * The profile with the gap between the kernels of a request, by what requests that run alone take longer than simulated,
 * and then with the terms that bring simulated latencies of co-runs closest to measured ones; null without co-runs of
 * several tenants whose weights do not stay in the cache.
 */
export async function fitCrowding(
  given: DeviceProfile,
  runs: readonly CoRun[],
): Promise<{profile: DeviceProfile; fit: CrowdFit} | null> {
  const usable = runs.filter((run) => !isSolo(run));
  const train = usable.filter((run) => useOf(run, given) === 'fitted');
  if (train.length === 0) return null;
  const stepGapNs = await fitStepGap(given, runs.filter(isSolo));
  const profile =
    stepGapNs === null
      ? given
      : {
          ...given,
          launch: {...given.launch, step_gap_ns: {value: stepGapNs, source: measuredHere}},
        };
  const {interference, crowding} = profile.contention;
  const before: CrowdTerms = {interference: interference.value, crowding: crowding?.value ?? 1};
  const latencies = remembered((run: CoRun, terms: CrowdTerms) => simulated(profile, run, terms));
  const errorOf = async (of: readonly CoRun[], terms: CrowdTerms): Promise<number> => {
    const errors: number[] = [];
    for (const run of of) {
      const means = await latencies(run, terms);
      for (const {model, meanNs} of run.latencies) {
        // What takes as long on the host as on the device says little of sharing the device.
        if (kernelsOfModel(model, run.batch) < fewestKernels) continue;
        const ns = means.get(model)!;
        errors.push(ns > 0 ? Math.abs(Math.log(ns / meanNs)) : Math.log(unanswered));
      }
    }
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };

  const best = async (of: readonly CoRun[]): Promise<CrowdTerms> => {
    const looked: {readonly terms: CrowdTerms; readonly error: number}[] = [];
    const look = async (terms: CrowdTerms): Promise<void> => {
      looked.push({terms, error: await errorOf(of, terms)});
    };
    // Of equal errors the first: the fewest assumptions.
    const inOrder = (): CrowdTerms[] => looked.toSorted((a, b) => a.error - b.error).map(({terms}) => terms);
    for (const interference of coarse.interference) {
      for (const crowding of coarse.crowding) {
        await look({interference, crowding});
        if (interference === 0) break;
      }
    }
    const within = (value: number, most: number): boolean => value >= 0 && value <= most;
    for (const near of inOrder().slice(0, closerLooks)) {
      for (const byInterference of fine) {
        for (const byCrowding of fine) {
          const terms = {
            interference: short(near.interference + byInterference * steps.interference),
            crowding: short(near.crowding + byCrowding * steps.crowding),
          };
          if (within(terms.interference, 2) && within(terms.crowding, 1)) await look(terms);
        }
      }
    }
    return inOrder()[0];
  };

  const unseen = usable.filter((run) => useOf(run, given) === 'unseen');
  const trained = await best(train);
  const errors = async (of: readonly CoRun[]): Promise<{before: number; after: number}> => ({
    before: await errorOf(of, before),
    after: await errorOf(of, trained),
  });
  // Tested on what they were not fitted to, the terms are fitted to all.
  const after = unseen.length === 0 ? trained : await best([...train, ...unseen]);
  const rows: CrowdRow[] = [];
  for (const run of runs) {
    const [was, is] = [await latencies(run, before), await latencies(run, after)];
    for (const {model, meanNs} of run.latencies) {
      rows.push({
        model,
        beside: run.models,
        replicas: run.replicas,
        use: isSolo(run) && cachesOf(run, given) >= cold.alone ? 'fitted' : useOf(run, given),
        measuredNs: meanNs,
        before: was.get(model)! / meanNs - 1,
        after: is.get(model)! / meanNs - 1,
      });
    }
  }
  return {
    profile: withTerms(profile, after),
    fit: {
      before,
      after,
      stepGapNs,
      train: await errors(train),
      test: unseen.length === 0 ? null : await errors(unseen),
      rows,
    },
  };
}

/**
 * What lies between two kernels of a request beyond what calibration sees between equal ones: the next kernel's code and
 * parameters come from memory. The median over models whose weights do not stay in the cache; null without any.
 */
async function fitStepGap(profile: DeviceProfile, solos: readonly CoRun[]): Promise<Nanoseconds | null> {
  const {launch} = profile;
  const before = (launch.step_gap_ns ?? launch.gap_ns).value;
  const gaps: Nanoseconds[] = [];
  for (const run of solos) {
    const [model] = run.models;
    const kernels = kernelsOfModel(model, run.batch);
    if (cachesOf(run, profile) < cold.alone || kernels < fewestKernels) continue;
    const {interference, crowding} = profile.contention;
    const terms = {interference: interference.value, crowding: crowding?.value ?? 1};
    const ns = (await simulated(profile, run, terms)).get(model)!;
    gaps.push(before + (run.latencies[0].meanNs - ns) / (kernels - 1));
  }
  return gaps.length === 0 ? null : Math.max(0, Math.round(medianOf(gaps)));
}

const short = (value: number): number => Number(value.toFixed(4));

/** The profile with other terms of sharing, as this calibration found them. */
function withTerms(profile: DeviceProfile, {interference, crowding}: CrowdTerms): DeviceProfile {
  const term = (value: number) => ({value: short(value), source: measuredHere});
  return {
    ...profile,
    contention: {
      ...profile.contention,
      interference: term(interference),
      crowding: term(crowding),
    },
  };
}

/** Mean latency by model, in ns; NaN where no request ended. */
async function simulated(
  profile: DeviceProfile,
  run: CoRun,
  terms: CrowdTerms,
): Promise<Map<string, number>> {
  const longest = Math.max(...run.latencies.map(({meanNs}) => meanNs));
  const startNs = Math.ceil(settling * longest);
  const endNs = startNs + Math.ceil(Math.max(shortestNs, watching * longest));
  const spec = crowdSpec(run, {startNs, endNs}, 0);
  let latencies: CrowdLatencies | undefined;
  await simulateRun(spec, {
    profile: withTerms(profile, terms),
    recorder: ({workbench, window}) => (latencies = new CrowdLatencies(workbench.tenants, window)),
  });
  return new Map(latencies!.means().map(({model, meanNs}) => [model, meanNs]));
}

/** Remembers by what matters: without interference crowding does not, nor does it with a single neighbour. */
function remembered<T>(
  compute: (run: CoRun, terms: CrowdTerms) => Promise<T>,
): (run: CoRun, terms: CrowdTerms) => Promise<T> {
  const known = new Map<CoRun, Map<string, T>>();
  return async (run, terms) => {
    let values = known.get(run);
    if (values === undefined) known.set(run, (values = new Map<string, T>()));
    const tenants = run.models.length * run.replicas;
    const crowding = terms.interference === 0 || tenants <= 2 ? 1 : terms.crowding;
    const key = `${terms.interference} ${crowding}`;
    let value = values.get(key);
    if (value === undefined) values.set(key, (value = await compute(run, {...terms, crowding})));
    return value;
  };
}
