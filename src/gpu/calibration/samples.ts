// Summaries of repeated measurements.
import {mean, median, minIndex, quantileSorted, sum} from 'd3-array';

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

/** How long something took on the mean that does `u` of one thing and `v` of another, `n` times. */
export interface WeighedWork {
  readonly u: number;
  readonly v: number;
  readonly y: number;
  readonly n: number;
}

/** As `lineOfTotals`, a + b u + c v. */
export function planeOfTotals(points: readonly WeighedWork[]): {a: number; b: number; c: number} {
  const meanOf = (value: (point: WeighedWork) => number): number =>
    sum(points, (point) => point.n * value(point)) / sum(points, ({n}) => n);
  const [u, v, y] = [meanOf((p) => p.u), meanOf((p) => p.v), meanOf((p) => p.y)];
  const inU = lineOfTotals(points.map((p) => ({x: p.u, y: p.y, n: p.n})));
  const inV = lineOfTotals(points.map((p) => ({x: p.v, y: p.y, n: p.n})));
  const uu = meanOf((p) => (p.u - u) ** 2);
  const vv = meanOf((p) => (p.v - v) ** 2);
  const uv = meanOf((p) => (p.u - u) * (p.v - v));
  const uy = meanOf((p) => (p.u - u) * (p.y - y));
  const vy = meanOf((p) => (p.v - v) * (p.y - y));
  const determinant = uu * vv - uv * uv;
  const b = (uy * vv - vy * uv) / determinant;
  const c = (vy * uu - uy * uv) / determinant;
  // Without a fixed part: what is left when the one follows from the other by the total.
  const along = (p: WeighedWork): number => p.v - (v * p.u) / u;
  const c0 = meanOf((p) => along(p) * (p.y - (y * p.u) / u)) / meanOf((p) => along(p) ** 2);
  const lines = [
    {a: inU.a, b: inU.b, c: 0},
    {a: inV.a, b: 0, c: inV.b},
  ];
  const planes = [
    {a: y - b * u - c * v, b, c},
    {a: 0, b: (y - c0 * v) / u, c: c0},
  ];
  // All points in one line: no plane to be seen.
  const isPlane = determinant > 1e-9 * uu * vv;
  const candidates = (isPlane ? [...planes, ...lines] : lines).filter(
    (each) => each.a >= 0 && each.b >= 0 && each.c >= 0,
  );
  const errorOf = (each: {a: number; b: number; c: number}): number =>
    meanOf((p) => (each.a + each.b * p.u + each.c * p.v - p.y) ** 2);
  return candidates[minIndex(candidates, errorOf)] ?? {a: NaN, b: NaN, c: NaN};
}
