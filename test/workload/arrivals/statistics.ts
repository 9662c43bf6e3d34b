// What the tests of arrivals measure of them, and how far a measurement may be off by chance.

/** The gaps between successive times. */
export const gapsOf = (at: ArrayLike<number>): number[] =>
  Array.from({length: Math.max(0, at.length - 1)}, (_, i) => at[i + 1] - at[i]);

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The sample variance. */
export function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1);
}

/** Coefficient of variation. */
export const cv = (values: readonly number[]): number => Math.sqrt(variance(values)) / mean(values);

/** How many standard errors the mean of independent values is from what is expected of it. */
export const deviations = (values: readonly number[], expected: number): number =>
  (mean(values) - expected) / Math.sqrt(variance(values) / values.length);

/** Counts of arrivals in successive windows that lie wholly in [0, end). */
export function counts(at: ArrayLike<number>, window: number, end: number): number[] {
  const bins = Array.from({length: Math.floor(end / window)}, () => 0);
  for (let i = 0; i < at.length; i++) {
    const bin = Math.floor(at[i] / window);
    if (bin < bins.length) bins[bin]++;
  }
  return bins;
}

/** Kolmogorov's distance from a distribution, times the root of the sample size: above 1.95 with probability 0.001. */
export function kolmogorov(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  let distance = 0;
  sorted.forEach((x, i) => {
    const p = cdf(x);
    distance = Math.max(distance, p - i / sorted.length, (i + 1) / sorted.length - p);
  });
  return distance * Math.sqrt(sorted.length);
}
