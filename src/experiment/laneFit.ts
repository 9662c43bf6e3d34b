// How lanes share the device: forms of sharing against measured runs of several lanes.
import {workKey} from '../gpu/calibration/work.ts';
import type {Work} from '../gpu/calibration/work.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import {shareRates} from '../sim/sharing.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';

/** What a form of sharing predicts against what was measured: relative errors of the slowdown of each lane. */
export interface SharingErrors {
  readonly form: string;
  /** Slowdown 1 + interference x beside others that fill a share x, as fitted for this form; crowding 1. */
  readonly interference: number;
  readonly median: number;
  readonly p90: number;
  readonly bias: number;
}

/** The shares of the device that lanes take alone, of its blocks and of its bandwidth. */
interface Shares {
  readonly sm: readonly number[];
  readonly bandwidth: readonly number[];
  /** See `Sharing`; none: 1. */
  readonly exposure?: readonly number[];
}

/** The lanes of one run, how much each was slowed, and whether it coalesces. */
interface Case extends Shares {
  readonly slowdown: readonly number[];
  readonly coalesces: readonly boolean[];
}

/** Slowdowns of lanes that take these shares of the device alone. */
type Form = (shares: Shares, interference: number, crowding?: number) => number[];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What the simulator makes of it. */
const simulated: Form = ({sm, bandwidth, exposure = sm.map(() => 1)}, interference, crowding = 1) => {
  const rate = new Float64Array(sm.length);
  const lanes = Int32Array.from(sm.keys());
  shareRates(
    sm.length,
    lanes,
    Float64Array.from(sm),
    Float64Array.from(bandwidth),
    Float64Array.from(exposure),
    {interference, crowding},
    rate,
  );
  return Array.from(rate, (value) => 1 / value);
};

/** All slowed alike once together they want more than there is, and besides by neighbours. */
const timesNeighbours: Form = ({sm, bandwidth}, interference) => {
  const [blocks, bytes] = [sum(sm), sum(bandwidth)];
  return sm.map((share, i) => {
    const others = Math.min(1, Math.max(blocks - share, bytes - bandwidth[i]));
    return Math.max(1, blocks, bytes) * (1 + interference * others);
  });
};

/** Each takes what is left by those before it in `order`. */
const inOrder =
  (order: (a: number, b: number) => number): Form =>
  ({sm, bandwidth}, interference) => {
    const shares = sm.map((share, i) => Math.max(share, bandwidth[i]));
    const rates = shares.map(() => 0);
    let left = 1;
    for (const i of shares.map((_, i) => i).sort((a, b) => order(shares[a], shares[b]) || a - b)) {
      const equal = shares.filter((share, j) => share === shares[i] && rates[j] === 0).length;
      const got = Math.min(shares[i], left / Math.max(1, equal));
      rates[i] = got / shares[i];
      left -= got;
    }
    const all = sum(shares);
    // Nothing starves: blocks come free all the time.
    return rates.map((rate, i) => (1 + interference * Math.min(1, all - shares[i])) / Math.max(rate, 0.02));
  };

const forms: Record<string, Form> = {
  'as simulated': simulated,
  'proportional times neighbours': timesNeighbours,
  'leftover, smallest first': inOrder((a, b) => a - b),
  'leftover, largest first': inOrder((a, b) => b - a),
};

const isEqual = ({works}: LaneRun): boolean => works.every((work) => workKey(work) === workKey(works[0]));

/** Runs of several lanes by what runs beside what: of different work, and of equal work by how many lanes there are. */
export function laneGroups(runs: readonly LaneRun[]): Record<string, LaneRun[]> {
  const several = runs.filter(({works}) => works.length > 1);
  const equal = (least: number, most: number): LaneRun[] =>
    several.filter((run) => isEqual(run) && run.works.length >= least && run.works.length <= most);
  return {
    'all lanes': several,
    'mixed lanes': several.filter((run) => !isEqual(run)),
    '2 equal lanes': equal(2, 2),
    '3 and 4 equal lanes': equal(3, 4),
    '6 equal lanes and more': equal(6, Infinity),
  };
}

/**
 * Errors of each form on the runs of `tested`, with shares as the profile has them, as its model predicts them, and as
 * the runs of equal lanes show; best first.
 */
export function compareForms(
  costs: CostModel,
  runs: readonly LaneRun[],
  tested: readonly LaneRun[] = runs,
): SharingErrors[] {
  const found: SharingErrors[] = [];
  const sources: [string, (work: Work) => WorkShares][] = [
    ['observed shares', observedShares(runs)],
    ['modelled shares', sharesBy(costModel(costs.profile, {corrected: false}))],
    ['shares of the profile', sharesBy(costs)],
  ];
  for (const [name, sharesOf] of sources) {
    const cases = casesOf(runs, tested, sharesOf);
    if (cases.length === 0) continue;
    for (const [form, slowdowns] of Object.entries(forms)) {
      const {interference} = bestInterference(cases, slowdowns);
      found.push({form: `${form}, ${name}`, interference, ...errorsOf(cases, slowdowns, interference)});
    }
  }
  return found.sort((a, b) => a.median - b.median);
}

/** Errors of what the simulator makes of a profile, interference included, by the groups of `laneGroups`. */
export function sharingResiduals(
  costs: CostModel,
  runs: readonly LaneRun[],
): ({group: string; runs: number} & Omit<SharingErrors, 'form' | 'interference'>)[] {
  const {interference, crowding, coalesced} = costs.profile.contention;
  return Object.entries(laneGroups(runs)).flatMap(([group, tested]) => {
    const cases = casesOf(runs, tested, sharesBy(costs));
    if (cases.length === 0) return [];
    const exposed = cases.map((each) => exposedBy(each, coalesced?.value ?? 1));
    const form: Form = (shares, value) => simulated(shares, value, crowding?.value);
    return [{group, runs: cases.length, ...errorsOf(exposed, form, interference.value)}];
  });
}

