// How launches slow each other: the terms of sharing by what live launches took, given what ran beside them.
import {sum} from 'd3-array';
import {leastSquares} from '../profile/leastSquares.ts';
import {sharingTermsOf} from '../profile/contention.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Gemm, Method} from '../scheduler/kernel.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import type {Model} from '../workload/models/layer.ts';
import type {CoRun} from './calibrationCoRuns.ts';
import {Company} from './coRunCompany.ts';
import type {KindError} from './coRunCompany.ts';
import {programOf} from './modelKernels.ts';
import type {FittedKind, FittedSharing, Kind, LaunchSharing} from './launchKinds.ts';
import {bestKinds} from './kindFit.ts';
import {measuredHere} from './measurements.ts';

/** Launches of one kind in one run: what they took in all, in ns, and what the terms make of it, relative. */
export interface SharingRow {
  readonly policy: string;
  readonly load: number;
  readonly model: string;
  readonly batch: number;
  readonly method: string;
  readonly size: number;
  readonly launches: number;
  readonly measuredNs: number;
  readonly before: number;
  readonly after: number;
}

export interface SharingFit {
  readonly before: SharingTerms;
  readonly after: SharingTerms;
  /**
   * Mean relative error of the time that the launches of a kind take together, weighed by that time: of every other run,
   * to which terms were fitted, and of the runs between, which those terms had not seen. `after` is fitted to all, or `before` where
   * what was learnt did not hold for those between.
   */
  readonly train: {readonly before: number; readonly after: number};
  readonly test: {readonly before: number; readonly after: number} | null;
  /** Whether it did; also where there were none between. */
  readonly holds: boolean;
  readonly rows: readonly SharingRow[];
  readonly kinds: readonly FittedKind[];
  /** How much later than a host that only waits those of the runs saw an end, on average. */
  readonly lateNs: number;
}

/** Beyond this error, relative, a launch counts less: the host was away, or something else ran. */
const outlier = 0.2;

/** How far the search for the first terms goes; that for all of them goes on from there (`kindFit.ts`). */
const bounds = {
  interference: [0, 3],
  crowding: [0, 1],
  coalesced: [0.2, 2],
} as const;

/**
 * Where the kernels of a launch lie in its time depends on the terms, so that they are laid out and fitted more than once;
 * each time with a few steps of the search.
 */
const looks = 2;
const mostSteps = 6;

/** Fewer such launches do not tell the exposure of launches that coalesce. */
const leastCoalesced = 100;

/** Kinds are fitted so often, each time with kernels laid out anew: the third time still lowered what is minimised by 1 % on an H200. */
const turns = 3;

/**
 * What is learnt has to take away this part of the error of runs that it has not seen, or it is dropped. Whole models on an H200: 20.7 to 2.7 %.
 * Chains of equal GEMMs in launches of up to 128, which the law knows less well: 12.8 to 13.5 %; with paces of 0.7 to 1.4 for what
 * had been measured alone, `ooo` carried a tenth less live.
 */
const worthwhile = 0.1;

/** After so many layouts launches' predicted times change by less than 0.3 % with one more: by 2, 0.7 and 0.2 % on an H200. */
const layoutsAtFirst = 3;

/**
 * The profile with the terms that bring the launches of co-runs closest to what they took; null without co-runs. `models`
 * holds those that the runs name.
 */
export function fitSharing(
  given: DeviceProfile,
  runs: readonly CoRun[],
  models: ReadonlyMap<string, Model>,
): {profile: DeviceProfile; fit: SharingFit} | null {
  if (runs.length === 0) return null;
  const costs = costModel(withoutRuns(given));
  const before = sharingTermsOf(given);
  const all = runs.map((run) => new Company(run, models, costs));
  const seen = all.filter((_, run) => run % 2 === 0);
  const unseen = all.filter((_, run) => run % 2 !== 0);
  const none: FittedSharing = {terms: before, kinds: new Map(), lateNs: 0};
  const trained = bestSharing(seen, none);
  for (const each of unseen) for (let time = 0; time < layoutsAtFirst; time++) each.layOut(trained);
  const was = all.map((each) => each.kinds(none));
  const errorOf = (of: readonly Company[], sharing: LaunchSharing): number =>
    meanError(of.flatMap((each) => each.kinds(sharing)));
  const both = (of: readonly Company[]) => ({before: errorOf(of, none), after: errorOf(of, trained)});
  const [train, test] = [both(seen), unseen.length === 0 ? null : both(unseen)];
  const holds = test === null || test.after <= (1 - worthwhile) * test.before;
  const after = !holds ? none : unseen.length === 0 ? trained : bestSharing(all, trained);
  const rows = all.flatMap((each, run) =>
    each.kinds(after).map((row, i): SharingRow => {
      const {policy, load} = each.run;
      const before = was[run][i].error;
      return {policy, load, ...row.kind, measuredNs: row.measuredNs, before, after: row.error};
    }),
  );
  const fit: SharingFit = {
    before,
    after: after.terms,
    train,
    test,
    holds,
    rows,
    kinds: kindsOf(after),
    lateNs: after.lateNs,
  };
  if (!holds) return {profile: withoutRuns(given), fit};
  const isTold = coalescedIn(all) >= leastCoalesced;
  const told = withLateness(withTerms(given, after.terms, isTold), after.lateNs);
  return {profile: withKinds(told, fit.kinds, models), fit};
}

