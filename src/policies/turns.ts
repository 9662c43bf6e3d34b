import type {Nanoseconds} from '../scheduler/clock.ts';

/** Weight of one arrival in the running means: of some hundred of them. */
const weight = 1 / 256;
/** Fewer arrivals than this tell nothing. */
const fewest = 64;
/**
 * It is crowded when requests that run one by one would take so much of the device, and no more at so much: with 0.87 and
 * 0.75 chains on an H200 took turns where `streams` still kept up, at a third of the latency.
 */
const [high, low] = [1.05, 0.95];
/** Programs take part whose requests take so many times as much of the device one by one as in the largest launches. */
const leastGain = 1.5;
/**
 * It is overloaded, and plans are made, when the largest launches would take so much more of the device than there is; a
 * tenth and more may be the profile's error.
 */
const overload = 1.15;
/** Requests whose latencies tell how a way does, and those before them, which only show what the last one left behind. */
const trial = 384;
const settling = 128;
/** The other way is tried again after so many trials, or when so much more or less arrives. */
const stay = 128;
const changed = 1.3;
/** The other way is taken again where it did so much better: backlogs come and go. */
const clearly = 0.85;
/** A way has failed when so many times as many streams are there as when it began, and so many besides. */
const [crowdTimes, crowdMore] = [4, 64];

/** The ways to go. */
const [byTurns, byPlans] = [0, 1];

/**
 * How streams whose kernels recur run while requests arrive faster than the device could run them one by one, though not
 * faster than at all: by plans, or in turns, two launches of all that was ready, one made while the other runs.
 *
 * Plans choose sizes that suit the device and let some run alone; they serve requests sooner on average where the profile
 * knows what launches take beside each other. Turns know nothing of it and treat all alike: everyone takes as long as a round,
 * and what is in flight is all there is; the device runs blocks as they come, so that the head of one launch fills the tail of
 * the other. Which is better shows in what requests take, so both are tried, and the one is kept whose latencies have the
 * lower norm of order 4, between their mean and the longest of them.
 *
 * Live on an H200, two large batches side by side took together what their blocks take, whatever their sizes, and chains of
 * one or two GEMMs at half to nine tenths of what coalescing carries had a p99 1.4 to 2.2 times as long by plans.
 */
export class Turns {
  private isCrowded = false;
  /** By program: device time for each request where requests run one by one; NaN for those that take no part. */
  private readonly aloneNs: Float64Array;
  /** By program: the same where they run in the largest launches. */
  private readonly togetherNs: Float64Array;
  /** Running means over the arrivals of those that take part: time between them, of `aloneNs`, and of `togetherNs`. */
  private gapNs: Nanoseconds = 0;
  private wantedNs: Nanoseconds = 0;
  private leastNs: Nanoseconds = 0;
  private arrivals = 0;
  private lastAt: Nanoseconds = NaN;
  /** The way that is gone, since when, and how many streams and what time between arrivals there were then. */
  private way = byPlans;
  private since: Nanoseconds = 0;
  private streamsThen = 0;
  private gapThen: Nanoseconds = NaN;
  /** Requests that have come and gone since, and the sum of their latencies to the fourth, in ms. */
  private count = 0;
  private sum = 0;
  /** By way: the norm of latencies, in ms, when it was last gone; NaN: not known. */
  private readonly norms = Float64Array.of(NaN, NaN);
  /** Trials left before the other way is tried again. */
  private left = 0;

  constructor(aloneNs: Float64Array, togetherNs: Float64Array) {
    this.aloneNs = aloneNs.map((ns, program) => (ns >= leastGain * togetherNs[program] ? ns : NaN));
    this.togetherNs = togetherNs;
  }

  /** Whether streams of a program take turns. */
  takesPart(program: number): boolean {
    return this.isCrowded && this.way === byTurns && this.aloneNs[program] > 0;
  }

  /** Notes a request of a program, with which so many `streams` are there. */
  arrived(program: number, streams: number, now: Nanoseconds): void {
    const aloneNs = this.aloneNs[program];
    if (!(aloneNs > 0)) return;
    const gap = now - this.lastAt;
    this.lastAt = now;
    if (!(gap >= 0)) return;
    const w = Math.max(weight, 1 / ++this.arrivals);
    this.gapNs += w * (gap - this.gapNs);
    this.wantedNs += w * (aloneNs - this.wantedNs);
    this.leastNs += w * (this.togetherNs[program] - this.leastNs);
    if (this.arrivals < fewest) return;
    const wasCrowded = this.isCrowded;
    this.isCrowded =
      this.wantedNs > (wasCrowded ? low : high) * this.gapNs && this.leastNs < overload * this.gapNs;
    if (!this.isCrowded) return;
    const change = this.gapNs / this.gapThen;
    if (!wasCrowded || change > changed || change < 1 / changed) {
      this.norms.fill(NaN);
      const before = wasCrowded ? this.streamsThen : streams;
      this.go(wasCrowded ? this.way : byPlans, Math.min(before, streams), now);
    } else if (this.way === byPlans && streams > crowdTimes * this.streamsThen + crowdMore) {
      this.judge(Infinity, streams, now);
    }
  }

  /** Notes that a request of a program is answered that arrived at `arrivedAt`; so many `streams` are left. */
  answered(program: number, arrivedAt: Nanoseconds, streams: number, now: Nanoseconds): void {
    if (!this.isCrowded || !(arrivedAt > this.since) || !(this.aloneNs[program] > 0)) return;
    this.count++;
    if (this.count <= settling) return;
    this.sum += ((now - arrivedAt) / 1e6) ** 4;
    if (this.count === settling + trial) this.judge((this.sum / trial) ** (1 / 4), streams, now);
  }

  /** The way that is gone has done so well: goes on with it, or the other way. */
  private judge(norm: number, streams: number, now: Nanoseconds): void {
    const {norms, way} = this;
    const other = 1 - way;
    norms[way] = norm;
    if (Number.isNaN(norms[other])) {
      this.left = stay;
      this.go(other, streams, now);
    } else if (norms[other] < clearly * norm) {
      this.go(other, streams, now);
    } else if (--this.left > 0) {
      this.go(way, streams, now);
    } else {
      norms[other] = NaN;
      this.go(other, streams, now);
    }
  }

  /** Goes a way from now on. */
  private go(way: number, streams: number, now: Nanoseconds): void {
    this.way = way;
    this.since = now;
    this.streamsThen = streams;
    this.gapThen = this.gapNs;
    this.count = 0;
    this.sum = 0;
  }
}