/**
 * The interference term of the simulator's form with the profile's shares and a crowding of 1: lanes of mixed work and
 * lanes of equal work weigh the same. `coalesced` is the exposure of launches that coalesce, null where those or others
 * are not among the runs. Null without runs of several lanes.
 */
export function fitInterference(
  costs: CostModel,
  runs: readonly LaneRun[],
): {interference: number; coalesced: number | null} | null {
  const groups = laneGroups(runs);
  const mixed = casesOf(runs, groups['mixed lanes'], sharesBy(costs));
  const cases = casesOf(runs, groups['all lanes'], sharesBy(costs));
  if (cases.length === 0) return null;
  // All cases hold the mixed ones once; each of those counts as often as brings them level with the rest.
  const level = mixed.length === 0 ? 0 : Math.max(0, Math.round(cases.length / mixed.length) - 2);
  const weighted = [...cases, ...Array<Case[]>(level).fill(mixed).flat()];
  const has = (coalesces: boolean): boolean => cases.some((each) => each.coalesces.includes(coalesces));
  const exposures = has(true) && has(false) ? coalescedTried : [1];
  let best = {interference: 0, error: Infinity, coalesced: 1};
  for (const coalesced of exposures) {
    const exposed = weighted.map((each) => exposedBy(each, coalesced));
    const {interference, error} = bestInterference(exposed, simulated);
    if (error < best.error) best = {interference, error, coalesced};
  }
  return {
    interference: best.interference,
    coalesced: exposures.length > 1 ? best.coalesced : null,
  };
}

/** Throughput of L equal lanes over that of one, by work and L. */
export function speedups(runs: readonly LaneRun[]): {work: string; lanes: number; speedup: number}[] {
  const alone = soloOf(runs);
  return runs
    .filter((run) => run.works.length > 1 && isEqual(run))
    .map(({works, perLaunchNs}) => ({
      work: workKey(works[0]),
      lanes: works.length,
      speedup: sum(perLaunchNs.map((ns) => (alone.get(workKey(works[0])) ?? NaN) / ns)),
    }));
}

function soloOf(runs: readonly LaneRun[]): Map<string, number> {
  return new Map(
    runs
      .filter(({works}) => works.length === 1)
      .map(({works, perLaunchNs}) => [workKey(works[0]), perLaunchNs[0]]),
  );
}

const exposedBy = (each: Case, coalesced: number): Case => ({
  ...each,
  exposure: each.coalesces.map((coalesces) => (coalesces ? coalesced : 1)),
});

interface WorkShares {
  readonly sm: number;
  readonly bandwidth: number;
}

function sharesBy(costs: CostModel): (work: Work) => WorkShares {
  return ({kernel, size, method}) => ({
    sm: costs.smShare(kernel, size, method),
    bandwidth: costs.bandwidthShare(kernel, size, method),
  });
}

/** A work of which at most x run side by side at full speed takes 1 / x. */
function observedShares(runs: readonly LaneRun[]): (work: Work) => WorkShares {
  const most = new Map<string, number>();
  for (const {work, speedup} of speedups(runs)) most.set(work, Math.max(speedup, most.get(work) ?? 1));
  return (work) => {
    const share = 1 / (most.get(workKey(work)) ?? 1);
    return {sm: share, bandwidth: share};
  };
}

/** Cases of `tested`; `runs` has each of its works alone. */
function casesOf(
  runs: readonly LaneRun[],
  tested: readonly LaneRun[],
  sharesOf: (work: Work) => WorkShares,
): Case[] {
  const alone = soloOf(runs);
  return tested
    .filter(({works}) => works.length > 1 && works.every((work) => alone.has(workKey(work))))
    .map(({works, perLaunchNs}) => {
      const shares = works.map(sharesOf);
      return {
        slowdown: works.map((work, i) => perLaunchNs[i] / alone.get(workKey(work))!),
        coalesces: works.map(({method}) => method !== 'single'),
        sm: shares.map(({sm}) => sm),
        bandwidth: shares.map(({bandwidth}) => bandwidth),
      };
    });
}

function errorsOf(cases: readonly Case[], form: Form, interference: number) {
  const errors = cases.flatMap((each) =>
    form(each, interference).map((predicted, i) => predicted / each.slowdown[i] - 1),
  );
  const absolute = quantilesOf(errors.map(Math.abs), 10);
  return {median: absolute[5], p90: absolute[9], bias: medianOf(errors)};
}

/** Exposures of launches that coalesce that are looked at; 1 first, which assumes nothing. */
const coalescedTried = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 1.1, 1.2];

/**
 * The interference of the least mean absolute error of the logarithm; the error has one valley, and a step of 0.01 is finer
 * than it matters.
 */
function bestInterference(cases: readonly Case[], form: Form): {interference: number; error: number} {
  let best = {interference: 0, error: Infinity};
  for (let interference = 0; interference <= 1.0001; interference += 0.01) {
    let error = 0;
    for (const each of cases) {
      form(each, interference).forEach((predicted, i) => {
        error += Math.abs(Math.log(predicted / each.slowdown[i]));
      });
    }
    if (error < best.error) best = {interference, error};
  }
  return best;
}
