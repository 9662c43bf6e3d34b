import type {Nanoseconds} from '../scheduler/clock.ts';
import {slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import {inUnits} from '../scheduler/shareUnits.ts';
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
 * kept in the order of their expected ends, so a question goes through the first few of them, and sums are kept.
 */
export class InFlight {
  private readonly sharing: SharingTerms;
  /** Records of the launches, by lane, which holds one. */
  private readonly launches: Float64Array;
  /** Where they are, that of the launch that ends first in front. */
  private readonly order: Int32Array;
  /** Launches. */
  private count = 0;
  /** Sums over them: of the fills in whole units, of the streams. */
  private totalSm = 0;
  private totalBandwidth = 0;
  private totalStreams = 0;
  /** Sums over those alone that coalesce: launches, and what they take of the device. */
  private coalescedCount = 0;
  private coalescedShare = 0;
  /** The same over the others. */
  private singleCount = 0;
  private singleShare = 0;
  /** Sums over those of a program: records by program. */
  private ofPrograms = new Float64Array(16 * programWidth);

  /** `sharing` tells how launches side by side slow each other. */
  constructor(lanes: number, sharing: SharingTerms) {
    this.sharing = sharing;
    this.launches = new Float64Array(lanes * width);
    this.order = new Int32Array(lanes);
  }

  /** Notes a launch: what it fills, the program that its streams run, and how many of them are complete then. */
  launched(
    {lane, size, releasedAt, predictedNs}: Launch,
    {sm, bandwidth}: Fill,
    program: number,
    ending = 0,
  ): void {
    const {launches, order} = this;
    const record = lane * width;
    launches[record + smOf] = inUnits(sm);
    launches[record + bandwidthOf] = inUnits(bandwidth);
    launches[record + streamsIn] = size;
    launches[record + programOf] = program;
    launches[record + completeThen] = ending;
    this.add(record, 1);
    // What joins later delays it further; what ends sooner makes up for that.
    const ends =
      releasedAt +
      this.slowdown(size > 1, Math.max(sm, bandwidth), this.pressure(), this.wanted()) * predictedNs;
    launches[record + endsAt] = ends;
    let place = this.count++;
    for (; place > 0 && launches[order[place - 1] + endsAt] > ends; place--) order[place] = order[place - 1];
    order[place] = record;
  }

  /** Notes its end. */
  finished({lane}: Launch): void {
    const {order, count} = this;
    const record = lane * width;
    let place = 0;
    while (place < count && order[place] !== record) place++;
    if (place === count) return;
    this.count--;
    for (; place < this.count; place++) order[place] = order[place + 1];
    this.add(record, -1);
  }

  /** Adds a launch to the sums, or takes it off again by a `sign` of -1. */
  private add(record: number, sign: number): void {
    const {launches} = this;
    const sm = sign * launches[record + smOf];
    const bandwidth = sign * launches[record + bandwidthOf];
    const share = sign * Math.max(launches[record + smOf], launches[record + bandwidthOf]);
    this.totalSm += sm;
    this.totalBandwidth += bandwidth;
    this.totalStreams += sign * launches[record + streamsIn];
    if (launches[record + streamsIn] > 1) {
      this.coalescedCount += sign;
      this.coalescedShare += share;
    } else {
      this.singleCount += sign;
      this.singleShare += share;
    }
    const at = this.recordOf(launches[record + programOf]);
    this.ofPrograms[at + endingIn] += sign * launches[record + completeThen];
    if (launches[record + completeThen] === launches[record + streamsIn]) return;
    this.ofPrograms[at + countOf] += sign;
    this.ofPrograms[at + smIn] += sm;
    this.ofPrograms[at + bandwidthIn] += bandwidth;
  }

  /** Where the sums of a program are. */
  private recordOf(program: number): number {
    const at = program * programWidth;
    if (at >= this.ofPrograms.length) {
      const {ofPrograms} = this;
      this.ofPrograms = new Float64Array(2 * at);
      this.ofPrograms.set(ofPrograms);
    }
    return at;
  }

  /** How much of the device the launches in flight would fill together; above 1 they take longer than alone. */
  demand(): number {
    return Math.max(this.totalSm, this.totalBandwidth);
  }

  /** Streams of a program that are complete when their launches end: nobody will coalesce with them. */
  endingOf(program: number): number {
    return this.ofPrograms[this.recordOf(program) + endingIn];
  }

  /**
   * The part of it of launches of a program, or of all others. Launches whose streams are all complete then are others
   * here, whatever they run.
   */
  demandOf(program: number, isOther = false): number {
    const at = this.recordOf(program);
    const sm = this.ofPrograms[at + smIn];
    const bandwidth = this.ofPrograms[at + bandwidthIn];
    return isOther ? Math.max(this.totalSm - sm, this.totalBandwidth - bandwidth) : Math.max(sm, bandwidth);
  }

  /** Whether launches of a program are in flight, or of others, as above. */
  has(program: number, isOther = false): boolean {
    const own = this.ofPrograms[this.recordOf(program) + countOf];
    return isOther ? this.count > own : own > 0;
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
    const {launches, order, count} = this;
    let smLeft = this.totalSm;
    let bandwidthLeft = this.totalBandwidth;
    let at = 0;
    // A launch that fills all of the device waits for all others.
    for (let i = 0; i < count; i++) {
      const ends = launches[order[i] + endsAt];
      if (i > 0 && ends > at && Math.max(smLeft + sm, bandwidthLeft + bandwidth) <= 1) break;
      at = ends;
      smLeft -= launches[order[i] + smOf];
      bandwidthLeft -= launches[order[i] + bandwidthOf];
    }
    return at;
  }

  /** When the next launch is expected to end; Infinity without one. */
  nextEndsAt(): Nanoseconds {
    return this.count === 0 ? Infinity : this.launches[this.order[0] + endsAt];
  }

  /** Whether at least half of the device will be in use once the next launch has ended. */
  isUsedAfterNext(): boolean {
    const {launches, order, count} = this;
    const next = this.nextEndsAt();
    let smLeft = this.totalSm;
    let bandwidthLeft = this.totalBandwidth;
    for (let i = 0; i < count && launches[order[i] + endsAt] === next; i++) {
      smLeft -= launches[order[i] + smOf];
      bandwidthLeft -= launches[order[i] + bandwidthOf];
    }
    return Math.max(smLeft, bandwidthLeft) >= 0.5;
  }

  /** When the last of the launches is expected to end. */
  allEndAt(): Nanoseconds {
    return this.count === 0 ? 0 : this.launches[this.order[this.count - 1] + endsAt];
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
const endsAt = 0;
const smOf = 1;
const bandwidthOf = 2;
const streamsIn = 3;
/** The program that its streams run, and how many of them are complete then. */
const programOf = 4;
const completeThen = 5;

/** Entries of a program's record. */
const programWidth = 4;
/** Its fields: launches that streams run on behind, and what they fill; streams that do not. */
const countOf = 0;
const smIn = 1;
const bandwidthIn = 2;
const endingIn = 3;
