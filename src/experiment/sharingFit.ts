// How launches slow each other: the terms of sharing by what live launches took, given what ran beside them.
import {group, sum} from 'd3';
import {leastSquares} from '../profile/leastSquares.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Gemm, Method} from '../scheduler/kernel.ts';
import type {CoRun} from './calibrationCoRuns.ts';
import {Company, kindKey, leastOfKind, programOf} from './coRunCompany.ts';
import type {FittedTerms, Kind, LaunchParts, FittedSharing} from './coRunCompany.ts';
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
  readonly kinds: readonly FittedKind[];
}

/** What was found of superkernels of one model and size; those of size 1 are single kernels. */
export interface FittedKind extends Kind {
  readonly model: string;
  readonly size: number;
  readonly launches: number;
}

/** Beyond this error, relative, a launch counts less: the host was away, or something else ran. */
const outlier = 0.2;

const bounds = {
  interference: [0, 3],
  crowding: [0, 1],
  coalesced: [0.2, 2],
  stepGapNs: [0, 10_000],
  pace: [0.5, 1.5],
} as const;

/** The search wants numbers of about 1. */
const units = {interference: 1, crowding: 1, coalesced: 1, stepGapNs: 1000} as const;

/**
 * Where the kernels of a launch lie in its time depends on the terms, so that they are laid out and fitted more than once;
 * each time with a few steps of the search.
 */
const looks = 3;
const mostSteps = 8;

/** Fewer such launches do not tell the exposure of launches that coalesce. */
const leastCoalesced = 100;

/** Kinds and the terms that go with them are found in turns. */
const turns = 2;
const kindSteps = 4;

/** Where what launches had beside them varied less than this, pace and exposure cannot be told apart. */
const leastVariety = 0.01;

/** The profile with the terms that bring the launches of co-runs closest to what they took; null without co-runs. */
export function fitSharing(
  given: DeviceProfile,
  runs: readonly CoRun[],
): {profile: DeviceProfile; fit: SharingFit} | null {
  if (runs.length === 0) return null;
  const costs = costModel(withoutRuns(given));
  const before: FittedTerms = {
    interference: given.contention.interference.value,
    crowding: given.contention.crowding?.value ?? 0,
    coalesced: given.contention.coalesced?.value ?? 1,
    stepGapNs: costs.stepGapNs,
  };
  const all = runs.map((run) => new Company(run, costs));
  const train = all.filter((_, i) => i % 2 === 0);
  const unseen = all.filter((_, i) => i % 2 === 1);
  const none: FittedSharing = {terms: before, kinds: new Map()};
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
    kinds: kindsOf(all, after),
  };
  const isTold = coalescedIn(all) >= leastCoalesced;
  return {profile: withKinds(withTerms(given, after.terms, isTold), runs, fit.kinds), fit};
}

const coalescedIn = (all: readonly Company[]): number =>
  all.reduce((sum, {coalescedLaunches}) => sum + coalescedLaunches, 0);

/** Terms and kinds in turns: what a launch suffers depends on how much the others press, and so on their exposures. */
function bestSharing(all: readonly Company[], start: FittedSharing): FittedSharing {
  let sharing: FittedSharing = {...start, terms: bestTerms(all, start)};
  for (let turn = 0; turn < turns; turn++) {
    sharing = withBestKinds(all, sharing);
    sharing = {...sharing, terms: bestTerms(all, sharing)};
  }
  return sharing;
}

/** The launches of each kind in all runs, by `kindKey`. */
function partsByKind(
  all: readonly Company[],
  sharing: FittedSharing,
): Map<string, {model: string; size: number; parts: LaunchParts[]}> {
  const found = new Map<string, {model: string; size: number; parts: LaunchParts[]}>();
  for (const each of all) {
    const parts = group(each.parts(sharing), ({kind}) => kind);
    for (const [kind, some] of parts) {
      const {model, size} = each.kindsOfRun[kind];
      const of = found.get(kindKey(model, size));
      if (of === undefined) found.set(kindKey(model, size), {model, size, parts: some});
      else of.parts.push(...some);
    }
  }
  return found;
}

/** What is particular to the kinds of which there are launches enough; what they suffer depends on how much others press. */
function withBestKinds(all: readonly Company[], start: FittedSharing): FittedSharing {
  let sharing = start;
  for (let step = 0; step < kindSteps; step++) {
    const kinds = new Map<string, Kind>();
    let [aloneNs, exposedNs] = [0, 0];
    for (const [key, {size, parts}] of partsByKind(all, sharing)) {
      if (parts.length < leastOfKind) continue;
      const kind = (size === 1 ? paceAndExposure(parts) : null) ?? exposureAlone(parts);
      kinds.set(key, kind);
      if (size > 1) continue;
      const ns = sum(parts, (part) => part.aloneNs);
      aloneNs += ns;
      exposedNs += ns * kind.exposure;
    }
    sharing = levelled(sharing.terms, kinds, aloneNs === 0 ? 1 : exposedNs / aloneNs);
  }
  return sharing;
}

/**
 * Exposures count from what single kernels suffer on average: as much of all as they have in common is interference.
 * Otherwise nothing would tell how much those press of which no kind is known.
 */
