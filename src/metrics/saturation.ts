import type {Nanoseconds} from '../scheduler/clock.ts';
import {studentQuantile} from './distributions.ts';
import {estimate, mean} from './stats.ts';
import type {Estimate} from './stats.ts';

/** Confidence of the slope's interval: high, as a busy queue that is stable wanders too, and a sweep asks many times. */
const confidence = 0.999;

/** Growth over the window, in requests, that is a start from an empty system and not an overload. */
const growthAtLeast = 10;

/** Whether the backlog grows for as long as the run goes on. */
export interface Saturation {
  readonly saturated: boolean;
  /** Arrivals less departures per second: mean and half width of its 99.9 % interval; null for a run cut short. */
  readonly slope: Estimate | null;
}

/**
 * Tests whether requests arrive faster than they leave: the slope of the mean backlog over equal stretches of the
 * window, by least squares. A backlog remembers itself from one stretch to the next, so the standard error is widened
 * for the residuals' lag-1 correlation r by sqrt((1 + r) / (1 - r)) (von Storch and Zwiers 1999, section 6.6.8). A
 * system whose backlog wanders for longer than the window is taken as saturated too: its p99 is of the run's length.
 *
 * `tests` says how many such tests are made at once (Bonferroni).
 */
export function testSaturation(backlog: readonly number[], stretchNs: Nanoseconds, tests = 1): Saturation {
  const n = backlog.length;
  if (n < 5) return {saturated: false, slope: null};
  const {slope, error} = fitLine(backlog);
  const perSecond = 1e9 / stretchNs;
  const half = (level: number): number => error * studentQuantile((1 + level) / 2, n - 2);
  return {
    saturated: slope * n >= growthAtLeast && slope > half(1 - (1 - confidence) / tests),
    slope: {mean: slope * perSecond, half_width: half(confidence) * perSecond},
  };
}

/** Whether the growth of the backlog over the window, one value a replication, is that of an overload. */
export function growsInAll(growth: readonly number[]): boolean {
  const {half_width} = estimate(growth, confidence);
  return mean(growth) >= growthAtLeast && half_width !== null && mean(growth) > half_width;
}

/** Least squares of values against 0, 1, 2, ...: the slope and its standard error, widened for correlation. */
function fitLine(values: readonly number[]): {slope: number; error: number} {
  const n = values.length;
  const middle = (n - 1) / 2;
  const spread = (n * (n * n - 1)) / 12;
  const centre = mean(values);
  const slope = values.reduce((sum, value, i) => sum + (i - middle) * value, 0) / spread;
  const residuals = values.map((value, i) => value - centre - slope * (i - middle));
  const squares = residuals.reduce((sum, residual) => sum + residual * residual, 0);
  if (squares === 0) return {slope, error: 0};
  const products = residuals.reduce((sum, residual, i) => sum + residual * (residuals[i - 1] ?? 0), 0);
  const r = Math.min(0.95, Math.max(0, products / squares));
  return {slope, error: Math.sqrt((squares / (n - 2) / spread) * ((1 + r) / (1 - r)))};
}
