// How launches slow each other: the terms of sharing by what live launches took, given what ran beside them.
import {leastSquares} from '../profile/leastSquares.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Gemm, Method} from '../scheduler/kernel.ts';
import type {CoRun} from './calibrationCoRuns.ts';
import {Company, leastOfKind, programOf} from './coRunCompany.ts';
import type {FittedTerms, KindTotals, Sharing} from './coRunCompany.ts';
import {measuredHere} from './measurements.ts';

/** Launches of one kind in one run: what they took in all, in ns, and what the terms make of it, relative. */
export interface SharingRow {
  readonly policy: string;
  readonly load: number;
  readonly model: string;
  readonly method: string;
  readonly size: number;
  readonly launches: number;
  readonly measuredNs: number;
  readonly before: number;
  readonly after: number;
}

export interface SharingFit {
  readonly before: FittedTerms;
  readonly after: FittedTerms;
  /**
   * Mean relative error of the time that the launches of a kind take together, weighed by that time: of every other run,
   * to which terms were fitted, and of the runs between, which those terms had not seen. `after` is fitted to all.
   */
  readonly train: {readonly before: number; readonly after: number};
  readonly test: {readonly before: number; readonly after: number} | null;
  readonly rows: readonly SharingRow[];
  readonly exposures: readonly FittedExposure[];
}

/** How much superkernels of one model and size suffer from what runs beside them; those of size 1 are single kernels. */
export interface FittedExposure {
  readonly model: string;
  readonly size: number;
  readonly launches: number;
  readonly exposure: number;
}

/** Beyond this error, relative, a launch counts less: the host was away, or something else ran. */
const outlier = 0.2;

const bounds = {
  interference: [0, 3],
  crowding: [0, 1],
  coalesced: [0.2, 2],
  stepGapNs: [0, 10_000],
} as const;

/**
 * Where the kernels of a launch lie in its time depends on the terms, so that they are laid out and fitted more than once;
 * each time with a few steps of the search.
 */
const looks = 2;
const mostSteps = 8;

/** Fewer such launches do not tell the exposure of launches that coalesce. */
const leastCoalesced = 100;

/** Exposures and the terms that go with them are found in turns. */
const turns = 2;
const exposureSteps = 4;

/** The profile with the terms that bring the launches of co-runs closest to what they took; null without co-runs. */
export function fitSharing(
  given: DeviceProfile,
  runs: readonly CoRun[],
): {profile: DeviceProfile; fit: SharingFit} | null {
  if (runs.length === 0) return null;
  const costs = costModel(withoutExposures(given));
  const before: FittedTerms = {
    interference: given.contention.interference.value,
    crowding: given.contention.crowding?.value ?? 0,
    coalesced: given.contention.coalesced?.value ?? 1,
    stepGapNs: costs.stepGapNs,
  };
  const all = runs.map((run) => new Company(run, costs));
  const train = all.filter((_, i) => i % 2 === 0);
  const unseen = all.filter((_, i) => i % 2 === 1);
  const none: Sharing = {terms: before, exposures: new Map()};
  const trained = bestSharing(train, none);
  for (const each of unseen) each.layOut(trained);
  const after = unseen.length === 0 ? trained : bestSharing(all, trained);
  const both = (of: readonly Company[]) => ({before: meanError(of, none), after: meanError(of, trained)});
  const rows = all.flatMap((each) => {
    const was = each.kinds(none);
    return each.kinds(after).map((row, i): SharingRow => {
      const {policy, load} = each.run;
      return {policy, load, ...row.kind, measuredNs: row.measuredNs, before: was[i].error, after: row.error};
    });
  });
  const fit: SharingFit = {
    before,
    after: after.terms,
    train: both(train),
    test: unseen.length === 0 ? null : both(unseen),
    rows,
    exposures: exposuresOf(all, after),
  };
  const isTold = coalescedIn(all) >= leastCoalesced;
  return {profile: withExposures(withTerms(given, after.terms, isTold), runs, fit.exposures), fit};
}

const coalescedIn = (all: readonly Company[]): number =>
  all.reduce((sum, {coalescedLaunches}) => sum + coalescedLaunches, 0);

/** Terms and exposures in turns: what a launch suffers depends on how much the others press, and so on their exposures. */
function bestSharing(all: readonly Company[], start: Sharing): Sharing {
  let sharing: Sharing = {...start, terms: bestTerms(all, start)};
  for (let turn = 0; turn < turns; turn++) {
    sharing = {...sharing, exposures: bestExposures(all, sharing)};
    sharing = {...sharing, terms: bestTerms(all, sharing)};
  }
  return sharing;
}

