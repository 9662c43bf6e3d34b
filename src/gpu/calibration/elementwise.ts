// Memory-bound kernels over bytes and members.
import type {Elementwise} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Bench} from './bench.ts';
import {measurePoint} from './point.ts';
import type {Point} from './point.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';

/** From what a launch costs alone to what DRAM moves, in factors of 4. */
const bytesGrid = [4096, 16_384, 65_536, 2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26, 2 ** 28];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128];

/** More than this moves nothing new. */
const mostBytes = 2 ** 31;

/** As many as a fit needs. */
const leastPoints = 8;

/** A grid of sizes, and the kernels of the models, until the budget's share `until` is used. */
export async function measureElementwise(
  bench: Bench,
  kernels: readonly Elementwise[],
  session: Session,
  until: number,
): Promise<Point[]> {
  const points: Point[] = [];
  const grid = bytesGrid.map((bytes): Elementwise => ({op: 'elementwise', bytes, dtype: 'fp32'}));
  for (const kernel of [...grid, ...kernels]) {
    for (const size of sizes) {
      const work = {kernel, size, method: size === 1 ? 'single' : 'batched'} as const;
      if (kernel.bytes * size > mostBytes || !bench.isPossible(work)) continue;
      if (session.used > until && points.length >= leastPoints) {
        session.log(`  out of time: no element-wise kernels from ${kernelKey(kernel)} on`);
        return points;
      }
      const point = await session.measure(`point ${workKey(work)}`, () => {
        bench.warmUp(work, 1e6);
        return measurePoint(bench, work, {queued: size === 1 || size === 8});
      });
      if (point !== null) points.push(point);
    }
  }
  return points;
}
