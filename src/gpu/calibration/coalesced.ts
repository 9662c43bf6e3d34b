// Superkernels over R: first a grid of sizes for every class, then more where a straight line between two is wrong.
import type {Gemm, Method} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Bench} from './bench.ts';
import {measurePoint, usualRepeats} from './point.ts';
import type {Point} from './point.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';

/** Sizes that every class of a model is measured at. */
export const batchedSizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
/** Grouped launches and generic shapes at fewer: they seldom pay. */
export const groupedSizes = [2, 8, 32, 128];
export const genericSizes = [2, 8, 32, 128];

/** A straight line may miss a measured point by this share before more points are measured around it. */
export const usualTolerance = 0.03;

/** Launches longer than this are not measured: nobody coalesces that far. */
const longestNs = 60e6;

/** Sizes at which the time per launch in a full lane is measured too. */
const queuedSizes = new Set([8, 32, 128]);

/** A class and method over sizes. */
export interface SizeTable {
  readonly kernel: Gemm;
  readonly method: Method;
  /** Weight of its errors. */
  readonly share: number;
  /** By size, ascending. */
  readonly points: Point[];
}

/** Measures one class by one method at `sizes`. */
export async function measureSizes(
  bench: Bench,
  {kernel, method, share}: {kernel: Gemm; method: Method; share: number},
  sizes: readonly number[],
  session: Session,
  maxSize = 128,
): Promise<SizeTable> {
  const points: Point[] = [];
  let perMember = 0;
  for (const size of sizes) {
    if (size > maxSize || !bench.isPossible({kernel, size, method}) || perMember * size > longestNs) break;
    const point = await measureSize(bench, {kernel, method}, size, session, queuedSizes.has(size));
    if (point === null) continue;
    points.push(point);
    perMember = point.after.p50 / size;
  }
  return {kernel, method, share, points};
}

function measureSize(
  bench: Bench,
  {kernel, method}: {kernel: Gemm; method: Method},
  size: number,
  session: Session,
  queued: boolean,
): Promise<Point | null> {
  const work = {kernel, size, method};
  return session.measure(`point ${workKey(work)}`, () => {
    // The clocks are up from the point before, unless writing it down took long.
    bench.warmUp(work, 0.5e6);
    return measurePoint(bench, work, {repeats: usualRepeats, queued});
  });
}

/** A place where more points may be needed: between `low` and `high` of a table. */
interface Gap {
  readonly table: SizeTable;
  readonly low: number;
  readonly high: number;
  /** Share of time times relative miss: what may be wrong here. */
  readonly weight: number;
}

/**
 * Halves the worst intervals until no straight line misses by more than the tolerance, or the budget's share `until` is
 * used. Returns how many points were added.
 */
export async function refine(
  bench: Bench,
  tables: readonly SizeTable[],
  session: Session,
  until: number,
  tolerance = usualTolerance,
): Promise<number> {
  const gaps: Gap[] = [];
  for (const table of tables) {
    const {points} = table;
    for (let i = 1; i + 1 < points.length; i++) {
      const miss = missOf(points[i - 1], points[i], points[i + 1]);
      if (miss <= tolerance) continue;
      addGap(gaps, table, points[i - 1].size, points[i].size, miss);
      addGap(gaps, table, points[i].size, points[i + 1].size, miss);
    }
  }
  let added = 0;
  while (gaps.length > 0 && session.used < until) {
    let worst = 0;
    for (let i = 1; i < gaps.length; i++) if (gaps[i].weight > gaps[worst].weight) worst = i;
    const [{table, low, high}] = gaps.splice(worst, 1);
    const middle = (low + high) >> 1;
    const {points} = table;
    if (points.some(({size}) => size === middle)) continue;
    const point = await measureSize(bench, table, middle, session, false);
    if (point === null) continue;
    added++;
    const at = points.findIndex(({size}) => size > middle);
    points.splice(at, 0, point);
    const miss = missOf(points[at - 1], point, points[at + 1]);
    if (miss <= tolerance) continue;
    addGap(gaps, table, low, middle, miss);
    addGap(gaps, table, middle, high, miss);
  }
  return added;
}

function addGap(gaps: Gap[], table: SizeTable, low: number, high: number, miss: number): void {
  if (high - low < 2) return;
  if (gaps.some((gap) => gap.table === table && gap.low === low && gap.high === high)) return;
  gaps.push({table, low, high, weight: table.share * miss});
}

/** By how much, relatively, the straight line between two points misses the one between them. */
function missOf(low: Point, middle: Point, high: Point): number {
  const part = (middle.size - low.size) / (high.size - low.size);
  const line = low.after.p50 + part * (high.after.p50 - low.after.p50);
  return Math.abs(line / middle.after.p50 - 1);
}

/** A name for logs. */
export function tableName({kernel, method}: SizeTable): string {
  return `${kernelKey(kernel)} ${method}`;
}
