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
  /** What interference counts for launches that coalesce, of what it counts for others: their blocks run longer. */
  readonly coalesced: number;
  /** Most launches that run at once, of all lanes: the device's hardware queues. */
  readonly maxConcurrent: number;
}

/**
 * The rates (0 to 1 of the speed alone) of the launches in flight: each is slowed by shortage or by neighbours, whichever
 * is more.
 * - Shortage: max(1, sum of the shares of bandwidth, and where the shares of SMs exceed 1, exposure x sum (share of SMs /
 *   exposure)). So no capacity is made beyond the device, and launches get it in proportion to what they take alone over
 *   their exposure: what is resident keeps its place, and kernels whose blocks run long lose it seldom.
 * - Neighbours: 1 + interference x exposure x (greatest share beside it + crowding x all other shares beside it), a share
 *   being the larger of SMs and bandwidth. They cost a launch even where there is enough for all.
 *
 * Measured on an H200: two equal streams of a model's kernels take 1.2 to 1.7 times as long as one, four 1.9 to 2.8 times,
 * eight 2.9 to 4.7 times. Writes `rate[lane]` for the first `running` entries of `lanes`.
 */
export function shareRates(
  running: number,
  lanes: Int32Array,
  smShare: Float64Array,
  bandwidthShare: Float64Array,
  exposure: Float64Array,
  {interference, crowding}: Pick<Sharing, 'interference' | 'crowding'>,
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
  const least = Math.max(1, bandwidth);
  let weighted = 0;
  if (sm > 1) for (let i = 0; i < running; i++) weighted += smShare[lanes[i]] / exposure[lanes[i]];
  for (let i = 0; i < running; i++) {
    const lane = lanes[i];
    const share = Math.max(smShare[lane], bandwidthShare[lane]);
    const beside = share === greatest ? second : greatest;
    const neighbours = beside + crowding * (all - share - beside);
    // Nothing is short where `weighted` is 0.
    const exposed = exposure[lane];
    rate[lane] = 1 / Math.max(least, exposed * weighted, 1 + interference * exposed * neighbours);
  }
}
