// The statistics of simulation output: intervals over replications and batches, paired differences, bootstrap.
import {InputError} from '../scheduler/errors.ts';
import {studentPValue, studentQuantile} from './distributions.ts';
import {quantileSorted} from './quantile.ts';

/** A mean with the half width of its confidence interval; null where there are too few values for one. */
export interface Estimate {
  readonly mean: number;
  readonly half_width: number | null;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Sample variance (n - 1 in the denominator); NaN for fewer than two values. */
export function variance(values: ArrayLike<number>): number {
  if (values.length < 2) return NaN;
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] - centre) ** 2;
  return sum / (values.length - 1);
}

/** Sample standard deviation. */
export function deviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values));
}

/** Mean of independent values, e.g. one per replication, with Student's t interval. */
export function estimate(values: ArrayLike<number>, confidence = 0.95): Estimate {
  const n = values.length;
  if (n === 0) throw new InputError('missing values: cannot estimate the mean of none');
  const half =
    n < 2 ? null : studentQuantile((1 + confidence) / 2, n - 1) * (deviation(values) / Math.sqrt(n));
  return {mean: mean(values), half_width: half};
}

/**
 * Mean of the correlated values of one long run, from the means of `batches` equal stretches (Law 2015, section 9.5.3).
 * The remainder at the start is left out, as it holds what is left of the warm-up.
 */
export function batchMeans(values: ArrayLike<number>, batches = 20, confidence = 0.95): Estimate {
  const size = Math.floor(values.length / batches);
  if (size < 1) throw new InputError(`invalid batches: ${batches} of ${values.length} values`);
  const first = values.length - size * batches;
  const means = Array.from({length: batches}, (_, batch) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += values[first + batch * size + i];
    return sum / size;
  });
  return estimate(means, confidence);
}

/** The difference of two systems that met the same arrivals. */
export interface PairedDifference extends Estimate {
  /** Two-sided, of no difference; null for fewer than two pairs. */
  readonly p_value: number | null;
}

/** Mean of `candidate[i] - base[i]`, where pair i had the same random numbers: the paired t test. */
export function pairedDifference(
  base: readonly number[],
  candidate: readonly number[],
  confidence = 0.95,
): PairedDifference {
  if (base.length !== candidate.length)
    throw new InputError(
      `invalid pairs: ${base.length} base values and ${candidate.length} candidate values`,
    );
  const differences = base.map((value, i) => candidate[i] - value);
  const result = estimate(differences, confidence);
  const n = differences.length;
  if (n < 2) return {...result, p_value: null};
  const standardError = deviation(differences) / Math.sqrt(n);
  if (standardError === 0) return {...result, p_value: result.mean === 0 ? 1 : 0};
  return {...result, p_value: studentPValue(result.mean / standardError, n - 1)};
}

/** Requests that arrived in a stretch of a run, and those of them that were completed within the SLO. */
export interface Stretch {
  readonly arrived: number;
  readonly met: number;
}

/**
 * Half width (0 to 1) of the interval of the difference of two shares, each of all stretches of a run, where both runs met the same arrivals: the
 * linearised ratio estimator (Cochran 1977, section 6.3) over pairs of stretches, as in batch means. Null where there are fewer than two, or a
 * run had no arrivals.
 */
export function halfWidthOfShares(
  base: readonly Stretch[],
  candidate: readonly Stretch[],
  confidence = 0.95,
): number | null {
  if (base.length !== candidate.length)
    throw new InputError(`invalid pairs: ${base.length} base and ${candidate.length} candidate stretches`);
  const [ofBase, ofCandidate] = [base, candidate].map(residuals);
  if (base.length < 2 || ofBase === null || ofCandidate === null) return null;
  return estimate(
    ofBase.map((value, i) => ofCandidate[i] - value),
    confidence,
  ).half_width;
}

/** By stretch: how much more was met than the share of all says, over the arrivals of a mean stretch; null without arrivals. */
function residuals(stretches: readonly Stretch[]): number[] | null {
  const arrived = stretches.reduce((sum, stretch) => sum + stretch.arrived, 0);
  if (arrived === 0) return null;
  const share = stretches.reduce((sum, {met}) => sum + met, 0) / arrived;
  return stretches.map((stretch) => ((stretch.met - share * stretch.arrived) * stretches.length) / arrived);
}

/** An interval by its ends, with the point estimate. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap of the ratio of two paired means, e.g. a speed-up over replications: pairs are drawn again
 * with replacement (Efron and Tibshirani 1993, chapter 13). `random` yields numbers in [0, 1).
 */
export function bootstrapRatio(
  numerator: readonly number[],
  denominator: readonly number[],
  random: () => number,
  {confidence = 0.95, resamples = 2000}: {confidence?: number; resamples?: number} = {},
): Interval {
  const n = numerator.length;
  if (n === 0 || n !== denominator.length)
    throw new InputError(`invalid pairs: ${n} numerators and ${denominator.length} denominators`);
  const ratios = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    let top = 0;
    let bottom = 0;
    for (let draw = 0; draw < n; draw++) {
      const pair = Math.floor(random() * n);
      top += numerator[pair];
      bottom += denominator[pair];
    }
    ratios[i] = top / bottom;
  }
  ratios.sort();
  const tail = (1 - confidence) / 2;
  return {
    value: mean(numerator) / mean(denominator),
    low: quantileSorted(ratios, tail),
    high: quantileSorted(ratios, 1 - tail),
  };
}

/** Geometric mean of values above 0. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

/** Jain's index: 1 where all shares are equal, 1/n where one has everything (Jain, Chiu and Hawe 1984). */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}
