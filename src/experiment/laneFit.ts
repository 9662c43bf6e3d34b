// How lanes share the device: forms of sharing against measured runs of several lanes.
import {workKey} from '../gpu/calibration/bench.ts';
import type {Work} from '../gpu/calibration/bench.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import {shareRates} from '../sim/sharing.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';

/** What a form of sharing predicts against what was measured: relative errors of the slowdown of each lane. */
export interface SharingErrors {
  readonly form: string;
  /** Slowdown 1 + interference x beside others that fill a share x, as fitted for this form. */
  readonly interference: number;
  readonly median: number;
  readonly p90: number;
  readonly bias: number;
}

/** The lanes of one run: how much each was slowed, and the share of the device that each takes alone. */
interface Case {
  readonly slowdown: readonly number[];
  readonly share: readonly number[];
}

/** Slowdowns of lanes that take these shares of the device alone. */
type Form = (shares: readonly number[], interference: number) => number[];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What the simulator makes of it. */
const simulated: Form = (shares, interference) => {
  const share = Float64Array.from(shares);
  const rate = new Float64Array(shares.length);
  shareRates(shares.length, Int32Array.from(shares.keys()), share, share, interference, rate);
  return Array.from(rate, (value) => 1 / value);
};

/** All slowed alike once together they want more than there is, and besides by neighbours. */
const timesNeighbours: Form = (shares, interference) => {
  const all = sum(shares);
  return shares.map((share) => Math.max(1, all) * (1 + interference * Math.min(1, all - share)));
};

/** Slowed by what is missing or by neighbours, whichever is more: where the device is full, neighbours cost nothing besides. */
const orNeighbours: Form = (shares, interference) => {
  const all = sum(shares);
  return shares.map((share) => Math.max(1, all, 1 + interference * (all - share)));
};

/** Each takes what is left by those before it in `order`. */
const inOrder =
  (order: (a: number, b: number) => number): Form =>
  (shares, interference) => {
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
  'proportional or neighbours': orNeighbours,
  'leftover, smallest first': inOrder((a, b) => a - b),
  'leftover, largest first': inOrder((a, b) => b - a),
};

/** Runs of different work side by side. */
export function mixedRuns(runs: readonly LaneRun[]): LaneRun[] {
  return runs.filter(({works}) => works.some((work) => workKey(work) !== workKey(works[0])));
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
  const ofModel = costModel(costs.profile, {corrected: false});
  const sources: [string, (work: Work) => number][] = [
    ['observed shares', observedShare(runs)],
    ['modelled shares', shareBy(ofModel)],
    ['shares of the profile', shareBy(costs)],
  ];
  for (const [name, shareOf] of sources) {
    const cases = casesOf(runs, tested, shareOf);
    if (cases.length === 0) continue;
    for (const [form, slowdowns] of Object.entries(forms)) {
      const interference = bestInterference(cases, slowdowns);
      found.push({form: `${form}, ${name}`, interference, ...errorsOf(cases, slowdowns, interference)});
    }
  }
  return found.sort((a, b) => a.median - b.median);
}

/**
 * The interference term of the simulator's form with the profile's shares: lanes of mixed work and lanes of equal work
 * weigh the same. Null without runs of several lanes.
 */
export function fitInterference(costs: CostModel, runs: readonly LaneRun[]): {interference: number} | null {
  const mixed = casesOf(runs, mixedRuns(runs), shareBy(costs));
  const cases = casesOf(runs, runs, shareBy(costs));
  if (cases.length === 0) return null;
  // All cases hold the mixed ones once; each of those counts as often as brings them level with the rest.
  const level = mixed.length === 0 ? 0 : Math.max(0, Math.round(cases.length / mixed.length) - 2);
  const weighted = [...cases, ...Array<Case[]>(level).fill(mixed).flat()];
  return {interference: bestInterference(weighted, simulated)};
}

/** Throughput of L equal lanes over that of one, by work and L. */
export function speedups(runs: readonly LaneRun[]): {work: string; lanes: number; speedup: number}[] {
  const alone = soloOf(runs);
  return runs
    .filter(({works}) => works.length > 1 && works.every((work) => workKey(work) === workKey(works[0])))
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

function shareBy(costs: CostModel): (work: Work) => number {
  return ({kernel, size, method}) =>
    Math.max(costs.smShare(kernel, size, method), costs.bandwidthShare(kernel, size, method));
}

/** A work of which at most x run side by side at full speed takes 1 / x. */
function observedShare(runs: readonly LaneRun[]): (work: Work) => number {
  const most = new Map<string, number>();
  for (const {work, speedup} of speedups(runs)) most.set(work, Math.max(speedup, most.get(work) ?? 1));
  return (work) => 1 / (most.get(workKey(work)) ?? 1);
}

/** Cases of `tested`; `runs` has each of its works alone. */
function casesOf(
  runs: readonly LaneRun[],
  tested: readonly LaneRun[],
  shareOf: (work: Work) => number,
): Case[] {
  const alone = soloOf(runs);
  return tested
    .filter(({works}) => works.length > 1 && works.every((work) => alone.has(workKey(work))))
    .map(({works, perLaunchNs}) => ({
      slowdown: works.map((work, i) => perLaunchNs[i] / alone.get(workKey(work))!),
      share: works.map(shareOf),
    }));
}

function errorsOf(cases: readonly Case[], form: Form, interference: number) {
  const errors = cases.flatMap((each) =>
    form(each.share, interference).map((predicted, i) => predicted / each.slowdown[i] - 1),
  );
  const absolute = quantilesOf(errors.map(Math.abs), 10);
  return {median: absolute[5], p90: absolute[9], bias: medianOf(errors)};
}

/** The least mean absolute error of the logarithm; the error has one valley, and a step of 0.01 is finer than it matters. */
function bestInterference(cases: readonly Case[], form: Form): number {
  let best = 0;
  let least = Infinity;
  for (let interference = 0; interference <= 1.0001; interference += 0.01) {
    let error = 0;
    for (const each of cases) {
      form(each.share, interference).forEach((predicted, i) => {
        error += Math.abs(Math.log(predicted / each.slowdown[i]));
      });
    }
    if (error < least) {
      least = error;
      best = interference;
    }
  }
  return best;
}
