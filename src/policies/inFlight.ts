import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';

/** From an end until the host has seen it and decided: an end that is due is no reason not to use what is idle. */
const overdueNs: Nanoseconds = 15_000;

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
  /** Whether it ends its requests, so that their streams will not be back. */
  private readonly isLast: Uint8Array;
  /** Sums over the lanes: of the fills, of the larger of the two, of the streams. */
  private totalSm = 0;
  private totalBandwidth = 0;
  private totalLarger = 0;
  private totalStreams = 0;

  /** `interference` is the slowdown that launches side by side cause each other beyond sharing the device. */
  constructor(lanes: number, interference: number) {
    this.interference = interference;
    this.sm = new Float64Array(lanes);
    this.bandwidth = new Float64Array(lanes);
    this.streams = new Float64Array(lanes);
    this.endsAt = new Float64Array(lanes).fill(Infinity);
    this.isLast = new Uint8Array(lanes);
  }

  /** Notes a launch: what it fills, and whether it ends its requests. */
  launched({lane, size, predictedNs, releasedAt}: Launch, {sm, bandwidth}: Fill, isLast: boolean): void {
    this.set(lane, sm, bandwidth, size);
    // What joins later delays it further; what ends sooner makes up for that.
    this.endsAt[lane] = releasedAt + this.stretch() * predictedNs;
    this.isLast[lane] = isLast ? 1 : 0;
  }

  finished(lane: number): void {
    this.set(lane, 0, 0, 0);
    this.endsAt[lane] = Infinity;
  }

  /** How much of the device is in use, 0 to 1. */
  use(): number {
    return Math.min(1, Math.max(this.totalSm, this.totalBandwidth));
  }

  /** Whether blocks or bandwidth are left over. */
  hasIdle(): boolean {
    return Math.min(this.totalSm, this.totalBandwidth) < 0.75;
  }

  /**
   * Whether to launch what would complete `streams` after `ns` beside what is in flight, rather than when the next
   * launch has ended. With both side by side for the shorter of the two times, the newcomers gain the wait; the `others`
   * who wait gain the device time that would have been idle; the streams in flight lose what they are slowed by.
   */
  isWorthBeside(
    fill: Fill,
    ns: Nanoseconds,
    streams: number,
    others: number,
    {lanes, now}: Situation,
  ): boolean {
    const {sm, bandwidth} = fill;
    const slowed = 1 + this.interference * this.use();
    const before = Math.max(1, this.totalSm, this.totalBandwidth) * (lanes.inFlight > 1 ? slowed : 1);
    const after = Math.max(1, this.totalSm + sm, this.totalBandwidth + bandwidth) * slowed;
    const stretch = after / before;
    const left = this.nextEndsAt() - now;
    const wait = left > 0 ? left : overdueNs;
    const overlap = Math.min(ns, wait);
    const lost = overlap * (stretch - 1);
    const progress = (this.totalLarger + Math.max(sm, bandwidth)) / Math.max(this.totalLarger, 0.01);
    const saved = overlap * (progress - stretch);
    return streams * (wait - lost) + others * saved > this.totalStreams * lost;
  }

  /** When the next launch is expected to end. */
  nextEndsAt(): Nanoseconds {
    let at = Infinity;
    for (let lane = 0; lane < this.endsAt.length; lane++) at = Math.min(at, this.endsAt[lane]);
    return at;
  }

  /** When the next launch is expected to end that ends its requests; Infinity if there is none. */
  lastEndsAt(): Nanoseconds {
    let at = Infinity;
    for (let lane = 0; lane < this.endsAt.length; lane++)
      if (this.isLast[lane]) at = Math.min(at, this.endsAt[lane]);
    return at;
  }

  /** When the last of the launches is expected to end. */
  allEndAt(): Nanoseconds {
    let at = 0;
    for (let lane = 0; lane < this.endsAt.length; lane++)
      if (this.endsAt[lane] < Infinity) at = Math.max(at, this.endsAt[lane]);
    return at;
  }

  private stretch(): number {
    return Math.max(1, this.totalSm, this.totalBandwidth) * (1 + this.interference * this.use());
  }

  private set(lane: number, sm: number, bandwidth: number, streams: number): void {
    this.sm[lane] = sm;
    this.bandwidth[lane] = bandwidth;
    this.streams[lane] = streams;
    // Summed afresh, so that rounding does not pile up.
    this.totalSm = 0;
    this.totalBandwidth = 0;
    this.totalLarger = 0;
    this.totalStreams = 0;
    for (let i = 0; i < this.sm.length; i++) {
      this.totalSm += this.sm[i];
      this.totalBandwidth += this.bandwidth[i];
      this.totalLarger += Math.max(this.sm[i], this.bandwidth[i]);
      this.totalStreams += this.streams[i];
    }
  }
}
