// Interference, crowding and precedence of a profile, by what makes simulated co-runs take as long as measured ones.
import type {DeviceProfile} from '../profile/profile.ts';
import {CrowdLatencies, crowdSpec} from './calibrationCoRuns.ts';
import type {CoRun, Crowd} from './calibrationCoRuns.ts';
import {measuredHere} from './measurements.ts';
import {simulateRun} from './simulate.ts';

/** How neighbours count; see `Sharing`. */
export interface CrowdTerms {
  readonly interference: number;
  readonly crowding: number;
  readonly precedence: number;
}

/**
 * One model in a co-run: how much longer its requests took than alone, measured and as simulated by the terms that were
 * there before and by the fitted ones.
 */
export interface CrowdRow {
  readonly model: string;
  readonly beside: readonly string[];
  readonly replicas: number;
  readonly measured: number;
  readonly before: number;
  readonly after: number;
}

export interface CrowdFit {
  readonly before: CrowdTerms;
  readonly after: CrowdTerms;
  /** Mean absolute logarithm of simulated over measured slowdown, of what the terms were fitted to. */
  readonly train: {readonly before: number; readonly after: number};
  /** Of co-runs of more than two models, which the fit has not seen. */
  readonly test: {readonly before: number; readonly after: number} | null;
  readonly rows: readonly CrowdRow[];
}

/** A first look at all there may be, and a second one around the best of it, in parts of the first one's steps. */
const coarse = {
  interference: [0, 0.4, 0.8, 1.2, 1.6, 2],
  crowding: [0, 1 / 3, 2 / 3, 1],
  precedence: [0, 0.2, 0.4, 0.6],
};
const steps = {interference: 0.4, crowding: 1 / 3, precedence: 0.2};
const fine = [-1 / 2, -1 / 4, 0, 1 / 4, 1 / 2];
const half = [-1 / 2, 0, 1 / 2];
/** The largest values. */
const limits = {interference: 2, crowding: 1, precedence: 0.95};

/** Simulated time of a co-run, in measured latencies: until tenants have found their places, and from then on. */
const settling = 2;
const watching = 8;
/** At least this long, in ns: lanes drift against each other slowly where requests are short. */
const shortestNs = 1e6;

/** A request that has not ended counts as this many times too long. */
const unanswered = 10;

/** Whether one model beside itself, or two: what the terms are fitted to. */
const isFitted = ({models}: Crowd): boolean => models.length <= 2;
const isSolo = ({models, replicas}: Crowd): boolean => models.length === 1 && replicas === 1;

/**
 * The profile with the terms that bring simulated slowdowns closest to measured ones; null without co-runs of several
 * tenants. Slowdowns are against the same model alone, measured or simulated, so that errors of durations stay out.
 */
export async function fitCrowding(
  profile: DeviceProfile,
  runs: readonly CoRun[],
): Promise<{profile: DeviceProfile; fit: CrowdFit} | null> {
  const alone = new Map(runs.filter(isSolo).map((run): [string, CoRun] => [run.models[0], run]));
  const usable = runs.filter((run) => !isSolo(run) && run.models.every((model) => alone.has(model)));
  const train = usable.filter(isFitted);
  if (train.length === 0) return null;
  const {interference, crowding, precedence} = profile.contention;
  const before: CrowdTerms = {
    interference: interference.value,
    crowding: crowding?.value ?? 1,
    precedence: precedence?.value ?? 0,
  };
  const solo = new Map<string, number>();
  for (const [model, run] of alone) solo.set(model, (await simulated(profile, run, before)).get(model)!);

  const slowdowns = remembered(async (run: CoRun, terms: CrowdTerms) => {
    const means = await simulated(profile, run, terms);
    return run.latencies.map(({model, meanNs}) => ({
      model,
      measured: meanNs / alone.get(model)!.latencies[0].meanNs,
      simulated: means.get(model)! / solo.get(model)!,
    }));
  });
  const errorOf = async (of: readonly CoRun[], terms: CrowdTerms): Promise<number> => {
    const errors: number[] = [];
    for (const run of of) {
      for (const {measured, simulated} of await slowdowns(run, terms))
        errors.push(simulated > 0 ? Math.abs(Math.log(simulated / measured)) : Math.log(unanswered));
    }
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };

  let after = before;
  let least = Infinity;
  const look = async (terms: CrowdTerms): Promise<void> => {
    const error = await errorOf(train, terms);
    // Of equal errors the first: the fewest assumptions.
    if (error < least - 1e-12) [after, least] = [terms, error];
  };
  for (const precedence of coarse.precedence) {
    for (const interference of coarse.interference) {
      for (const crowding of coarse.crowding) {
        await look({interference, crowding, precedence});
        if (interference === 0) break;
      }
    }
  }
  const best: CrowdTerms = after;
  const near = (term: keyof CrowdTerms, step: number): number => short(best[term] + step * steps[term]);
  for (const byPrecedence of half) {
    for (const byInterference of fine) {
      for (const byCrowding of fine) {
        const terms = {
          interference: near('interference', byInterference),
          crowding: near('crowding', byCrowding),
          precedence: near('precedence', byPrecedence),
        };
        const isWithin = (term: keyof CrowdTerms): boolean => terms[term] >= 0 && terms[term] <= limits[term];
        if (isWithin('interference') && isWithin('crowding') && isWithin('precedence')) await look(terms);
      }
    }
  }

  const mixed = usable.filter((run) => !isFitted(run));
  const errors = async (of: readonly CoRun[]): Promise<{before: number; after: number}> => ({
    before: await errorOf(of, before),
    after: await errorOf(of, after),
  });
  const rows: CrowdRow[] = [];
  for (const run of usable) {
    const [was, is] = [await slowdowns(run, before), await slowdowns(run, after)];
    was.forEach(({model, measured, simulated}, i) =>
      rows.push({
        model,
        beside: run.models,
        replicas: run.replicas,
        measured,
        before: simulated,
        after: is[i].simulated,
      }),
    );
  }
  return {
    profile: withTerms(profile, after),
    fit: {
      before,
      after,
      train: await errors(train),
      test: mixed.length === 0 ? null : await errors(mixed),
      rows,
    },
  };
}

const short = (value: number): number => Number(value.toFixed(4));

/** The profile with other terms of sharing, as this calibration found them. */
function withTerms(profile: DeviceProfile, {interference, crowding, precedence}: CrowdTerms): DeviceProfile {
  const term = (value: number) => ({value: short(value), source: measuredHere});
  return {
    ...profile,
    contention: {
      ...profile.contention,
      interference: term(interference),
      crowding: term(crowding),
      precedence: term(precedence),
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
    const key = `${terms.interference} ${crowding} ${terms.precedence}`;
    let value = values.get(key);
    if (value === undefined) values.set(key, (value = await compute(run, {...terms, crowding})));
    return value;
  };
}
