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
   * How much a launch suffers from its largest neighbour beyond their shares of the device: it is slowed by
   * 1 + interference x where that one takes a share x alone. Blocks wait for a place even where others are free.
   */
  readonly interference: number;
  /** What each further neighbour counts, of the largest's weight. 0 to 1. */
  readonly crowding: number;
  /**
   * The part of the SMs that launches get in the order in which they started, as far as each can use it; the rest is
   * shared in proportion. Blocks that are resident stay until they are done, and a kernel's waiting blocks go before those
   * of kernels that came later. 0 to 0.95.
   */
  readonly precedence: number;
  /** Most launches that run at once, of all lanes: the device's hardware queues. */
  readonly maxConcurrent: number;
}

/**
 * The rates (0 to 1 of the speed alone) of the launches in flight, which `lanes` holds in the order in which they started.
 *
 * Of the SMs a launch that takes a share s alone gets precedence x (what those before it leave of them, at most s) +
 * (1 - precedence) x s / max(1, sum of all shares), so no capacity is made beyond the device. No launch is faster than
 * 1 / max(1, sum of the shares of bandwidth, 1 + interference (greatest share beside it + crowding x all other shares
 * beside it)), a share here being the larger of SMs and bandwidth: neighbours cost a launch even where there is enough for
 * all. Measured on an H200: two equal streams of a model's kernels take 1.2 to 1.7 times as long as one, four 1.9 to 2.8
 * times, eight 2.9 to 4.7 times; beside models of longer kernels short ones suffer most. Writes `rate[lane]` for the
 * first `running` entries of `lanes`.
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  smShare: Float64Array,
  bandwidthShare: Float64Array,
  {interference, crowding, precedence}: Pick<Sharing, 'interference' | 'crowding' | 'precedence'>,
  rate: Float64Array,
): void {
  let sm = 0;
  let bandwidth = 0;
  let all = 0;
  let greatest = 0;
  let second = 0;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    sm += smShare[lane];
    bandwidth += bandwidthShare[lane];
    const share = Math.max(smShare[lane], bandwidthShare[lane]);
    all += share;
    if (share > greatest) {
      second = greatest;
      greatest = share;
    } else if (share > second) {
      second = share;
    }
  }
  const inProportion = sm > 1 ? (1 - precedence) / sm : 1;
  let left = 1;
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    const share = Math.max(smShare[lane], bandwidthShare[lane]);
    const beside = share === greatest ? second : greatest;
    const neighbours = beside + crowding * (all - share - beside);
    let most = inProportion;
    if (sm > 1) {
      const got = Math.min(smShare[lane], left);
      left -= got;
      if (got > 0) most += (precedence * got) / smShare[lane];
    }
    rate[lane] = Math.min(most, 1 / Math.max(1, bandwidth, 1 + interference * neighbours));
  }
}
