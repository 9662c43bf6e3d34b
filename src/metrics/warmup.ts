import {mean} from './stats.ts';

/**
 * How many leading values to delete as warm-up: MSER-5 (White, Cobb and Spratt 2000). Batches of five values are cut
 * from the start until the standard error of the rest is least; at most half may go, and null tells that the least lies
 * there: the series is too short, or has no steady state.
 */
export function mser5(values: ArrayLike<number>): number | null {
  const batches = Math.floor(values.length / 5);
  if (batches < 4) return null;
  const means = Float64Array.from({length: batches}, (_, i) =>
    mean([0, 1, 2, 3, 4].map((j) => values[5 * i + j])),
  );
  // From the end, so that sums over the rest grow by one batch; relative to the centre, so that squares stay exact.
  const centre = mean(means);
  let sum = 0;
  let squares = 0;
  let best = Infinity;
  let cut = 0;
  for (let start = batches - 1; start >= 0; start--) {
    const value = means[start] - centre;
    sum += value;
    squares += value * value;
    const left = batches - start;
    const statistic = (squares - (sum * sum) / left) / (left * left);
    // Statistics of a handful of batches are noise: only cuts up to the middle and somewhat beyond count.
    if (start <= 0.75 * batches && statistic <= best) {
      best = statistic;
      cut = start;
    }
  }
  return cut > batches / 2 ? null : 5 * cut;
}
