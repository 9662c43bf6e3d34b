// How numbers are written for people: three or four digits, a unit in the column's head, a dash for what is unknown.
import type {Estimate} from '../metrics/stats.ts';

/** What stands where there is no number. */
export const none = '–';

/** A number with thousands separators and as many decimals as its size deserves: 1,234, 56.7, 8.90, 0.0123. */
export function formatNumber(value: number, decimals = decimalsFor(value)): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole, fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && Number(text) !== 0 ? '-' : '';
  return sign + (fraction === undefined ? grouped : `${grouped}.${fraction}`);
}

/** Decimals that leave at least three significant digits, and none where the whole part has them. */
export function decimalsFor(value: number): number {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(size)) return 0;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size))));
}

/** A mean with its half width, both to the half width's first digit (second, after a 1) or the mean's third. */
export function formatEstimate(estimate: Estimate | null, scale = 1): string {
  if (estimate === null || !Number.isFinite(estimate.mean)) return none;
  const value = estimate.mean * scale;
  if (estimate.half_width === null) return formatNumber(value);
  const half = estimate.half_width * scale;
  const decimals = half === 0 ? decimalsFor(value) : Math.min(decimalsFor(value), decimalsOfError(half));
  return `${formatNumber(value, decimals)} ± ${formatNumber(half, decimals)}`;
}

function decimalsOfError(error: number): number {
  const exponent = Math.floor(Math.log10(error));
  return Math.max(0, (error < 2 * 10 ** exponent ? 1 : 0) - exponent);
}

/** A share as a percentage. Close to 100 % the misses count, so there are two decimals more than elsewhere. */
export function formatPercent(estimate: Estimate | null): string {
  if (estimate === null) return none;
  const value = 100 * estimate.mean;
  const decimals = value > 90 && value < 100 ? 2 : 1;
  const half = estimate.half_width;
  return formatNumber(value, decimals) + (half === null ? '' : ` ± ${formatNumber(100 * half, decimals)}`);
}

/** A number as a person would write it: no trailing zeros. */
export function formatShort(value: number): string {
  return formatNumber(value).replace(/\.0+$|(\.\d*?)0+$/, '$1');
}

/** Nanoseconds in the unit that suits them: `850 ns`, `12.3 µs`, `4.56 ms`, `7.89 s`. */
export function formatDuration(ns: number): string {
  const [unit, scale] = unitFor(ns);
  return `${formatNumber(ns / scale)} ${unit}`;
}

/** The unit of time that suits a duration, and its length in ns. */
export function unitFor(ns: number): [unit: string, ns: number] {
  if (ns >= 1e9) return ['s', 1e9];
  if (ns >= 1e6) return ['ms', 1e6];
  return ns >= 1e3 ? ['µs', 1e3] : ['ns', 1];
}
