import type {Nanoseconds} from '../scheduler/clock.ts';
import {slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';

/** What launches fill of the device while they run alone, 0 to 1. */
export interface Fill {
  /** Of the resident blocks. */
  readonly sm: number;
  /** Of the memory bandwidth. */
  readonly bandwidth: number;
}

/**
 * What a policy has in flight: how much of the device every launch fills, and how many streams wait for it. Launches are
 * kept in the order of their expected ends, so a question goes through those in flight, or the first few of them.
 */
export class InFlight {
  private readonly sharing: SharingTerms;
  /** Records of the launches, the one that ends first in front. */
  private readonly launches: Float64Array;
  /** Launches. */
  private count = 0;
  /** Sums over them: of the fills, of the streams. */
  private totalSm = 0;
  private totalBandwidth = 0;
  private totalStreams = 0;
  /** Sums over those alone that coalesce: launches, and what they take of the device. */
  private coalescedCount = 0;
  private coalescedShare = 0;
  /** The same over the others. */
  private singleCount = 0;
  private singleShare = 0;

  /** `sharing` tells how launches side by side slow each other. */
  constructor(lanes: number, sharing: SharingTerms) {
    this.sharing = sharing;
    this.launches = new Float64Array(lanes * width);
  }

  /** Notes a launch: what it fills, the program that its streams run, and whether they are complete then. */
  launched(
    {lane, size, releasedAt, predictedNs}: Launch,
    {sm, bandwidth}: Fill,
    program: number,
    runsToEnd = false,
  ): void {
    const {launches} = this;
    this.add(sm, bandwidth, size);
    // What joins later delays it further; what ends sooner makes up for that.
    const ends =
      releasedAt +
      this.slowdown(size > 1, Math.max(sm, bandwidth), this.pressure(), this.wanted()) * predictedNs;
    let at = this.count++ * width;
    for (; at > 0 && launches[at - width + endsAt] > ends; at -= width)
      launches.copyWithin(at, at - width, at);
    launches[at + laneOf] = lane;
    launches[at + endsAt] = ends;
    launches[at + smOf] = sm;
    launches[at + bandwidthOf] = bandwidth;
    launches[at + streamsIn] = size;
    launches[at + programOf] = runsToEnd ? none : program;
    launches[at + endingOf] = runsToEnd ? program : none;
  }

  /** Notes its end. */
  finished({lane}: Launch): void {
    const {launches} = this;
    const end = this.count * width;
    let at = 0;
    while (at < end && launches[at + laneOf] !== lane) at += width;
    if (at === end) return;
    launches.copyWithin(at, at + width, end);
    this.count--;
    // Summed afresh, so that rounding does not pile up.
    this.totalSm = this.totalBandwidth = this.totalStreams = 0;
    this.coalescedCount = this.coalescedShare = this.singleCount = this.singleShare = 0;
    for (let i = 0; i < this.count * width; i += width)
      this.add(launches[i + smOf], launches[i + bandwidthOf], launches[i + streamsIn]);
  }

  private add(sm: number, bandwidth: number, streams: number): void {
    this.totalSm += sm;
    this.totalBandwidth += bandwidth;
    this.totalStreams += streams;
    if (streams > 1) {
      this.coalescedCount++;
      this.coalescedShare += Math.max(sm, bandwidth);
    } else {
      this.singleCount++;
      this.singleShare += Math.max(sm, bandwidth);
    }
  }

  /** How much of the device the launches in flight would fill together; above 1 they take longer than alone. */
  demand(): number {
    return Math.max(this.totalSm, this.totalBandwidth);
  }

  /** Streams of a program that are complete when their launches end: nobody will coalesce with them. */
  endingOf(program: number): number {
    const {launches} = this;
    let streams = 0;
    for (let at = 0; at < this.count * width; at += width)
      if (launches[at + endingOf] === program) streams += launches[at + streamsIn];
    return streams;
  }

  /**
   * The part of it of launches of a program, or of all others. Launches whose streams are complete then are others here,
   * whatever they run.
   */
  demandOf(program: number, isOther = false): number {
    const {launches} = this;
    let sm = 0;
    let bandwidth = 0;
    for (let at = 0; at < this.count * width; at += width) {
      if ((launches[at + programOf] === program) === isOther) continue;
      sm += launches[at + smOf];
      bandwidth += launches[at + bandwidthOf];
    }
    return Math.max(sm, bandwidth);
  }

  /** Whether launches of a program are in flight, or of others, as above. */
  has(program: number, isOther = false): boolean {
    const {launches} = this;
    for (let at = 0; at < this.count * width; at += width)
      if ((launches[at + programOf] === program) !== isOther) return true;
    return false;
  }

  /** Whether blocks or bandwidth are left over. */
  hasIdle(): boolean {
    return Math.min(this.totalSm, this.totalBandwidth) < 0.75;
  }

  /**
   * Whether to launch what would complete `streams` after `ns` beside what is in flight, rather than once that has left
   * enough of the device. Side by side until then, the newcomers gain the wait less what they are slowed by; the `others`
   * who wait gain the device time that would have been idle or lost to neighbours who wait for each other, also the
   * `gapNs` until the host has reacted to an end that leaves little in flight; the streams in flight lose what the
   * newcomers take.
   */
  isWorthBeside(
    fill: Fill,
    ns: Nanoseconds,
    streams: number,
    others: number,
    gapNs: Nanoseconds,
    {now}: Situation,
  ): boolean {
    const share = Math.max(fill.sm, fill.bandwidth);
    const coalesces = streams > 1;
    const wanted = this.wanted();
    const pressure = this.pressure();
    const together = wanted + share;
    if (together <= roomy) return true;
    const pressureTogether = pressure + share / this.exposure(coalesces);
    const wait = this.leavesAt(fill) - now;
    const after = this.slowdown(coalesces, share, pressureTogether, together);
    const beside = ns * after <= wait ? ns * after : wait + ns - wait / after;
    const overlap = Math.min(wait, beside);
    const gained = wait + ns - beside;
    const doneBefore = this.progress(pressure, wanted);
    const doneAfter = this.progress(pressureTogether, together);
    // To first order: what this delays shares the device a little longer.
    const lost = overlap * (1 - doneAfter / doneBefore);
    const more = Math.max(0, doneAfter + share / after - doneBefore);
    const saved = overlap * more + (this.isUsedAfterNext() ? 0 : gapNs);
    // Where the device gets no more done for it, taking turns is at least as good as sharing.
    const counts = more > leastGain * doneBefore ? delayCounts : 1;
    return streams * gained + others * saved > counts * this.totalStreams * lost;
  }

  /** When so much will have ended that what is left and `fill` do not exceed the device. */
  private leavesAt({sm, bandwidth}: Fill): Nanoseconds {
    const {launches} = this;
    let smLeft = this.totalSm;
    let bandwidthLeft = this.totalBandwidth;
    let at = 0;
    // A launch that fills all of the device waits for all others.
    for (let i = 0; i < this.count * width; i += width) {
      if (i > 0 && launches[i + endsAt] > at && Math.max(smLeft + sm, bandwidthLeft + bandwidth) <= 1) break;
      at = launches[i + endsAt];
      smLeft -= launches[i + smOf];
      bandwidthLeft -= launches[i + bandwidthOf];
    }
    return at;
  }

  /** When the next launch is expected to end; Infinity without one. */
  nextEndsAt(): Nanoseconds {
    return this.count === 0 ? Infinity : this.launches[endsAt];
  }

  /** Whether at least half of the device will be in use once the next launch has ended. */
  isUsedAfterNext(): boolean {
    const {launches} = this;
    let sm = 0;
    let bandwidth = 0;
    for (let at = 0; at < this.count * width; at += width) {
      if (launches[at + endsAt] === launches[endsAt]) continue;
      sm += launches[at + smOf];
      bandwidth += launches[at + bandwidthOf];
    }
    return Math.max(sm, bandwidth) >= 0.5;
  }

  /** When the last of the launches is expected to end. */
  allEndAt(): Nanoseconds {
    return this.count === 0 ? 0 : this.launches[(this.count - 1) * width + endsAt];
  }

  private wanted(): number {
    return this.singleShare + this.coalescedShare;
  }

  /** What the launches in flight press on another with. */
  private pressure(): number {
    return this.singleShare + this.coalescedShare / this.sharing.coalesced;
  }

  private exposure(coalesces: boolean): number {
    return coalesces ? this.sharing.coalesced : 1;
  }

  /** How much work on the device the launches in flight do in a time, if all together press and want so much. */
  private progress(pressure: number, wanted: number): number {
    const {singleCount, singleShare, coalescedCount, coalescedShare} = this;
    let done = 0;
    if (singleCount > 0)
      done += singleShare / this.slowdown(false, singleShare / singleCount, pressure, wanted);
    if (coalescedCount > 0)
      done += coalescedShare / this.slowdown(true, coalescedShare / coalescedCount, pressure, wanted);
    return done;
  }

  /** How much longer a launch takes that takes a `share` of the device, if all together press and want so much. */
  private slowdown(coalesces: boolean, share: number, pressure: number, wanted: number): number {
    const exposure = this.exposure(coalesces);
    const slowed = slowdownBeside(this.sharing, exposure, Math.max(0, pressure - share / exposure));
    return Math.max(slowed, wanted > 1 ? exposure * pressure : 1);
  }
}

/** Launches that take no more of the device together than this are worth it whatever they delay. */
const roomy = 0.5;
/** Less than this share of what the device gets done is none: an error of rounding. */
const leastGain = 0.001;
/**
 * What it counts that streams in flight are delayed: they are held up now rather than by whoever comes next, and who
 * waits meanwhile holds up those behind. Counted in full it makes for too much waiting.
 */
const delayCounts = 0.3;

/** Entries of a launch's record: a line of a cache. */
const width = 8;
/** Its fields. */
const laneOf = 0;
const endsAt = 1;
const smOf = 2;
const bandwidthOf = 3;
const streamsIn = 4;
/** The program that its streams run and run on behind it; the one that they run to its end. */
const programOf = 5;
const endingOf = 6;
const none = -1;
