/**
 * How launches beside each other slow each other. A launch presses on the others with its share of the device over its
 * exposure, and suffers from the pressure of all others together in proportion to its exposure.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011; pressures add up.
 */
export interface SharingTerms {
  /** How much a launch suffers from what others take of the device, where that is little. */
  readonly interference: number;
  /** How much less it suffers from more of it, the more there is; 0: in proportion. */
  readonly crowding: number;
  /**
   * Exposure of launches that coalesce, where that of others is 1: their blocks run longer, so that they seldom lose their
   * place to others, who wait the longer for it. It stands for those of which no exposure of their own is known.
   */
  readonly coalesced: number;
}

/** How many times as long as alone a launch of an exposure takes beside a pressure, where the device has enough for all. */
export function slowdownBeside(
  {interference, crowding}: Pick<SharingTerms, 'interference' | 'crowding'>,
  exposure: number,
  pressure: number,
): number {
  return 1 + (interference * exposure * pressure) / (1 + crowding * pressure);
}