const coalescedIn = (all: readonly Company[]): number =>
  all.reduce((sum, {coalescedLaunches}) => sum + coalescedLaunches, 0);

/** The terms first, where no kinds are known, then with what is particular to kinds: in fewer turns where some were. */
function bestSharing(all: readonly Company[], start: FittedSharing): FittedSharing {
  const isFirst = start.kinds.size === 0;
  let sharing = isFirst ? {...start, terms: bestTerms(all, start)} : start;
  for (let turn = 0; turn < (isFirst ? turns : turns - 1); turn++) {
    for (const each of all) each.layOut(sharing);
    sharing = bestKinds(all, sharing);
  }
  return sharing;
}

const short = (value: number): number => Number(value.toFixed(4));

const kindsOf = ({kinds}: FittedSharing): FittedKind[] =>
  [...kinds.values()].map((kind) => ({
    ...kind,
    pace: short(kind.pace),
    exposure: short(kind.exposure),
    pressure: short(kind.pressure),
  }));

/** The terms with which long launches come closest to what they took, whatever their kinds. */
function bestTerms(all: readonly Company[], {terms: before, kinds}: LaunchSharing): SharingTerms {
  const size = sum(all, ({longLaunches}) => longLaunches);
  if (size === 0) return before;
  const looked: (keyof typeof bounds)[] = ['crowding', 'interference'];
  if (coalescedIn(all) >= leastCoalesced) looked.push('coalesced');
  const termsOf = (values: readonly number[]): SharingTerms => ({
    ...before,
    ...Object.fromEntries(looked.map((name, i) => [name, values[i]])),
  });
  let terms = before;
  for (let look = 0; look < looks; look++) {
    for (const each of all) each.layOut({terms, kinds});
    const {x} = leastSquares(
      (values, out) => {
        const tried = termsOf(values);
        let at = 0;
        for (const each of all) at = each.residuals({terms: tried, kinds}, out, at);
      },
      looked.map((name) => terms[name]),
      size,
      {
        outlier,
        iterations: mostSteps,
        tolerance: 1e-4,
        lower: looked.map((name) => bounds[name][0]),
        upper: looked.map((name) => bounds[name][1]),
      },
    );
    terms = termsOf(x);
  }
  return terms;
}

function meanError(kinds: readonly KindError[]): number {
  const time = kinds.reduce((sum, {measuredNs}) => sum + measuredNs, 0);
  return kinds.reduce((sum, {measuredNs, error}) => sum + (Math.abs(error) * measuredNs) / time, 0);
}

function withTerms(
  profile: DeviceProfile,
  {interference, crowding, crowdedInterference, mixing, coalesced}: SharingTerms,
  isTold: boolean,
): DeviceProfile {
  const term = (value: number) => ({value: Number(value.toFixed(4)), source: measuredHere});
  return {
    ...profile,
    contention: {
      ...profile.contention,
      interference: term(interference),
      crowding: term(crowding),
      crowded_interference: term(crowdedInterference),
      ...(isTold ? {mixing: term(mixing), coalesced: term(coalesced)} : {}),
    },
  };
}

/** The profile with a host that sees ends so much later. */
function withLateness(profile: DeviceProfile, lateNs: number): DeviceProfile {
  const {host} = profile;
  const value = Math.max(0, Math.round(host.detect_ns.value + lateNs));
  return {...profile, host: {...host, detect_ns: {value, source: measuredHere}}};
}

/** The profile as kernels run in a loop, and not amid those of their model. */
export function withoutRuns(profile: DeviceProfile): DeviceProfile {
  const copy = {...profile};
  delete copy.measured_in_runs;
  return copy;
}

/** What is known of the kinds said of the models' products; of one that several models have, the most launches count. */
function withKinds(
  profile: DeviceProfile,
  kinds: readonly FittedKind[],
  models: ReadonlyMap<string, Model>,
): DeviceProfile {
  const tables = new Map<string, {kernel: Gemm; method: Method; points: Map<number, Kind>}>();
  for (const {model, batch, method, size, ...kind} of kinds.toSorted((a, b) => a.launches - b.launches)) {
    for (const kernel of programOf(models.get(model)!, batch)) {
      if (kernel.op !== 'gemm') continue;
      const key = `${kernelKey(kernel)} ${method}`;
      let table = tables.get(key);
      if (table === undefined) tables.set(key, (table = {kernel, method, points: new Map()}));
      table.points.set(size, kind);
    }
  }
  for (const {method, points} of tables.values()) {
    // One member alone is not as the fewest of which something is known.
    if (method === 'single' && !points.has(1)) points.set(1, {pace: 1, exposure: 1, pressure: 1});
  }
  const measured = [...tables.values()].map(({kernel: {m, n, k, count, dtype}, method, points}) => ({
    source: measuredHere,
    m,
    n,
    k,
    count,
    dtype,
    method,
    points: [...points]
      .toSorted(([a], [b]) => a - b)
      .map(([size, {pace, exposure, pressure}]): [number, number, number, number] => [
        size,
        pace,
        exposure,
        pressure,
      ]),
  }));
  const rest = withoutRuns(profile);
  return measured.length === 0 ? rest : {...rest, measured_in_runs: measured};
}
