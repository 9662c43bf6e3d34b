/**
 * The quantile at `p` of values in rising order by the R-7 rule: linear between the two nearest ranks, as d3, NumPy and
 * DuckDB's `quantile_cont` have it. NaN where there are no values.
 */
export function quantileSorted(values: ArrayLike<number>, p: number): number {
  if (values.length === 0) return NaN;
  const rank = (values.length - 1) * p;
  const below = Math.floor(rank);
  const low = values[below];
  return below + 1 < values.length ? low + (values[below + 1] - low) * (rank - below) : low;
}

/**
 * Whether a sample is large enough to speak of its quantile at `p`: some ten values must lie beyond it, or what is
 * printed is one request's luck.
 */
export function supportsQuantile(count: number, p: number): boolean {
  return count * (1 - p) > 10 - 1e-6;
}