function levelled(terms: FittedTerms, kinds: ReadonlyMap<string, Kind>, common: number): FittedSharing {
  const level = ({pace, exposure}: Kind): Kind => ({pace, exposure: exposure / common});
  return {
    terms: {...terms, interference: within(terms.interference * common, bounds.interference)},
    kinds: new Map([...kinds].map(([key, kind]) => [key, level(kind)])),
  };
}

const within = (value: number, [least, most]: readonly [number, number]): number =>
  Math.min(most, Math.max(least, value));

/** The exposure with which the launches together take as long as they did, by themselves as long as was measured. */
function exposureAlone(parts: readonly LaunchParts[]): Kind {
  const longerNs = sum(parts, ({tookNs, aloneNs}) => tookNs - aloneNs);
  const sufferedNs = sum(parts, (part) => part.sufferedNs);
  const exposure = longerNs / Math.max(1, sufferedNs);
  return {pace: 1, exposure: within(exposure, bounds.coalesced)};
}

/**
 * Pace and exposure of the least squares of slowdowns: took / alone = pace (1 + exposure suffered / alone). Null where all
 * had about as much beside them.
 */
function paceAndExposure(parts: readonly LaunchParts[]): Kind | null {
  const n = parts.length;
  let [s, ss, t, st] = [0, 0, 0, 0];
  for (const {tookNs, aloneNs, sufferedNs} of parts) {
    const suffered = sufferedNs / aloneNs;
    const took = tookNs / aloneNs;
    s += suffered;
    ss += suffered * suffered;
    t += took;
    st += suffered * took;
  }
  const determinant = n * ss - s * s;
  if (!(determinant > leastVariety * n * ss)) return null;
  const pace = within((t * ss - st * s) / determinant, bounds.pace);
  // With a bounded pace the best slope is another.
  const slope = (st - pace * s) / ss;
  return {pace, exposure: within(slope / pace, bounds.coalesced)};
}

const short = (value: number): number => Number(value.toFixed(4));

function kindsOf(all: readonly Company[], sharing: FittedSharing): FittedKind[] {
  return [...partsByKind(all, sharing)].flatMap(([key, {model, size, parts}]) => {
    const kind = sharing.kinds.get(key);
    if (kind === undefined) return [];
    return [{model, size, launches: parts.length, pace: short(kind.pace), exposure: short(kind.exposure)}];
  });
}

/**
 * The terms with which long launches come closest to what they took. Once kinds are known, their paces stand for what gaps
 * would say and their exposures for interference, so that only the others are looked for.
 */
function bestTerms(all: readonly Company[], {terms: before, kinds}: FittedSharing): FittedTerms {
  const size = sum(all, ({longLaunches}) => longLaunches);
  if (size === 0) return before;
  const looked: (keyof FittedTerms)[] = ['crowding'];
  if (coalescedIn(all) >= leastCoalesced) looked.push('coalesced');
  if (kinds.size === 0) looked.push('interference', 'stepGapNs');
  const termsOf = (values: readonly number[]): FittedTerms => ({
    ...before,
    ...Object.fromEntries(looked.map((name, i) => [name, values[i] * units[name]])),
  });
  let terms = before;
  for (let look = 0; look < (kinds.size === 0 ? looks : 1); look++) {
    for (const each of all) each.layOut({terms, kinds});
    const {x} = leastSquares(
      (values, out) => {
        const tried = termsOf(values);
        let at = 0;
        for (const each of all) at = each.residuals({terms: tried, kinds}, out, at);
      },
      looked.map((name) => terms[name] / units[name]),
      size,
      {
        outlier,
        iterations: mostSteps,
        tolerance: 1e-4,
        lower: looked.map((name) => bounds[name][0] / units[name]),
        upper: looked.map((name) => bounds[name][1] / units[name]),
      },
    );
    terms = termsOf(x);
  }
  return terms;
}

function meanError(all: readonly Company[], sharing: FittedSharing): number {
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

function withoutRuns(profile: DeviceProfile): DeviceProfile {
  const copy = {...profile};
  delete copy.measured_in_runs;
  return copy;
}

/** What is known of the kinds said of the models' products; of one that several models have, the most launches count. */
function withKinds(
  profile: DeviceProfile,
  runs: readonly CoRun[],
  kinds: readonly FittedKind[],
): DeviceProfile {
  const tables = new Map<string, {kernel: Gemm; method: Method; points: Map<number, [number, number]>}>();
  for (const {model, size, pace, exposure} of kinds.toSorted((a, b) => a.launches - b.launches)) {
    const {batch} = runs.find(({models}) => models.includes(model))!;
    for (const kernel of programOf(model, batch)) {
      if (kernel.op !== 'gemm') continue;
      const method = size === 1 ? 'single' : 'batched';
      const key = `${kernelKey(kernel)} ${method}`;
      let table = tables.get(key);
      if (table === undefined) tables.set(key, (table = {kernel, method, points: new Map()}));
      table.points.set(size, [pace, exposure]);
    }
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
      .map(([size, [pace, exposure]]): [number, number, number] => [size, pace, exposure]),
  }));
  const rest = withoutRuns(profile);
  return measured.length === 0 ? rest : {...rest, measured_in_runs: measured};
}
