import {recordedSteps} from './launch.ts';

/** Periods that are looked for: longer ones would have launches end too seldom. */
const longest = (3 * recordedSteps) / 2;
/** A program repeats itself where it does so many times at least, */
const fewestTimes = 3;
/** and so much of it is as it was a period before: models have a first and a last layer of their own. */
const repeated = 0.8;

/**
 * After how many kernels a program repeats itself: the layers of a transformer. Launches that end at multiples of it before the program's
 * end leave their streams in front of the same kernels, whenever they began. 1 where it does not, and where multiples of
 * `recordedSteps` are multiples of it anyway.
 *
 * Whole models of which BERT is one, its layer twelve kernels, at 20 to 95 % of what is carried, simulated with the profiles of five GPUs:
 * `ooo`’s p50 0.98 of what it is where all launches end at powers of two, p99 0.99; at 70 to 90 % of an H200, 0.82 to 0.96 and 0.86 to 0.93.
 */
export function periodOf(classes: ArrayLike<number>): number {
  const {length} = classes;
  for (let period = 1; period <= longest && fewestTimes * period <= length; period++) {
    let same = 0;
    for (let i = period; i < length; i++) if (classes[i] === classes[i - period]) same++;
    if (same >= repeated * (length - period)) return recordedSteps % period === 0 ? 1 : period;
  }
  return 1;
}

/**
 * Where runs of a program with a period end, which a live device records ahead: at multiples of so many kernels before its end, the whole
 * periods nearest to `recordedSteps`.
 */
export function stopEvery(period: number): number {
  return period * Math.max(1, Math.round(recordedSteps / period));
}

/**
 * How many kernels it is to the next stop from one with which `left` are left of its program, itself included, where launches end at
 * multiples of `every` kernels before its end.
 */
export const toNextStop = (left: number, every: number): number => left % every || every;

/** The most kernels up to `most` after which a program is where it was: a multiple of its period, where one fits. */
export function wholePeriods(period: number, most: number): number {
  return most >= period && most < Infinity ? most - (most % period) : most;
}
