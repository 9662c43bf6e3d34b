// How lanes share the device: forms of sharing against measured runs of several lanes.
import {workKey} from '../gpu/calibration/bench.ts';
import type {Work} from '../gpu/calibration/bench.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
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

/** Rates (0 to 1) that lanes get by their shares. */
type Form = (shares: readonly number[]) => number[];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** All slowed alike, once together they want more than there is. */
const proportional: Form = (shares) => shares.map(() => 1 / Math.max(1, sum(shares)));

/** Each takes what is left by those before it in `order`. */
const inOrder =
  (order: (a: number, b: number) => number): Form =>
  (shares) => {
    const rates = shares.map(() => 0);
    let left = 1;
    for (const i of shares.map((_, i) => i).sort((a, b) => order(shares[a], shares[b]) || a - b)) {
      const equal = shares.filter((share, j) => share === shares[i] && rates[j] === 0).length;
      const got = Math.min(shares[i], left / Math.max(1, equal));
      rates[i] = got / shares[i];
      left -= got;
    }
    // Nothing starves: blocks come free all the time.
    return rates.map((rate) => Math.max(rate, 0.02));
  };

const forms: Record<string, Form> = {
  proportional,
  'leftover, smallest first': inOrder((a, b) => a - b),
  'leftover, largest first': inOrder((a, b) => b - a),
};

/** Errors of each form, with shares as the profile predicts and as the runs of equal lanes show; best first. */
export function compareForms(costs: CostModel, runs: readonly LaneRun[]): SharingErrors[] {
  const found: SharingErrors[] = [];
  for (const [name, shareOf] of [
    ['predicted shares', predictedShare(costs)],
    ['observed shares', observedShare(runs)],
  ] as const) {
    const cases = casesOf(runs, shareOf);
    if (cases.length === 0) continue;
    for (const [form, rates] of Object.entries(forms)) {
      const interference = bestInterference(cases, rates);
      found.push({form: `${form}, ${name}`, interference, ...errorsOf(cases, rates, interference)});
    }
  }
  return found.sort((a, b) => a.median - b.median);
}

/** The interference term of the simulator's form (proportional sharing, predicted shares); null without runs. */
export function fitInterference(costs: CostModel, runs: readonly LaneRun[]): {interference: number} | null {
  const cases = casesOf(runs, predictedShare(costs));
  return cases.length === 0 ? null : {interference: bestInterference(cases, proportional)};
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

function predictedShare(costs: CostModel): (work: Work) => number {
  return ({kernel, size, method}) =>
    Math.max(costs.smShare(kernel, size, method), costs.bandwidthShare(kernel, size, method));
}

/** A work of which at most x run side by side at full speed takes 1 / x. */
function observedShare(runs: readonly LaneRun[]): (work: Work) => number {
  const most = new Map<string, number>();
  for (const {work, speedup} of speedups(runs)) most.set(work, Math.max(speedup, most.get(work) ?? 1));
  return (work) => 1 / (most.get(workKey(work)) ?? 1);
}

function casesOf(runs: readonly LaneRun[], shareOf: (work: Work) => number): Case[] {
  const alone = soloOf(runs);
  return runs
    .filter(({works}) => works.length > 1 && works.every((work) => alone.has(workKey(work))))
    .map(({works, perLaunchNs}) => ({
      slowdown: works.map((work, i) => perLaunchNs[i] / alone.get(workKey(work))!),
      share: works.map(shareOf),
    }));
}

function slowdownsOf({share}: Case, form: Form, interference: number): number[] {
  const all = sum(share);
  return form(share).map((rate, i) => (1 + interference * Math.min(1, all - share[i])) / rate);
}

function errorsOf(cases: readonly Case[], form: Form, interference: number) {
  const errors = cases.flatMap((each) =>
    slowdownsOf(each, form, interference).map((predicted, i) => predicted / each.slowdown[i] - 1),
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
      slowdownsOf(each, form, interference).forEach((predicted, i) => {
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
