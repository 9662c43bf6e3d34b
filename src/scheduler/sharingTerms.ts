/**
 * How launches beside each other slow each other. A launch presses on the others with its share of the device times what
 * its kind presses for each, and suffers from the pressure of all others together in proportion to its exposure. Of kinds of
 * which nothing was measured that is 1 over the exposure.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011; pressures add up.
 */
export interface SharingTerms {
  /** How much a launch suffers from what others take of the device, where that is little. */
  readonly interference: number;
  /** How fast it comes to suffer no more than `crowdedInterference` from more of it, the more there is; 0: never. */
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

/** How many times as long as alone a launch of an exposure takes beside a pressure, where the device has enough for all. */
export function slowdownBeside(
  {interference, crowding, crowdedInterference}: ContentionTerms,
  exposure: number,
  pressure: number,
): number {
  const crowd = crowding * pressure;
  return 1 + (exposure * pressure * (interference + crowdedInterference * crowd)) / (1 + crowd);
}
