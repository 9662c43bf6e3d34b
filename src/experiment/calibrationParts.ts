// Parts of a calibration that go over all shape classes, those that matter most first.
import type {Bench} from '../gpu/calibration/bench.ts';
import {batchedSizes, genericSizes, groupedSizes, measureSizes} from '../gpu/calibration/coalesced.ts';
import type {SizeTable} from '../gpu/calibration/coalesced.ts';
import type {Point} from '../gpu/calibration/point.ts';
import type {Session} from '../gpu/calibration/session.ts';
import {measureShares, shareBytes} from '../gpu/calibration/shares.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
import type {ShapeClass} from '../gpu/calibration/solo.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Elementwise} from '../scheduler/kernel.ts';
import {isUsed, mostForShares, until} from './calibrationPlan.ts';
import type {Extent} from './calibrationPlan.ts';

/** Batched and grouped launches of every class, those that matter most first. */
export async function measureGrid(
  bench: Bench,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  {maxSize}: Extent,
  session: Session,
  tables: SizeTable[],
): Promise<void> {
  const shareOf = ({kernel}: ShapeClass): number => shares.get(kernelKey(kernel)) ?? 0;
  const ordered = [...classes].sort((a, b) => shareOf(b) - shareOf(a));
  const run = async (
    each: ShapeClass,
    method: 'batched' | 'grouped',
    sizes: readonly number[],
  ): Promise<void> => {
    // Grouped launches seldom pay, so that their errors weigh less.
    const table = {kernel: each.kernel, method, share: shareOf(each) * (method === 'grouped' ? 0.3 : 1)};
    if (session.used > until.grid) return;
    tables.push(await measureSizes(bench, table, sizes, session, maxSize));
  };
  for (const each of ordered) await run(each, 'batched', isUsed(each) ? batchedSizes : genericSizes);
  for (const each of ordered) if (each.kernel.count === 1) await run(each, 'grouped', groupedSizes);
  if (session.used > until.grid) session.log('  out of time: some classes have no table');
}

/** Shares of the device of the models' classes, those that take most time first, and of element-wise kernels. */
export function measureAllShares(
  bench: Bench,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  points: readonly Point[],
  {maxSize}: Extent,
  session: Session,
): Promise<MeasuredShare[]> {
  const shareOf = ({kernel}: ShapeClass): number => shares.get(kernelKey(kernel)) ?? 0;
  const passes = shareBytes.map((bytes): Elementwise => ({op: 'elementwise', bytes, dtype: 'fp32'}));
  const gemms = classes
    .filter(isUsed)
    .sort((a, b) => shareOf(b) - shareOf(a))
    .map(({kernel}) => kernel);
  const end = Math.min(until.shares, session.used + mostForShares);
  return measureShares(bench, [...passes, ...gemms], points, session, {until: end, maxSize});
}

/** Operands at equal distances, beside pointers to them. */
export async function measureStrided(
  bench: Bench,
  {papers, maxSize}: Extent,
  session: Session,
): Promise<Point[]> {
  const points: Point[] = [];
  for (const kernel of papers) {
    const table = await measureSizes(
      bench,
      {kernel, method: 'strided', share: 0},
      [2, 8, 32, 128],
      session,
      maxSize,
    );
    points.push(...table.points);
  }
  return points;
}
