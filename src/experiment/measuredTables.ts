// Measured durations and shares of the device as tables of a profile.
import {sum} from 'd3-array';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import type {Point} from '../gpu/calibration/point.ts';
import {leastGain, mostShareLanes} from '../gpu/calibration/shares.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
import {workKey} from '../gpu/calibration/work.ts';
import type {CostModel} from '../profile/costModel.ts';
import type {DeviceProfile, MeasuredShares, MeasuredTable} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {deviceNs, measuredHere} from './measurements.ts';

/** [R, ns] by shape and method. */
export function tablesOf(points: readonly Point[], detectNs: number): MeasuredTable[] {
  const tables = new Map<string, MeasuredTable>();
  for (const {kernel, size, method, after} of points) {
    if (kernel.op !== 'gemm' || (method === 'single' && size > 1) || method === 'strided') continue;
    const key = `${kernelKey(kernel)} ${method}`;
    const {m, n, k, count, dtype} = kernel;
    let table = tables.get(key);
    if (table === undefined)
      tables.set(key, (table = {source: measuredHere, m, n, k, count, dtype, method, points: []}));
    table.points.push([size, Math.round(deviceNs(after.p50, detectNs))]);
  }
  for (const {points} of tables.values()) points.sort((a, b) => a[0] - b[0]);
  return [...tables.values()];
}

const rounded = (share: number): number => Number(share.toFixed(4));

/**
 * [R, share, pressure] by shape and method; none where no GEMM's share was measured. `costs` knows what launches take alone. The share of a
 * batch is of that, as a lane that repeats it waits each time for the copy of its pointers: with the share of the lane's time
 * batches of a few us took up to 1.6 times as long side by side as predicted (512x1x512 on an H200, R = 8). Singles have no pointers.
 * Where equal `lanes`, more than shares are measured on, got more done than those, they tell the share.
 */
export function shareTablesOf(
  shares: readonly MeasuredShare[],
  lanes: readonly LaneRun[],
  costs: Pick<CostModel, 'durationNs'>,
): {measured_shares?: MeasuredShares[]} {
  const tables = new Map<string, MeasuredShares>();
  const gains = gainsOf(lanes);
  for (const {work, share: ofLane, oneNs} of shares) {
    const {kernel, size, method} = work;
    const share =
      method === 'single' ? ofLane : Math.min(1, (ofLane * oneNs) / costs.durationNs(kernel, size, method));
    if (kernel.op !== 'gemm') continue;
    const key = `${kernelKey(kernel)} ${method}`;
    const {m, n, k, count, dtype} = kernel;
    let table = tables.get(key);
    if (table === undefined)
      tables.set(key, (table = {source: measuredHere, m, n, k, count, dtype, method, points: []}));
    const gain = gains.get(workKey(work)) ?? 1;
    table.points.push(
      gain > leastGain ? [size, rounded(share / gain), rounded(gain)] : [size, rounded(share)],
    );
  }
  for (const {points} of tables.values()) points.sort((a, b) => a[0] - b[0]);
  return tables.size === 0 ? {} : {measured_shares: [...tables.values()]};
}

/**
 * By `workKey`: what equal lanes of a work got done on more than `mostShareLanes`, over what they did on fewer; 1 where no more were run, or less. 256x128x1152 one by one has 1.15 on 16
 * lanes of an H200, 256x256x256 1.33: with the share of eight, requests one by one were simulated to be at their limit at 17,000 a second, where they
 * took 0.64 ms in the median live and 1.34 simulated.
 */
function gainsOf(lanes: readonly LaneRun[]): Map<string, number> {
  const best = new Map<string, {few: number; many: number}>();
  for (const {works, perLaunchNs} of lanes) {
    const key = workKey(works[0]);
    if (works.some((work) => workKey(work) !== key)) continue;
    const of = best.get(key) ?? {few: 0, many: 0};
    const which = works.length > mostShareLanes ? 'many' : 'few';
    of[which] = Math.max(
      of[which],
      sum(perLaunchNs, (ns) => 1 / ns),
    );
    best.set(key, of);
  }
  return new Map([...best].map(([key, {few, many}]) => [key, few > 0 ? Math.max(1, many / few) : 1]));
}

/** [bytes moved, share] of element-wise kernels, bytes ascending. */
export function elementwiseShares(
  shares: readonly MeasuredShare[],
): NonNullable<DeviceProfile['elementwise']['shares']> {
  return shares
    .flatMap(({work: {kernel, size}, share}): [bytes: number, share: number][] =>
      kernel.op === 'elementwise' ? [[kernel.bytes * size, rounded(share)]] : [],
    )
    .sort((a, b) => a[0] - b[0]);
}
