// Measured durations and shares of the device as tables of a profile.
import type {Point} from '../gpu/calibration/point.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
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
 * [R, share] by shape and method; none where no GEMM's share was measured. `costs` knows what launches take alone. The share of a
 * batch is of that, as a lane that repeats it waits each time for the copy of its pointers: with the share of the lane's time
 * batches of a few us took up to 1.6 times as long side by side as predicted (512x1x512 on an H200, R = 8). Singles have no pointers.
 */
export function shareTablesOf(
  shares: readonly MeasuredShare[],
  costs: Pick<CostModel, 'durationNs'>,
): {measured_shares?: MeasuredShares[]} {
  const tables = new Map<string, MeasuredShares>();
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
    table.points.push([size, rounded(share)]);
  }
  for (const {points} of tables.values()) points.sort((a, b) => a[0] - b[0]);
  return tables.size === 0 ? {} : {measured_shares: [...tables.values()]};
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
