import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import {methods} from '../scheduler/kernel.ts';

const SINGLE = methods.indexOf('single');

/** Bucket of a count: exact up to 8, then four to an octave. The first count of every bucket stands for it. */
const largest = 4096;
const first: number[] = [];
const bucketOf = new Uint8Array(largest + 1);
for (let n = 0; n <= largest; n++) {
  const isFirst = n <= 8 || n % 2 ** (Math.floor(Math.log2(n)) - 2) === 0;
  if (isFirst) first.push(n);
  bucketOf[n] = first.length - 1;
}
const buckets = first.length;

/**
 * How to run streams of one kernel class: each alone on a lane of its own, or coalesced, and how many at once. Chosen to
 * make the cycle shortest in which every stream of the system moves on by one kernel. With N streams in launches of R,
 * of which N / R make a cycle, it lasts as long as the busiest of
 * - the host: N / R submissions,
 * - the device: N / R times the duration, weighted by the share of the device that a launch fills,
 * - a single stream: the submission, the duration, and the round trip until the host sees it and decides again. A stream
 *   alone on its lane runs ahead and is spared the round trip.
 *
 * Plans are kept by class and by counts rounded down to buckets.
 */
export class LaunchPlan {
  private readonly costs: Costs;
  private readonly lanes: number;
  private readonly maxSize: number;
  private plans: Int16Array[] = [];
  private roundTripNs: Nanoseconds;

  constructor(costs: Costs, lanes: number, maxSize: number) {
    this.costs = costs;
    this.lanes = lanes;
    this.maxSize = maxSize;
    this.roundTripNs = 0;
  }

  /** Tells how long it takes from a launch's end to the next decision; a change by a quarter makes all plans anew. */
  setRoundTrip(ns: Nanoseconds): void {
    if (Math.abs(ns - this.roundTripNs) * 4 <= this.roundTripNs) return;
    this.roundTripNs = ns;
    this.plans = [];
  }

  /**
   * The most kernels of class `cls` to coalesce with `live` streams in the system of which `alike` run such kernels; 0
   * where each is to run alone and ahead.
   */
  size(cls: number, live: number, alike: number): number {
    const plan = (this.plans[cls] ??= new Int16Array(buckets * buckets).fill(-1));
    const at = bucketOf[Math.min(live, largest)] * buckets + bucketOf[Math.min(alike, largest)];
    if (plan[at] < 0) plan[at] = this.choose(cls, first[Math.floor(at / buckets)], first[at % buckets]);
    return plan[at];
  }

  private choose(cls: number, live: number, alike: number): number {
    const {costs, lanes, roundTripNs} = this;
    const submit = costs.submitNs(SINGLE, 1);
    const alone = costs.durationNs(cls, 1, SINGLE);
    let best = 0;
    let bestCycle = Infinity;
    if (live <= lanes)
      bestCycle = Math.max(live * submit, live * costs.smShare(cls, 1, SINGLE) * alone, alone);
    const most = Math.min(alike, this.maxSize);
    for (let b = 1; b < buckets && first[b] <= most; b++) {
      const size = first[b];
      const method = costs.bestMethod(cls, size);
      const duration = costs.durationNs(cls, size, method);
      const launches = live / size;
      const submission = costs.submitNs(method, size);
      const cycle = Math.max(
        launches * submission,
        launches * costs.smShare(cls, size, method) * duration,
        Math.max(1, launches / lanes) * (submission + duration + roundTripNs),
      );
      if (cycle < bestCycle) {
        best = size;
        bestCycle = cycle;
      }
    }
    return best;
  }
}
