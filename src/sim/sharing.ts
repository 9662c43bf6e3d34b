import type {Nanoseconds} from '../scheduler/clock.ts';
import {pressureTogether, slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {ContentionTerms, InterferenceTerms} from '../scheduler/sharingTerms.ts';

/** How lanes share the device, and what sharing costs. Durations in ns. */
export interface Sharing extends ContentionTerms {
  readonly scheme: 'one-context' | 'mps' | 'time-slice' | 'dedicated';
  /** Time slicing: how long one context runs before another gets its turn. */
  readonly sliceNs: Nanoseconds;
  /** Time slicing: how long nothing runs when a slice is over and another context's begins; the pipeline is flushed. */
  readonly switchNs: Nanoseconds;
  /** Time slicing: the same where the context on the device had nothing left to run. */
  readonly yieldNs: Nanoseconds;
  /** Most launches that run at once, of all lanes: the device's hardware queues. */
  readonly maxConcurrent: number;
}

/**
 * How many times as long as alone a launch of an exposure takes among others: it is slowed by the pressure of those
 * (`slowdownBeside`). Where together they want more than there is, they get no more than what is in proportion to their
 * shares over their exposures, whatever the terms: `short` is the sum of those then, else 0.
 *
 * Blocks of two launches meet on SMs by chance even where there is room for both. Measured on three H200s, launches of a kind
 * in runs that took no part in the fit took together within 1.5 to 2.2 % of this (calibration/logs), with an interference of
 * 1.7 to 1.8, of which 0.8 to 0.9 lasted.
 */
export function slowdownAmong(
  terms: InterferenceTerms,
  exposure: number,
  others: number,
  short: number,
): number {
  const slowed = slowdownBeside(terms, exposure, others);
  const least = exposure * short;
  return slowed > least ? slowed : least > 1 ? least : 1;
}

/** Launches in flight together, by lane. */
export interface Sharers {
  /** What a launch takes alone of SMs or bandwidth, whichever is more, in (0, 1]. */
  readonly share: Float64Array;
  /** How much it suffers from others, and what it presses on them with. */
  readonly exposure: Float64Array;
  readonly pressure: Float64Array;
  /** Whether it coalesces, and whether it holds its place, as only such do: 1 or 0. */
  readonly coalesces: Uint8Array;
  readonly holds: Uint8Array;
}

/**
 * Writes `part[of]`, 0 to 1: what each of the first `count` in `order` gets of the share that it takes, which is what those leave
 * over that hold their places and come before. Those that hold none keep nobody out.
 */
export function partsInOrder(
  count: number,
  order: ArrayLike<number>,
  {share, holds}: Pick<Sharers, 'share' | 'holds'>,
  part: Float64Array,
): void {
  let room = 1;
  for (let i = 0; i < count; i++) {
    const of = order[i];
    part[of] = share[of] > room ? room / share[of] : 1;
    if (holds[of] !== 0) room = Math.max(0, room - share[of]);
  }
}

/**
 * Writes `felt[of]`: what presses on each of the first `count` in `order`, which get `part` of what they take. On those that
 * hold their places press those that hold theirs and come before, and all that hold none; on those, all others.
 */
export function pressuresInOrder(
  count: number,
  order: ArrayLike<number>,
  {pressure, coalesces, holds}: Pick<Sharers, 'pressure' | 'coalesces' | 'holds'>,
  terms: Pick<ContentionTerms, 'mixing'>,
  part: Float64Array,
  felt: Float64Array,
): void {
  let single = 0;
  let loose = 0;
  let held = 0;
  for (let i = 0; i < count; i++) {
    const of = order[i];
    const own = part[of] * pressure[of];
    felt[of] = held;
    if (coalesces[of] === 0) single += own;
    else if (holds[of] === 0) loose += own;
    else held += own;
  }
  for (let i = 0; i < count; i++) {
    const of = order[i];
    const own = part[of] * pressure[of];
    const before = felt[of];
    let singles = single;
    let together = loose + (holds[of] === 0 ? held : before);
    // Never less than nothing, as sums are rounded.
    if (coalesces[of] === 0) singles = Math.max(0, singles - own);
    else if (holds[of] === 0) together = Math.max(0, together - own);
    felt[of] = pressureTogether(terms, singles, together);
  }
}

/**
 * The rates (0 to 1 of the speed alone) of launches in flight together. `lanes` names the first `running` of them in the order in
 * which they started. Writes `rate[lane]`.
 *
 * Launches of many members hold their places (`holdsPlace`): the device starts blocks in the order in which they come, so that
 * a launch gets what those leave over that hold theirs and started before, and presses on others as much less. Chains of batched
 * launches of 16 to 128 members on two and on four lanes of an H200, laid out again in order, were off by 3 to 22 % of their
 * time, launch by launch; with all of them slowed alike by 14 to 37 %. Smaller launches hold no place: models beside
 * each other, in batches of two to eight requests, came out 6 to 17 % too slow if they did. But they too wait for those that
 * do: chains in launches of up to 15 beside such of 67 to 128 took two to six times as long live as the law had it that gave
 * them all that they take, and 0.8 to 2.1 times as this one has it.
 *
 * Those that hold their places do not suffer from those that hold theirs behind them, whose blocks come where none of theirs is
 * left to start. Chains of coalesced launches on two to eight lanes of an H200 took up to 33 times as long simulated as live
 * where they did (calibration/validation/h200-policies.log).
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  sharers: Sharers,
  terms: ContentionTerms,
  rate: Float64Array,
): void {
  const {share, exposure} = sharers;
  partsInOrder(running, lanes, sharers, rate);
  const felt = new Float64Array(rate.length);
  pressuresInOrder(running, lanes, sharers, terms, rate, felt);
  let wanted = 0;
  let demand = 0;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    wanted += rate[lane] * share[lane];
    demand += (rate[lane] * share[lane]) / exposure[lane];
  }
  const short = wanted > 1 ? demand : 0;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    rate[lane] /= slowdownAmong(terms, exposure[lane], felt[lane], short);
  }
}
