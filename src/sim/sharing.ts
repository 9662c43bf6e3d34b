import type {Nanoseconds} from '../scheduler/clock.ts';

/** How lanes share the device, and what sharing costs. Durations in ns. */
export interface Sharing {
  readonly scheme: 'one-context' | 'mps' | 'time-slice' | 'dedicated';
  /** Time slicing: how long one context runs before another gets its turn. */
  readonly sliceNs: Nanoseconds;
  /** Time slicing: how long nothing runs when a slice is over and another context's begins; the pipeline is flushed. */
  readonly switchNs: Nanoseconds;
  /** Time slicing: the same where the context on the device had nothing left to run. */
  readonly yieldNs: Nanoseconds;
  /** How much a launch suffers from what others take of the device, where that is little; see `shareRates`. */
  readonly interference: number;
  /** How much less it suffers from more of it, the more there is; 0: in proportion. */
  readonly crowding: number;
  /**
   * Exposure of launches that coalesce, where that of others is 1: their blocks run longer, so that they seldom lose their
   * place to others, who wait the longer for it.
   */
  readonly coalesced: number;
  /** Most launches that run at once, of all lanes: the device's hardware queues. */
  readonly maxConcurrent: number;
}

/**
 * The rates (0 to 1 of the speed alone) of the launches in flight. A launch presses on the others with its share of the
 * device over its exposure, and suffers from the pressure p of all others together: it takes
 * 1 + interference x exposure x p / (1 + crowding x p) times as long as alone. Where together they want more than there
 * is, they get no more than what is in proportion to their pressure, whatever the other terms.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011; pressures add up. Blocks of two launches meet on SMs
 * by chance even where there is room for both. Measured on an H200, launches of whole models beside up to seven others took
 * within 3 % of this on average, at any load, with an interference of 1.25 to 1.3 and a crowding of 0.1.
 *
 * `share[lane]` is what the lane's launch takes alone of SMs or bandwidth, whichever is more, in (0, 1]. Writes
 * `rate[lane]` for the first `running` entries of `lanes`.
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  share: Float64Array,
  exposure: Float64Array,
  {interference, crowding}: Pick<Sharing, 'interference' | 'crowding'>,
  rate: Float64Array,
): void {
  let wanted = 0;
  let pressure = 0;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    wanted += share[lane];
    pressure += share[lane] / exposure[lane];
  }
  const short = wanted > 1 ? pressure : 0;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    const exposed = exposure[lane];
    const others = pressure - share[lane] / exposed;
    const slowed = 1 + (interference * exposed * others) / (1 + crowding * others);
    const least = exposed * short;
    rate[lane] = 1 / (slowed > least ? slowed : least > 1 ? least : 1);
  }
}
