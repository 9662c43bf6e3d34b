// One kernel alone, every shape class: what the other measurements are planned by.
import type {Gemm} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Bench} from './bench.ts';
import {measurePoint} from './point.ts';
import type {Point} from './point.ts';
import {medianOf} from './samples.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';

/** A shape class, and its share of device time in the models that calibration is for; 0 for generic shapes. */
export interface ShapeClass {
  readonly kernel: Gemm;
  /** Launches per inference, by model; empty for generic shapes. */
  readonly uses: Readonly<Record<string, number>>;
}

/** Shapes across what networks use, so that a model of durations can be fitted. */
export function genericShapes(): Gemm[] {
  const shapes: Gemm[] = [];
  for (const m of [32, 64, 256, 1024, 4096]) {
    for (const n of [1, 16, 64, 256, 1024, 4096]) {
      for (const k of [64, 512, 2048]) {
        // A thinned grid: each m meets each n and each k, and extremes of size are left to the models.
        if ((Math.log2(m) + Math.log2(n) + Math.log2(k)) % 2 === 0 || m * n * k > 2 ** 33) continue;
        shapes.push({op: 'gemm', m, n, k, count: 1, dtype: 'fp32'});
      }
    }
  }
  return shapes;
}

/** Singles of every class: one at a time, and per launch in a full lane. */
export async function measureSolo(
  bench: Bench,
  classes: readonly ShapeClass[],
  session: Session,
): Promise<Point[]> {
  const points: Point[] = [];
  for (const {kernel} of classes) {
    const work = {kernel, size: 1, method: 'single'} as const;
    if (!bench.isPossible(work)) {
      session.log(`  left out: ${kernelKey(kernel)} does not fit`);
      continue;
    }
    const point = await session.measure(`point ${workKey(work)}`, () => {
      bench.warmUp(work, 10e6);
      return measurePoint(bench, work, {queued: true});
    });
    if (point !== null) points.push(point);
  }
  return points;
}

/** What a kernel takes of the device where others of its kind are around it; where unknown, alone with all that it waits for. */
export const busyNs = ({stepNs, queuedNs, after}: Point): number => stepNs ?? queuedNs ?? after.p50;

/**
 * From the end on the device until the host sees it, launch latency that the submission does not hide included: what
 * single launches on an idle device take beyond their time in a captured run. In ns; 0 at least.
 */
export function detectionOf(points: readonly Point[]): number {
  const beyond = points
    .filter(
      ({method, size, stepNs, queuedNs}) =>
        method === 'single' && size === 1 && (stepNs ?? queuedNs) !== null,
    )
    .map((point) => point.after.p50 - busyNs(point));
  return Math.max(0, medianOf(beyond) || 0);
}

/** Each class's share of the device time of its models, models weighing the same. Sums to 1 where there is any. */
export function sharesOf(classes: readonly ShapeClass[], points: readonly Point[]): Map<string, number> {
  const solo = new Map(points.map((point) => [kernelKey(point.kernel), busyNs(point)]));
  const models = new Set(classes.flatMap(({uses}) => Object.keys(uses)));
  const shares = new Map<string, number>();
  for (const model of models) {
    const time = (each: ShapeClass): number =>
      (each.uses[model] ?? 0) * (solo.get(kernelKey(each.kernel)) ?? 0);
    const total = classes.reduce((sum, each) => sum + time(each), 0);
    for (const each of classes) {
      const key = kernelKey(each.kernel);
      if (total > 0) shares.set(key, (shares.get(key) ?? 0) + time(each) / total / models.size);
    }
  }
  return shares;
}
