/**
 * How launches beside each other slow each other. A launch presses on the others with its share of the device times what
 * its kind presses for each, 1 over its exposure where that was not measured, and suffers from the pressure of all others
 * together in proportion to its exposure. None of this has a unit.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011; pressures add up.
 */
export interface SharingTerms {
  /** How much a launch suffers from what others take of the device, where that is little. */
  readonly interference: number;
  /** How fast `crowdedInterference` takes the place of `interference`, for each unit of pressure; 0: never. */
  readonly crowding: number;
  /** How much it suffers from more of it where there is a lot. */
  readonly crowdedInterference: number;
  /**
   * Exposure of launches that coalesce, where that of others is 1: their blocks run longer, so that they seldom lose their
   * place to others, who wait the longer for it. It stands for those of which no exposure of their own is known.
   */
  readonly coalesced: number;
}

/** Those that say what a pressure does to a launch. */
export type ContentionTerms = Pick<SharingTerms, 'interference' | 'crowding' | 'crowdedInterference'>;

/**
 * How many times as long as alone a launch of an exposure e takes beside a pressure p, where the device has enough for all:
 * 1 + e p (i + l c) / (1 + c), where i is the interference, l the one that lasts in a crowd, and c = crowding p.
 */
export function slowdownBeside(
  {interference, crowding, crowdedInterference}: ContentionTerms,
  exposure: number,
  pressure: number,
): number {
  const crowd = crowding * pressure;
  return 1 + (exposure * pressure * (interference + crowdedInterference * crowd)) / (1 + crowd);
}

/** Superkernels of so many members and more hold their places; smaller ones were not seen to. */
export const fewestHolding = 16;

/**
 * Whether a launch holds its place, of `size` members that run together or one after another: it gets what those leave over
 * that hold theirs and began before, and is slowed by none behind it that does.
 */
export const holdsPlace = (size: number, together: boolean): boolean => together && size >= fewestHolding;
