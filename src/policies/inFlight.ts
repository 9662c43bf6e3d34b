import type {Nanoseconds} from '../scheduler/clock.ts';
import {pressureTogether, slowdownBeside} from '../scheduler/sharingTerms.ts';
import {inUnits} from '../scheduler/shareUnits.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';
import {coalesced, holding, kinds, single} from '../scheduler/launchKinds.ts';
import type {ObservedSharing} from './observedSharing.ts';

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
  private readonly sharing: ObservedSharing;
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
  /** By kind: launches, what they take of the device, and that over time until `summedTo`, in ns. */
  private readonly counts = new Int32Array(kinds);
  private readonly shares = new Float64Array(kinds);
  private readonly sums = new Float64Array(kinds);
  private summedTo: Nanoseconds = 0;
  /** By kind: the mean of what was in flight beside one. */
  private readonly meanwhile = new Float64Array(kinds);
  /** By lane and kind: that sum when the lane's launch began. */
  private readonly sumsThen: Float64Array;
  /** Sums over those of a program: records by program. */
  private ofPrograms = new Float64Array(16 * programWidth);

  /** `sharing` tells how launches side by side slow each other. */
  constructor(lanes: number, sharing: ObservedSharing) {
    this.sharing = sharing;
    this.launches = new Float64Array(lanes * width);
    this.order = new Int32Array(lanes);
    this.sumsThen = new Float64Array(lanes * kinds);
  }

  /** Notes a launch: what it fills, its kind, the program that its streams run, and how many of them are complete then. */
  launched(
    {lane, size, releasedAt, predictedNs}: Launch,
    {sm, bandwidth}: Fill,
    kind: number,
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
    launches[record + kindAt] = kind;
    this.sumUp(releasedAt);
    for (let of = 0; of < kinds; of++) this.sumsThen[lane * kinds + of] = this.sums[of];
    this.add(record, 1);
    // What joins later delays it further; what ends sooner makes up for that.
    const ends = releasedAt + this.slowdown(kind, Math.max(sm, bandwidth)) * predictedNs;
    launches[record + endsAt] = ends;
    let place = this.count++;
    for (; place > 0 && launches[order[place - 1] + endsAt] > ends; place--) order[place] = order[place - 1];
    order[place] = record;
  }

  /** Notes its end. */
  finished(launch: Launch): void {
    const {order, count} = this;
    const record = launch.lane * width;
    let place = 0;
    while (place < count && order[place] !== record) place++;
    if (place === count) return;
    this.count--;
    for (; place < this.count; place++) order[place] = order[place + 1];
    this.sumUp(launch.endedAt);
    if (!launch.failed) this.learn(record, launch);
    this.add(record, -1);
  }

  /** Adds up what was in flight until now. */
  private sumUp(now: Nanoseconds): void {
    const ns = now - this.summedTo;
    if (!(ns > 0)) return;
    for (let kind = 0; kind < kinds; kind++) this.sums[kind] += ns * this.shares[kind];
    this.summedTo = now;
  }

  /** What the launch took tells how much those slowed it that were in flight meanwhile. */
  private learn(record: number, {lane, releasedAt, endedAt, predictedNs}: Launch): void {
    const {launches, sums, sumsThen, sharing, meanwhile} = this;
    const ns = endedAt - releasedAt;
    if (!(ns > 0)) return;
    for (let kind = 0; kind < kinds; kind++)
      meanwhile[kind] = (sums[kind] - sumsThen[lane * kinds + kind]) / ns;
    const share = Math.max(launches[record + smOf], launches[record + bandwidthOf]);
    const kind = launches[record + kindAt];
    const felt = this.felt(kind, share, meanwhile);
    const ofSingles = meanwhile[single] / sumOf(meanwhile);
    sharing.seen(kind, ns, predictedNs, felt, this.leastSlowdown(kind, meanwhile), ofSingles);
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
    const kind = launches[record + kindAt];
    this.counts[kind] += sign;
    this.shares[kind] += share;
    const at = this.recordOf(launches[record + programOf]);
    this.ofPrograms[at + endingIn] += sign * launches[record + completeThen];
    this.ofPrograms[at + allSmIn] += sm;
    this.ofPrograms[at + allBandwidthIn] += bandwidth;
    if (launches[record + completeThen] === launches[record + streamsIn]) return;
    this.ofPrograms[at + countOf] += sign;
    this.ofPrograms[at + joinableIn] += sign * launches[record + streamsIn];
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

  /** How many times the device the launches in flight would take together, each what it takes alone. */
  taken(): number {
    return sumOf(this.shares);
  }

  /** Streams of a program that are complete when their launches end: nobody will coalesce with them. */
  endingOf(program: number): number {
    return this.ofPrograms[this.recordOf(program) + endingIn];
  }

  /** Launches of a program that its streams run on behind. */
  launchesOf(program: number): number {
    return this.ofPrograms[this.recordOf(program) + countOf];
  }

  /** Streams of a program in launches that they run on behind: those who are ready may coalesce with them. */
  joinableOf(program: number): number {
    return this.ofPrograms[this.recordOf(program) + joinableIn];
  }

  /** The part of it of launches of a program that its streams run on behind. */
  demandOf(program: number): number {
    const at = this.recordOf(program);
    return Math.max(this.ofPrograms[at + smIn], this.ofPrograms[at + bandwidthIn]);
  }

  /** The part of it of other programs' launches, and of the program's own whose streams are all complete then, if those count. */
  demandBeside(program: number, doCompleteCount: boolean): number {
    const at = this.recordOf(program);
    const sm = this.ofPrograms[at + (doCompleteCount ? smIn : allSmIn)];
    const bandwidth = this.ofPrograms[at + (doCompleteCount ? bandwidthIn : allBandwidthIn)];
    return Math.max(this.totalSm - sm, this.totalBandwidth - bandwidth);
  }

  /** Whether launches of a program are in flight, or of others: those whose streams are all complete then are others, whatever they run. */
  has(program: number, isOther = false): boolean {
    const own = this.ofPrograms[this.recordOf(program) + countOf];
    return isOther ? this.count > own : own > 0;
  }

  /** Whether blocks or bandwidth are left over. */
  hasIdle(): boolean {
    return Math.min(this.totalSm, this.totalBandwidth) < 0.75;
  }

  /**
   * Whether to launch what, of a `kind`, would complete `streams` after `ns` beside what is in flight, rather than once that has left
   * enough of the device. Side by side until then, the newcomers gain the wait less what they are slowed by; the `others`
   * who wait gain the device time that would have been idle or lost to neighbours who wait for each other, also the
   * `gapNs` until the host has reacted to an end that leaves little in flight; the streams in flight lose what the
   * newcomers take.
   */
  isWorthBeside(
    fill: Fill,
    kind: number,
    ns: Nanoseconds,
    streams: number,
    others: number,
    gapNs: Nanoseconds,
    {now}: Situation,
  ): boolean {
    const {shares} = this;
    const share = Math.max(fill.sm, fill.bandwidth);
    if (sumOf(shares) + share <= roomy) return true;
    const wait = this.leavesAt(fill) - now;
    const doneBefore = this.progress();
    const after = this.slowdownOfNewcomer(kind, share);
    const doneAfter = this.progress(kind, share);
    const beside = ns * after <= wait ? ns * after : wait + ns - wait / after;
    const overlap = Math.min(wait, beside);
    const gained = wait + ns - beside;
    // To first order: what this delays shares the device a little longer.
    const lost = overlap * (1 - doneAfter / doneBefore);
    const more = Math.max(0, doneAfter + share / after - doneBefore);
    const saved = overlap * more + (this.isUsedAfterNext(gapNs) ? 0 : gapNs);
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

  /** When the next launch is expected to end, of a program that its streams run on behind or of all; Infinity without one. */
  nextEndsAt(program = -1): Nanoseconds {
    const {launches, order, count} = this;
    for (let i = 0; i < count; i++) {
      const record = order[i];
      if (program < 0) return launches[record + endsAt];
      const isJoinable = launches[record + completeThen] < launches[record + streamsIn];
      if (isJoinable && launches[record + programOf] === program) return launches[record + endsAt];
    }
    return Infinity;
  }

  /** Whether at least half of the device will be in use once the next launch has ended, for `gapNs` from then on. */
  isUsedAfterNext(gapNs: Nanoseconds): boolean {
    const {launches, order, count} = this;
    const next = this.nextEndsAt();
    let smLeft = this.totalSm;
    let bandwidthLeft = this.totalBandwidth;
    for (let i = 0; i < count && launches[order[i] + endsAt] <= next + gapNs; i++) {
      smLeft -= launches[order[i] + smOf];
      bandwidthLeft -= launches[order[i] + bandwidthOf];
    }
    return Math.max(smLeft, bandwidthLeft) >= 0.5;
  }

  /** When the last of the launches is expected to end. */
  allEndAt(): Nanoseconds {
    return this.count === 0 ? 0 : this.launches[this.order[this.count - 1] + endsAt];
  }

  /** How much work on the device the launches in flight do in a time, beside one more of a kind that takes a share. */
  private progress(newKind = 0, newShare = 0): number {
    const {counts, shares} = this;
    let done = 0;
    for (let kind = 0; kind < kinds; kind++) {
      if (counts[kind] === 0) continue;
      const all = shares[kind];
      shares[newKind] += newShare;
      done += all / this.slowdown(kind, all / counts[kind]);
      shares[newKind] -= newShare;
    }
    return done;
  }

  /** How much longer a launch of a kind takes that takes a share of the device, beside what is in flight. */
  slowdownOfNewcomer(kind: number, share: number): number {
    this.shares[kind] += share;
    const slowed = this.slowdown(kind, share);
    this.shares[kind] -= share;
    return slowed;
  }

  /** How much longer one of the launches in flight takes, of a kind, that takes a `share` of the device. */
  private slowdown(kind: number, share: number): number {
    const {sharing, shares} = this;
    const terms = sharing.of(kind);
    const slowed = slowdownBeside(terms, sharing.exposure(kind), this.felt(kind, share, shares));
    return Math.max(slowed, this.leastSlowdown(kind, shares));
  }

  /** What presses on a launch of a kind that takes a `share` of the device, where all of a kind take what `shares` says. */
  private felt(kind: number, share: number, shares: Float64Array): number {
    const {sharing} = this;
    const exposure = sharing.exposure(coalesced);
    const singles = kind === single ? Math.max(0, shares[single] - share) : shares[single];
    const loose = kind === coalesced ? Math.max(0, shares[coalesced] - share) : shares[coalesced];
    // Those behind one that holds its place do not slow it: on average, half of them.
    const held = kind === holding ? Math.max(0, shares[holding] - share) / 2 : shares[holding];
    return pressureTogether(sharing.of(kind), singles, (loose + held) / exposure);
  }

  /** How much longer a launch takes at least where all together want more than the device has. */
  private leastSlowdown(kind: number, shares: Float64Array): number {
    if (sumOf(shares) <= 1) return 1;
    const exposure = this.sharing.exposure(coalesced);
    const demand = shares[single] + (shares[coalesced] + shares[holding]) / exposure;
    return this.sharing.exposure(kind) * demand;
  }
}

const sumOf = (shares: Float64Array): number => shares[single] + shares[coalesced] + shares[holding];

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
/** Its kind. */
const kindAt = 6;

/** Entries of a program's record. */
const programWidth = 7;
/** Its fields: launches that streams run on behind, what they fill, and their streams; streams that do not; what all its launches fill. */
const countOf = 0;
const smIn = 1;
const bandwidthIn = 2;
const endingIn = 3;
const joinableIn = 4;
const allSmIn = 5;
const allBandwidthIn = 6;
