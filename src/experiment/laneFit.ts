// How lanes share the device: the simulated form of sharing against measured runs of equal and mixed launches.
import {workKey} from '../gpu/calibration/work.ts';
import type {Work} from '../gpu/calibration/work.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import {shareRates} from '../sim/sharing.ts';
import type {ContentionTerms} from '../scheduler/sharingTerms.ts';
import {sharingTermsOf} from '../profile/contention.ts';
import type {CostModel} from '../profile/costModel.ts';

/** What is predicted against what was measured: relative errors of the slowdown of each lane. */
export interface SharingErrors {
  readonly group: string;
  readonly runs: number;
  readonly median: number;
  readonly p90: number;
  readonly bias: number;
}

/**
 * The lanes of one run: the share of the device that each takes alone, its exposure, what it presses on the others with, whether its
 * launches coalesce, and how much it was slowed.
 */
interface Case {
  readonly share: readonly number[];
  readonly exposure: readonly number[];
  readonly pressure: readonly number[];
  readonly coalesces: readonly boolean[];
  readonly slowdown: readonly number[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What the simulator makes of it, where nobody holds a place: lanes that run the same again and again take turns at being first. */
function slowdowns({share, exposure, pressure, coalesces}: Case, terms: ContentionTerms): number[] {
  const rate = new Float64Array(share.length);
  shareRates(
    share.length,
    Int32Array.from(share.keys()),
    {
      share: Float64Array.from(share),
      exposure: Float64Array.from(exposure),
      pressure: Float64Array.from(pressure),
      coalesces: Uint8Array.from(coalesces, Number),
      holds: new Uint8Array(share.length),
    },
    terms,
    rate,
  );
  return Array.from(rate, (value) => 1 / value);
}

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

/** Errors of what the simulator makes of a profile, by the groups of `laneGroups`. */
export function sharingResiduals(costs: CostModel, runs: readonly LaneRun[]): SharingErrors[] {
  const terms = sharingTermsOf(costs.profile);
  return Object.entries(laneGroups(runs)).flatMap(([group, tested]) => {
    const cases = casesOf(runs, tested, costs);
    if (cases.length === 0) return [];
    const errors = cases.flatMap((each) =>
      slowdowns(each, terms).map((predicted, i) => predicted / each.slowdown[i] - 1),
    );
    const absolute = quantilesOf(errors.map(Math.abs), 10);
    return [{group, runs: cases.length, median: absolute[5], p90: absolute[9], bias: medianOf(errors)}];
  });
}

/**
 * The interference of the least mean absolute error of the logarithm: lanes of mixed work and lanes of equal work weigh the
 * same. Null without runs of several lanes.
 */
export function fitInterference(costs: CostModel, runs: readonly LaneRun[]): number | null {
  const groups = laneGroups(runs);
  const mixed = casesOf(runs, groups['mixed lanes'], costs);
  const cases = casesOf(runs, groups['all lanes'], costs);
  if (cases.length === 0) return null;
  // All cases hold the mixed ones once; each of those counts as often as brings them level with the rest.
  const level = mixed.length === 0 ? 0 : Math.max(0, Math.round(cases.length / mixed.length) - 2);
  const weighted = [...cases, ...Array<Case[]>(level).fill(mixed).flat()];
  const terms = sharingTermsOf(costs.profile);
  let best = {interference: 0, error: Infinity};
  // The error has one valley, and a step of 0.01 is finer than it matters.
  for (let interference = 0; interference <= 2.0001; interference += 0.01) {
    let error = 0;
    for (const each of weighted) {
      slowdowns(each, {...terms, interference}).forEach((predicted, i) => {
        error += Math.abs(Math.log(predicted / each.slowdown[i]));
      });
    }
    if (error < best.error) best = {interference, error};
  }
  return best.interference;
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

/** Cases of `tested`; `runs` has each of its works alone. */
function casesOf(runs: readonly LaneRun[], tested: readonly LaneRun[], costs: CostModel): Case[] {
  const alone = soloOf(runs);
  // Of the lane's time, which for batches holds the copy of their pointers as well (`shareTablesOf`).
  const shareOf = (work: Work): number => {
    const {kernel, size, method} = work;
    const share = Math.max(costs.smShare(kernel, size, method), costs.bandwidthShare(kernel, size, method));
    if (method === 'single') return share;
    return Math.min(1, (share * costs.durationNs(kernel, size, method)) / alone.get(workKey(work))!);
  };
  return tested
    .filter(({works}) => works.length > 1 && works.every((work) => alone.has(workKey(work))))
    .map(({works, perLaunchNs}) => ({
      share: works.map(shareOf),
      exposure: works.map(({kernel, size, method}) => costs.exposure(kernel, size, method)),
      pressure: works.map((work) => shareOf(work) * costs.pressure(work.kernel, work.size, work.method)),
      coalesces: works.map(({method}) => method !== 'single'),
      slowdown: works.map((work, i) => perLaunchNs[i] / alone.get(workKey(work))!),
    }));
}
