import type {Nanoseconds} from './clock.ts';

/**
 * How launches beside each other slow each other. A launch presses on the others with its share of the device times what
 * its kind presses for each, 1 over its exposure where that was not measured, and suffers from the pressure of all others
 * together in proportion to its exposure. None of this has a unit.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011; pressures add up, and where single launches meet such as
 * coalesce there is more.
 */
export interface SharingTerms {
  /** How much a launch suffers from what others take of the device, where that is little. */
  readonly interference: number;
  /** How fast `crowdedInterference` takes the place of `interference`, for each unit of pressure; 0: never. */
  readonly crowding: number;
  /** How much it suffers from more of it where there is a lot. */
  readonly crowdedInterference: number;
  /** How much more others press than their pressures add up to, where single launches meet such as coalesce: `pressureTogether`. */
  readonly mixing: number;
  /**
   * Exposure of launches that coalesce, where that of others is 1: their blocks run longer, so that they seldom lose their
   * place to others, who wait the longer for it. It stands for those of which no exposure of their own is known.
   */
  readonly coalesced: number;
}

/** Those that say what a pressure does to a launch. */
export type InterferenceTerms = Pick<SharingTerms, 'interference' | 'crowding' | 'crowdedInterference'>;
/** The same, and what the others press with together. */
export type ContentionTerms = InterferenceTerms & Pick<SharingTerms, 'mixing'>;

/**
 * What others press with together of which single launches press with s, and those that coalesce with c: s + c + m s c / (s + c),
 * where m is the mixing. None of them has a unit.
 *
 * Found in co-runs of models on four H200s: with the sum alone, launches beside a coalesced one came out 3 to 8 % too slow, beside
 * single ones as well as coalesced 3 to 7 % too fast. Where the product itself is added it fits as well, but grows without bound:
 * overloaded policies that coalesce came out half as slow again as live (docs/VALIDATION.md).
 */
export function pressureTogether(
  {mixing}: Pick<SharingTerms, 'mixing'>,
  single: number,
  coalesced: number,
): number {
  const sum = single + coalesced;
  return sum > 0 ? sum + (mixing * single * coalesced) / sum : 0;
}

/**
 * How many times as long as alone a launch of an exposure e takes beside a pressure p, where the device has enough for all:
 * 1 + e p (i + l c) / (1 + c), where i is the interference, l the one that lasts in a crowd, and c = crowding p.
 */
export function slowdownBeside(
  {interference, crowding, crowdedInterference}: InterferenceTerms,
  exposure: number,
  pressure: number,
): number {
  const crowd = crowding * pressure;
  return 1 + (exposure * pressure * (interference + crowdedInterference * crowd)) / (1 + crowd);
}

/** Superkernels of fewer members hold no place; */
export const fewestHolding = 16;
/** nor do those that take less than so many times as long as two members: one round of blocks, beside which those of others start. */
const roundsHolding = 2;

/**
 * Whether a superkernel of `size` members that takes `ns` by itself holds its place, where one of two takes `pairNs`: it gets what those
 * leave over that hold theirs and began before, and is slowed by none behind it that does. It does where its blocks come in more than one
 * round, so that whoever comes later waits.
 *
 * Live, kernels of 256x128x1152 in one round, of 16 to 33 members (66 us), let two of 256x256x256 through each (23 to 46 us), and took 1.5 to
 * 1.9 times as long as alone; as if they held their places they would take 1.1 to 1.2 times, and let one through. From 34 members on (99 us
 * and more) they take 1.1 times, and let one to 1.6 through (an H200, FP32, 28,000 requests a second of both).
 */
export const holdsPlace = (size: number, ns: Nanoseconds, pairNs: Nanoseconds): boolean =>
  size >= fewestHolding && ns >= roundsHolding * pairNs;
