import type {Nanoseconds} from '../scheduler/clock.ts';

/**
 * How launches of streams whose kernels recur go about: `apart`, with those who are ready when it is made, to their end; or
 * `together`, as is best for all who are there: a launch asks again on the way, so that others join, and who is ready may wait
 * for those in flight.
 */
export const ways = {apart: 0, together: 1} as const;

/** Weight of one arrival in the running means: of some thousand of them. */
const weight = 1 / 1024;
/** Fewer arrivals than this tell nothing. */
const fewest = 64;
/**
 * It is crowded when requests that run one by one would take so much of the device, and no more at so much: with less, most
 * run one by one either way.
 */
const [high, low] = [0.5, 0.4];
/** Programs take part whose requests take so many times as much of the device one by one as in the largest launches. */
const leastGain = 1.5;
/**
 * Nothing is tried where the largest launches would take so much of the device, and again at so much: small ones side by side take
 * more, and a trial leaves behind what takes long to work off. On an H200 trials made p99 1.3 to 1.7 times as long at 51 to 75 %, by
 * shares that were too small by 2 to 10 %, and apart was better by far at 43 %.
 */
const [fullAt, roomAt] = [0.65, 0.55];
/** Requests whose latencies tell how a way does, and those before them, which show what the other one left behind. */
const trial = 384;
const settling = 128;
/** A trial has failed when there are so many times as many streams as the other way has, and so many; */
const [failedTimes, failedMore] = [1.1, 32];
/** where that is not known, when there are so many more than when it began. */
const flood = 1024;
/** What a failed trial left behind, so many times as many as usual, is worked off before latencies count, within so many requests. */
const usualTimes = 1.25;
const longestRest = 2048;
/**
 * The other way is tried again after so many trials, at first after fewer, as a run may begin with a host that is not itself yet: in
 * the long run 0.4 % of requests are spent on it, or 3 % where the ways are so near each other that it matters little. From the beginning
 * when so much more or less arrives.
 */
const [firstStay, longestStay] = [64, 256];
const changed = 1.3;
/**
 * Of the norms by which ways are compared: what most requests take, and what those take that wait long. One norm does not do: two shapes at
 * 23,900 requests a second on an H200 had p50 0.80 and p99 2.8 ms apart, 0.99 and 2.4 together, of which the best rival had 1.2 and 2.4, so that
 * together is right; 256x128x1152 at 17,400 had p50 1.6 times the best rival's together and 1.1 to 1.2 mostly apart, with p99 about
 * alike. A host that pauses once spoils one trial of several.
 */
const [usualOrder, tailOrder] = [2, 8];
/**
 * Apart has to be so much better than together by the one, and no worse by the other: together nobody is at the mercy of who came just
 * before.
 */
const [usualBetter, tailBetter] = [0.85, 1];
/** The way that is kept is left for the other one when that has been so much better, as a logarithm, than what would decide. */
const leave = 0.3;
/** A trial ends early where it is this far behind the other way, whatever is still to come. */
const behind = 1 / 0.85;
/**
 * A trial is off by some tenths, as busy moments come and go: after n of each way, they are tried again unless the logarithms of
 * their norms are so much over the root of n apart, until there are so many.
 */
const [doubt, mostTrials] = [0.35, 4];
/** Weight of one trial in the norm of the way that is kept: what comes and goes is no reason to leave it. */
const smoothing = 1 / 4;

/**
 * Which way streams go. Together while requests one by one would leave half of the device. Where more arrives than that,
 * though not so much that only the largest launches can carry it, either may be better by far: apart, a request is under
 * way at once, asks for the host once, and short launches side by side fill the device; but where they slow each other
 * more than they fill, or where a few members take as long as many, together is better. It depends on what launches take
 * beside each other, which a profile knows least well, and shows in what requests take. So both ways are tried, again while
 * it is not clear, and they go apart where most requests take clearly less time then, and those that wait long no more. Where more streams are there than a
 * launch holds, nobody goes apart any more: all lanes would be taken, and what a trial leaves behind takes long to work off.
 */
export class Ways {
  private isCrowded = false;
  /** By program: device time for each request where requests run one by one; NaN for those that take no part. */
  private readonly aloneNs: Float64Array;
  /** By program: the same where they run in the largest launches. */
  private readonly togetherNs: Float64Array;
  private readonly maxSize: number;
  /** Running means over the arrivals of those that take part: time between them, of `aloneNs`, and of `togetherNs`. */
  private gapNs: Nanoseconds = 0;
  private wantedNs: Nanoseconds = 0;
  private leastNs: Nanoseconds = 0;
  private arrivals = 0;
  private lastAt: Nanoseconds = NaN;
  /** What time lay between arrivals when both ways were tried. */
  private gapThen: Nanoseconds = NaN;
  /** By way: the two norms of latencies, in ms, when it was gone, the geometric means of its trials; NaN: to be tried. */
  private readonly norms = Float64Array.of(NaN, NaN);
  private readonly tails = Float64Array.of(NaN, NaN);
  /** By way: how many trials that is the mean of. */
  private readonly trials = Float64Array.of(0, 0);
  /** Trials of the better way that are left until the other one is tried again; 0 while one is. */
  private left = 0;
  /** How many it will be the next time. */
  private stay = firstStay;
  /** How many streams there were with the way that was not just tried; infinite where that is not known. */
  private usual = Infinity;
  /** The way that is gone, since when, and how many streams there were then. */
  private way: number = ways.together;
  private since: Nanoseconds = 0;
  private streamsThen = 0;
  /** Requests that have come and gone since. */
  private answers = 0;
  /** Of those that count, how many, the sums of powers of their latencies, in ms, and of the streams that they left. */
  private count = 0;
  private sum = 0;
  private tailSum = 0;
  private streams = 0;

