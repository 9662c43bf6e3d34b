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
  /**
   * How much launches suffer from each other: one is slowed by 1 + interference x what the others take alone of the device.
   * From 1 on no capacity is made beyond the device.
   */
  readonly interference: number;
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
 * device over its exposure, and suffers from their pressure in proportion to its exposure: it takes
 * 1 + interference x exposure x (pressure of all others) times as long as alone. Where together they want more than there
 * is, they get no more than what is in proportion to their pressure, whatever the interference.
 *
 * Sensitivity and pressure as in Mars et al., Bubble-Up, MICRO 2011, eq. 1, with pressures that add up. Measured on an
 * H200 with up to eight models beside each other, launches took within some percent of this at any load, with an
 * interference of 1.03 to 1.06: the blocks of two launches meet on SMs by chance even where there is room for both.
 *
 * `share[lane]` is what the lane's launch takes alone of SMs or bandwidth, whichever is more, in (0, 1]. Writes
 * `rate[lane]` for the first `running` entries of `lanes`.
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  share: Float64Array,
  exposure: Float64Array,
  interference: number,
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
    const slowed = 1 + interference * (exposed * pressure - share[lane]);
    const least = exposed * short;
    rate[lane] = 1 / (slowed > least ? slowed : least > 1 ? least : 1);
  }
}
