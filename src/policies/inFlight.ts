import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';

/** What launches fill of the device while they run alone, 0 to 1. */
export interface Fill {
  /** Of the resident blocks. */
  readonly sm: number;
  /** Of the memory bandwidth. */
  readonly bandwidth: number;
}

/** What a policy has in flight: how much of the device every lane's launch fills, and how many streams wait for it. */
export class InFlight {
  private readonly interference: number;
  private readonly sm: Float64Array;
  private readonly bandwidth: Float64Array;
  private readonly streams: Float64Array;
  /** When the lane's launch is expected to end; Infinity without one. */
  private readonly endsAt: Float64Array;
  /** The program that the lane's streams run, -1 without a launch. */
  private readonly program: Int32Array;
  /** Sums over the lanes: of the fills, of the streams. */
  private totalSm = 0;
  private totalBandwidth = 0;
  private totalStreams = 0;
  /** Launches. */
  private count = 0;

  /** `interference` is the slowdown that launches side by side cause each other beyond sharing the device. */
  constructor(lanes: number, interference: number) {
    this.interference = interference;
    this.sm = new Float64Array(lanes);
    this.bandwidth = new Float64Array(lanes);
    this.streams = new Float64Array(lanes);
    this.endsAt = new Float64Array(lanes).fill(Infinity);
    this.program = new Int32Array(lanes).fill(-1);
  }

  /** Notes a launch: what it fills, and the program that its streams run. */
  launched({lane, size, releasedAt, predictedNs}: Launch, {sm, bandwidth}: Fill, program: number): void {
    this.set(lane, sm, bandwidth, size);
    // What joins later delays it further; what ends sooner makes up for that.
    this.endsAt[lane] = releasedAt + this.stretch() * predictedNs;
    this.program[lane] = program;
  }

  /** Notes its end. */
  finished({lane}: Launch): void {
    this.program[lane] = -1;
    this.set(lane, 0, 0, 0);
    this.endsAt[lane] = Infinity;
  }

  /** How much of the device is in use, 0 to 1. */
  use(): number {
    return Math.min(1, this.demand());
  }

  /** How much of the device the launches in flight would fill together; above 1 they take longer than alone. */
  demand(): number {
    return Math.max(this.totalSm, this.totalBandwidth);
  }

  /** The part of it of launches of a program, or of all others. */
  demandOf(program: number, isOther = false): number {
    let sm = 0;
    let bandwidth = 0;
    for (let lane = 0; lane < this.sm.length; lane++) {
      if ((this.program[lane] === program) === isOther) continue;
      sm += this.sm[lane];
      bandwidth += this.bandwidth[lane];
    }
    return Math.max(sm, bandwidth);
  }

  /** Streams in launches of a program, or in all. */
  streamsOf(program?: number): number {
    if (program === undefined) return this.totalStreams;
    let n = 0;
    for (let lane = 0; lane < this.program.length; lane++)
      if (this.program[lane] === program) n += this.streams[lane];
    return n;
  }

  /** Whether blocks or bandwidth are left over. */
  hasIdle(): boolean {
    return Math.min(this.totalSm, this.totalBandwidth) < 0.75;
  }

  /**
   * Whether to launch what would complete `streams` after `ns` beside what is in flight, rather than once that has left
   * enough of the device. Side by side until then, the newcomers gain the wait less what they are slowed by; the `others`
   * who wait gain the device time that would have been idle, also the `gapNs` until the host has reacted to an end that
   * leaves little in flight; the streams in flight lose what the newcomers take.
   */
  isWorthBeside(
    fill: Fill,
    ns: Nanoseconds,
    streams: number,
    others: number,
    gapNs: Nanoseconds,
    {now}: Situation,
  ): boolean {
    const {sm, bandwidth} = fill;
    const demand = this.demand();
    const together = Math.max(this.totalSm + sm, this.totalBandwidth + bandwidth);
    if (together <= 1) return true;
    const wait = this.leavesAt(fill) - now;
    const before = this.slowdown(demand, this.count);
    const after = this.slowdown(together, this.count + 1);
    const beside = ns * after <= wait ? ns * after : wait + ns - wait / after;
    const overlap = Math.min(wait, beside);
    const gained = wait + ns - beside;
    // To first order: what this delays shares the device a little longer. Counted too, it makes for too much waiting.
    const lost = overlap * (1 - before / after);
    const saved = overlap * Math.max(0, 1 - demand) + (this.isUsedAfterNext() ? 0 : gapNs);
    return streams * gained + others * saved > this.totalStreams * lost;
  }

  /** When so much will have ended that what is left and `fill` do not exceed the device. */
  private leavesAt({sm, bandwidth}: Fill): Nanoseconds {
    const {endsAt} = this;
    let smLeft = this.totalSm;
    let bandwidthLeft = this.totalBandwidth;
    let at = 0;
    // A launch that fills all of the device waits for all others.
    while (Math.max(smLeft + sm, bandwidthLeft + bandwidth) > 1) {
      let next = -1;
      for (let lane = 0; lane < endsAt.length; lane++) {
        const ends = endsAt[lane];
        if (ends < Infinity && ends > at && (next < 0 || ends < endsAt[next])) next = lane;
      }
      if (next < 0) break;
      at = endsAt[next];
      for (let lane = 0; lane < endsAt.length; lane++) {
        if (endsAt[lane] !== at) continue;
        smLeft -= this.sm[lane];
        bandwidthLeft -= this.bandwidth[lane];
      }
    }
    return at;
  }

  /** When the next launch is expected to end. */
  nextEndsAt(): Nanoseconds {
    let at = Infinity;
    for (let lane = 0; lane < this.endsAt.length; lane++) at = Math.min(at, this.endsAt[lane]);
    return at;
  }

  /** Whether at least half of the device will be in use once the next launch has ended. */
  isUsedAfterNext(): boolean {
    const at = this.nextEndsAt();
    let sm = 0;
    let bandwidth = 0;
    for (let lane = 0; lane < this.endsAt.length; lane++) {
      if (this.endsAt[lane] === at) continue;
      sm += this.sm[lane];
      bandwidth += this.bandwidth[lane];
    }
    return Math.max(sm, bandwidth) >= 0.5;
  }

  /** When the last of the launches is expected to end. */
  allEndAt(): Nanoseconds {
    let at = 0;
    for (let lane = 0; lane < this.endsAt.length; lane++)
      if (this.endsAt[lane] < Infinity) at = Math.max(at, this.endsAt[lane]);
    return at;
  }

  private stretch(): number {
    return Math.max(this.demand(), 1 + this.interference * this.use());
  }

  /** How much longer each of `count` launches takes that would fill `demand` of the device together. */
  private slowdown(demand: number, count: number): number {
    const neighbours = count > 1 ? Math.min(1, (demand * (count - 1)) / count) : 0;
    return Math.max(1, demand, 1 + this.interference * neighbours);
  }

  private set(lane: number, sm: number, bandwidth: number, streams: number): void {
    this.sm[lane] = sm;
    this.bandwidth[lane] = bandwidth;
    this.streams[lane] = streams;
    // Summed afresh, so that rounding does not pile up.
    this.totalSm = 0;
    this.totalBandwidth = 0;
    this.totalStreams = 0;
    this.count = 0;
    for (let i = 0; i < this.sm.length; i++) {
      this.totalSm += this.sm[i];
      this.totalBandwidth += this.bandwidth[i];
      this.totalStreams += this.streams[i];
      if (this.streams[i] > 0) this.count++;
    }
  }
}
