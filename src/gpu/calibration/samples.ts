// Summaries of repeated measurements.
import {mean, median, quantileSorted, sum} from 'd3';

/** Where the middle and the edges of a sample lie. Times in ns. */
export interface Spread {
  readonly n: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Of all but the longest two hundredth: pauses of the runtime or the system, and what is done once. */
  readonly mean: number;
}

/** The part of a sample that counts in its mean. */
const usual = 0.995;

export function spreadOf(values: ArrayLike<number>): Spread {
  const sorted = Array.from(values).sort((a, b) => a - b);
  const at = (p: number): number => quantileSorted(sorted, p) ?? NaN;
  const kept = sorted.slice(0, Math.max(1, Math.floor(usual * sorted.length)));
  return {n: sorted.length, p10: at(0.1), p50: at(0.5), p90: at(0.9), p99: at(0.99), mean: mean(kept) ?? NaN};
}

/** The median, NaN of nothing. */
export function medianOf(values: Iterable<number>): number {
  return median(values) ?? NaN;
}

/** The quantiles of `values` at `count` equal steps of probability from 0 to 1, as many as `count` + 1. */
export function quantilesOf(values: ArrayLike<number>, count: number): number[] {
  const sorted = Array.from(values).sort((a, b) => a - b);
  return Array.from({length: count + 1}, (_, i) => quantileSorted(sorted, i / count) ?? NaN);
}

/** Sums over points, each weighed by 1 / y^2: of 1, x, y, x^2 and x y. What a line of least relative error is made of. */
export function relativeSums(points: readonly (readonly [x: number, y: number])[]): {
  w: number;
  wx: number;
  wy: number;
  wxx: number;
  wxy: number;
} {
  const sums = {w: 0, wx: 0, wy: 0, wxx: 0, wxy: 0};
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    sums.w += weight;
    sums.wx += weight * x;
    sums.wy += weight * y;
    sums.wxx += weight * x * x;
    sums.wxy += weight * x * y;
  }
  return sums;
}

/** a + b x, neither below 0, by least squares of the relative error. */
export function affineFit(points: readonly (readonly [x: number, y: number])[]): {a: number; b: number} {
  const {w, wx, wy, wxx, wxy} = relativeSums(points);
  const spread = w * wxx - wx * wx;
  // All points at one x: no slope to be seen.
  const slope = spread > 1e-12 * w * wxx ? (w * wxy - wx * wy) / spread : 0;
  if (slope < 0) return {a: wy / w, b: 0};
  const start = (wy - slope * wx) / w;
  return start < 0 ? {a: 0, b: wxy / wxx} : {a: start, b: slope};
}

/** How long something of size `x` took on the mean, `n` times. */
export interface Weighed {
  readonly x: number;
  readonly y: number;
  readonly n: number;
}

/**
 * a + b x, neither below 0, by least squares of all the times that the points stand for. It keeps their total, also where a
 * or b is held at 0: how busy a host is depends on that. NaN of nothing.
 */
export function lineOfTotals(points: readonly Weighed[]): {a: number; b: number} {
  const count = sum(points, ({n}) => n);
  const x = sum(points, (point) => point.n * point.x) / count;
  const y = sum(points, (point) => point.n * point.y) / count;
  const spread = sum(points, (point) => point.n * (point.x - x) ** 2);
  // All points at one x: no slope to be seen.
  const slope = spread > 0 ? sum(points, (point) => point.n * (point.x - x) * (point.y - y)) / spread : 0;
  if (slope <= 0) return {a: y, b: 0};
  const start = y - slope * x;
  return start < 0 ? {a: 0, b: y / x} : {a: start, b: slope};
}
