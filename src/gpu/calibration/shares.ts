// The share of the device that a superkernel takes: how many of its equals run beside each other at full speed.
import type {Elementwise, Gemm} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Bench} from './bench.ts';
import {runLanes} from './lanes.ts';
import type {Point} from './point.ts';
import type {Session} from './session.ts';
import {busyNs} from './solo.ts';
import {workKey} from './work.ts';
import type {Work} from './work.ts';

/** A superkernel on several lanes at once. */
export interface MeasuredShare {
  readonly work: Work;
  /** 1 / (greatest speed-up of L lanes over one, L from 1 to 8): in (0, 1]. */
  readonly share: number;
  /** Time per launch of one lane in ns: the work, and what lies between two of them, as the copy of a batch's pointers. */
  readonly oneNs: number;
  /** Throughput of L equal lanes over that of one, by L ascending. */
  readonly speedups: readonly (readonly [lanes: number, speedup: number])[];
}

const laneCounts = [2, 4, 8];
/** Shares are measured on so many lanes at most. */
export const mostShareLanes = Math.max(...laneCounts);
/** Sizes of superkernels; between them and beyond them the device time of a member is interpolated. */
export const shareSizes = [2, 3, 4, 5, 6, 7, 8, 12, 16, 32, 64, 128];
/** One size of element-wise kernels stands for all that move as many bytes. */
export const shareBytes = [2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26];

/** More lanes tell something where they get so many times as much done: beyond what one run is from the next; else no more are tried. */
export const leastGain = 1.05;
/** From this share on more members change nothing. */
const full = 0.95;
/** Longer launches fill the device; measuring them would take seconds. */
const longestNs = 3e6;
/** Short beside the usual lane runs: a share needs no more than some percent of accuracy. */
const run = {graphNs: 200e3, runNs: 5e6, leastLaunches: 1};
/** Solo time of a launch of which nothing is known. */
const unknownNs = 20e3;

/** Measures one superkernel on 1, 2, 4, 8 lanes, as far as more lanes bring more. */
export function measureShare(bench: Bench, work: Work, soloNs: number): MeasuredShare {
  const rateOf = (lanes: number): number =>
    runLanes(bench, Array<Work>(lanes).fill(work), Array<number>(lanes).fill(soloNs), run).reduce(
      (sum, ns) => sum + 1 / ns,
      0,
    );
  const one = rateOf(1);
  const speedups: [number, number][] = [[1, 1]];
  let best = 1;
  for (const lanes of laneCounts) {
    if (lanes > bench.lanes) break;
    const speedup = rateOf(lanes) / one;
    speedups.push([lanes, speedup]);
    const isFull = speedup < best * leastGain;
    best = Math.max(best, speedup);
    if (isFull) break;
  }
  return {work, share: 1 / best, oneNs: 1 / one, speedups};
}

/**
 * Shares of every class, alone and batched until it fills the device, in the order given; `points` say how long each
 * takes alone. Ends early when the budget's share `until` is used.
 */
export async function measureShares(
  bench: Bench,
  kernels: readonly (Gemm | Elementwise)[],
  points: readonly Point[],
  session: Session,
  {until, maxSize = 128}: {until: number; maxSize?: number},
): Promise<MeasuredShare[]> {
  const solo = new Map(points.map((point) => [workKey(point), busyNs(point)]));
  const found: MeasuredShare[] = [];
  for (const kernel of kernels) {
    const sizes = kernel.op === 'gemm' ? [1, ...shareSizes] : [1];
    let wasNs = unknownNs;
    for (const size of sizes) {
      const work: Work = {kernel, size, method: size === 1 ? 'single' : 'batched'};
      const soloNs = solo.get(workKey(work)) ?? wasNs;
      if (size > maxSize || soloNs > longestNs || !bench.isPossible(work)) break;
      if (session.used > until) {
        session.log(`  out of time: no shares from ${kernelKey(kernel)} on`);
        return found;
      }
      wasNs = soloNs;
      const share = await session.measure(`share ${workKey(work)}`, () => measureShare(bench, work, soloNs));
      if (share === null) continue;
      found.push(share);
      // A single may split k to fill the device; its superkernels need not.
      if (size > 1 && share.share > full) break;
    }
  }
  return found;
}