/** The exposures with which the launches of each kind together take as long as they did. */
function bestExposures(all: readonly Company[], {terms, exposures}: Sharing): Map<string, number> {
  const [least, most] = bounds.coalesced;
  let found = new Map(exposures);
  for (let step = 0; step < exposureSteps; step++) {
    const totals = new Map<string, KindTotals>();
    for (const each of all) each.addTotals({terms, exposures: found}, totals);
    const next = new Map<string, number>();
    for (const [key, {launches, measuredNs, aloneNs, sufferedNs}] of totals) {
      if (launches < leastOfKind || !(sufferedNs > 0)) continue;
      next.set(key, Math.min(most, Math.max(least, (measuredNs - aloneNs) / sufferedNs)));
    }
    found = next;
  }
  return found;
}

function exposuresOf(all: readonly Company[], sharing: Sharing): FittedExposure[] {
  const totals = new Map<string, KindTotals>();
  for (const each of all) each.addTotals(sharing, totals);
  return [...sharing.exposures].map(([key, exposure]) => {
    const {model, size, launches} = totals.get(key)!;
    return {model, size, launches, exposure: Number(exposure.toFixed(3))};
  });
}

function bestTerms(all: readonly Company[], {terms: before, exposures}: Sharing): FittedTerms {
  const isTold = coalescedIn(all) >= leastCoalesced;
  const size = all.reduce((sum, {longLaunches}) => sum + longLaunches, 0);
  if (size === 0) return before;
  const termsOf = ([interference, crowding, coalesced, stepGap]: readonly number[]): FittedTerms => ({
    interference,
    crowding,
    coalesced: isTold ? coalesced : before.coalesced,
    stepGapNs: 1000 * stepGap,
  });
  const {interference, crowding, coalesced, stepGapNs} = bounds;
  let terms = before;
  for (let look = 0; look < looks; look++) {
    for (const each of all) each.layOut({terms, exposures});
    const {x} = leastSquares(
      (values, out) => {
        const tried = termsOf(values);
        let at = 0;
        for (const each of all) at = each.residuals({terms: tried, exposures}, out, at);
      },
      [terms.interference, terms.crowding, terms.coalesced, terms.stepGapNs / 1000],
      size,
      {
        outlier,
        iterations: mostSteps,
        tolerance: 1e-4,
        lower: [interference[0], crowding[0], coalesced[0], stepGapNs[0] / 1000],
        upper: [interference[1], crowding[1], coalesced[1], stepGapNs[1] / 1000],
      },
    );
    terms = termsOf(x);
  }
  return terms;
}

function meanError(all: readonly Company[], sharing: Sharing): number {
  const kinds = all.flatMap((each) => each.kinds(sharing));
  const time = kinds.reduce((sum, {measuredNs}) => sum + measuredNs, 0);
  return kinds.reduce((sum, {measuredNs, error}) => sum + (Math.abs(error) * measuredNs) / time, 0);
}

function withTerms(
  profile: DeviceProfile,
  {interference, crowding, coalesced, stepGapNs}: FittedTerms,
  isTold: boolean,
): DeviceProfile {
  const term = (value: number) => ({value: Number(value.toFixed(4)), source: measuredHere});
  return {
    ...profile,
    launch: {...profile.launch, step_gap_ns: term(Math.round(stepGapNs))},
    contention: {
      ...profile.contention,
      interference: term(interference),
      crowding: term(crowding),
      ...(isTold ? {coalesced: term(coalesced)} : {}),
    },
  };
}

function withoutExposures(profile: DeviceProfile): DeviceProfile {
  const copy = {...profile};
  delete copy.measured_exposures;
  return copy;
}

/** What the kinds' exposures say of the models' products; of one that several models have, the most launches count. */
function withExposures(
  profile: DeviceProfile,
  runs: readonly CoRun[],
  exposures: readonly FittedExposure[],
): DeviceProfile {
  const tables = new Map<string, {kernel: Gemm; method: Method; points: Map<number, number>}>();
  for (const {model, size, exposure} of exposures.toSorted((a, b) => a.launches - b.launches)) {
    const {batch} = runs.find(({models}) => models.includes(model))!;
    for (const kernel of programOf(model, batch)) {
      if (kernel.op !== 'gemm') continue;
      const method = size === 1 ? 'single' : 'batched';
      const key = `${kernelKey(kernel)} ${method}`;
      let table = tables.get(key);
      if (table === undefined) tables.set(key, (table = {kernel, method, points: new Map()}));
      table.points.set(size, exposure);
    }
  }
  const measured = [...tables.values()].map(({kernel: {m, n, k, count, dtype}, method, points}) => ({
    source: measuredHere,
    ...{m, n, k, count, dtype, method},
    points: [...points].toSorted(([a], [b]) => a - b),
  }));
  const rest = withoutExposures(profile);
  return measured.length === 0 ? rest : {...rest, measured_exposures: measured};
}
