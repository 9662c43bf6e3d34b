import type {Nanoseconds} from '../scheduler/clock.ts';

/** How lanes share the device, and what sharing costs. Durations in ns. */
export interface Sharing {
  readonly scheme: 'one-context' | 'mps' | 'time-slice' | 'dedicated';
  /** Time slicing: how long one context runs before another gets its turn. */
  readonly sliceNs: Nanoseconds;
  /** Time slicing: how long nothing runs when the device changes contexts; the pipeline is flushed. */
  readonly switchNs: Nanoseconds;
  /**
   * Slowdown that co-runners cause beyond their share of SMs and bandwidth (caches, DRAM pages): a launch that runs
   * beside others filling a share x of the device is slowed by 1 + interference x.
   */
  readonly interference: number;
  /** Most launches that run at once, of all lanes: the device's hardware queues. */
  readonly maxConcurrent: number;
}

/**
 * The rates (0 to 1 of the speed alone) of the launches in flight: SMs and bandwidth are given out in proportion to
 * what each would take alone, so nothing is slowed while the sum stays within the device, and no capacity is lost or
 * made beyond it. Writes `rate[lane]` for the first `running` entries of `lanes`.
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  smShare: Float64Array,
  bandwidthShare: Float64Array,
  interference: number,
  rate: Float64Array,
): void {
  let sm = 0;
  let bandwidth = 0;
  for (let i = 0; i < running; i++) {
    sm += smShare[lanes[i]];
    bandwidth += bandwidthShare[lanes[i]];
  }
  const fair = 1 / Math.max(1, sm, bandwidth);
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    const others = Math.min(1, Math.max(sm - smShare[lane], bandwidth - bandwidthShare[lane]));
    rate[lane] = fair / (1 + interference * others);
  }
}