  /** `maxSize`: the most members of a launch. */
  constructor(aloneNs: Float64Array, togetherNs: Float64Array, maxSize: number) {
    this.maxSize = maxSize;
    this.aloneNs = aloneNs.map((ns, program) => (ns >= leastGain * togetherNs[program] ? ns : NaN));
    this.togetherNs = togetherNs;
  }

  /** The way that streams of a program go: together while there is room, and where its kernels do not recur. */
  of(program: number): number {
    return this.isCrowded && this.aloneNs[program] > 0 ? this.way : ways.together;
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
      this.wantedNs > (wasCrowded ? low : high) * this.gapNs &&
      this.leastNs < (wasCrowded ? fullAt : roomAt) * this.gapNs;
    if (!this.isCrowded) return;
    const change = this.gapNs / this.gapThen;
    if (!wasCrowded || change > changed || change < 1 / changed) {
      this.norms.fill(NaN);
      this.tails.fill(NaN);
      this.trials.fill(0);
      this.left = 0;
      this.stay = firstStay;
      this.usual = Infinity;
      this.gapThen = this.gapNs;
      this.go(ways.together, streams, now);
    } else if (this.left === 0 && streams > this.mostStreams()) {
      // By Little's law requests take so many times as long.
      const times = streams / this.usual;
      const other = 1 - this.way;
      if (times > 0) this.judge(times * this.norms[other], times * this.tails[other], streams, now);
      else this.judge(Infinity, Infinity, streams, now);
    }
  }

  /** With more streams than this a trial has failed. */
  private mostStreams(): number {
    const {usual, streamsThen} = this;
    return usual < Infinity ? failedTimes * Math.max(usual, streamsThen) + failedMore : streamsThen + flood;
  }

  /** Notes that a request of a program is answered that arrived at `arrivedAt`; so many `streams` are left. */
  answered(program: number, arrivedAt: Nanoseconds, streams: number, now: Nanoseconds): void {
    if (!this.isCrowded || !(arrivedAt > this.since) || !(this.aloneNs[program] > 0)) return;
    if (++this.answers <= settling) return;
    const isBusy = this.left > 0 && this.count === 0 && streams > usualTimes * this.usual;
    if (isBusy && this.answers <= longestRest) return;
    const ms = (now - arrivedAt) / 1e6;
    this.sum += ms ** usualOrder;
    this.tailSum += ms ** tailOrder;
    this.streams += streams;
    const most = trial * (behind * this.tails[1 - this.way]) ** tailOrder;
    if (++this.count < trial && !(this.left === 0 && this.tailSum > most)) return;
    const norm = (this.sum / this.count) ** (1 / usualOrder);
    const tail = (this.tailSum / this.count) ** (1 / tailOrder);
    this.judge(norm, tail, streams, now);
  }

  /** The way that is gone has done so well: goes on with it, or the other way. */
  private judge(norm: number, tail: number, streams: number, now: Nanoseconds): void {
    const {norms, tails, trials, way} = this;
    const other = 1 - way;
    const isTrial = this.left === 0;
    if (!isTrial || trials[other] === 0) this.usual = norm < Infinity ? this.streams / this.count : streams;
    if (!isTrial) {
      norms[way] += smoothing * (norm - norms[way]);
      tails[way] += smoothing * (tail - tails[way]);
      const worse = way === ways.apart ? this.apartOver() : -this.apartOver();
      if (!(worse > leave) && --this.left > 0) return this.go(way, streams, now);
      // Once more, with what is known of this way.
      trials[way] = 1;
      trials[other] = 0;
      return this.tryOther(norm, streams, now);
    }
    const count = ++trials[way];
    norms[way] = count === 1 ? norm : norms[way] * (norm / norms[way]) ** (1 / count);
    tails[way] = count === 1 ? tail : tails[way] * (tail / tails[way]) ** (1 / count);
    if (trials[other] === 0) this.tryOther(norm, streams, now);
    else if (trials[other] < count) this.go(other, streams, now);
    else this.settle(streams, now);
  }

  /** Tries the other way for the first time, where that may be. */
  private tryOther(norm: number, streams: number, now: Nanoseconds): void {
    const other = 1 - this.way;
    const isTooMany = other === ways.apart && this.usual >= this.maxSize && norm < Infinity;
    this.norms[other] = this.tails[other] = NaN;
    this.left = isTooMany ? 1 : 0; // looks again after the next trial
    this.go(isTooMany ? this.way : other, streams, now);
  }

  /** Both have been tried as often: keeps the better one, or tries them again. */
  private settle(streams: number, now: Nanoseconds): void {
    const count = this.trials[this.way];
    const margin = count < mostTrials ? doubt / Math.sqrt(count) : 0;
    const over = this.apartOver();
    if (Math.abs(over) < margin) return this.go(this.way, streams, now);
    this.left = this.stay;
    this.stay = Math.min(longestStay, 2 * this.stay);
    this.go(over < 0 ? ways.apart : ways.together, streams, now);
  }

  /** By how much apart misses what it has to be better by, as a logarithm; below 0 where it does not. */
  private apartOver(): number {
    const {norms, tails} = this;
    const usual = Math.log(norms[ways.apart] / norms[ways.together] / usualBetter);
    return Math.max(usual, Math.log(tails[ways.apart] / tails[ways.together] / tailBetter));
  }

  /** Goes a way from now on. */
  private go(way: number, streams: number, now: Nanoseconds): void {
    this.way = way;
    this.since = now;
    this.streamsThen = streams;
    this.answers = 0;
    this.count = 0;
    this.sum = this.tailSum = 0;
    this.streams = 0;
  }
}
