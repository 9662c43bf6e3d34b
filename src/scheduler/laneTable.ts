import type {Nanoseconds} from './clock.ts';
import {DeviceError} from './errors.ts';
import type {Lanes} from './policy.ts';

/** The lanes' state; the scheduler writes it. */
export class LaneTable implements Lanes {
  readonly count: number;
  readonly depth: number;
  readonly outstanding: Int32Array;
  readonly freeAt: Float64Array;
  inFlight = 0;
  /** A bit for every lane that holds nothing. */
  private readonly idleLanes: Int32Array;

  constructor(count: number, depth: number) {
    if (!(count > 0 && depth > 0))
      throw new DeviceError(`invalid device: ${count} lanes of depth ${depth} (expected at least 1 of 1)`);
    this.count = count;
    this.depth = depth;
    this.outstanding = new Int32Array(count);
    this.freeAt = new Float64Array(count);
    this.idleLanes = new Int32Array(Math.ceil(count / 32));
    for (let lane = 0; lane < count; lane++) this.idleLanes[lane >> 5] |= 1 << (lane & 31);
  }

  idle(): number {
    const {idleLanes} = this;
    for (let word = 0; word < idleLanes.length; word++) {
      const bits = idleLanes[word];
      if (bits !== 0) return 32 * word + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }

  /** A launch goes to the lane. */
  add(lane: number, now: Nanoseconds, predictedNs: Nanoseconds): void {
    const freeAt = this.freeAt[lane];
    this.freeAt[lane] = (freeAt > now ? freeAt : now) + predictedNs;
    if (this.outstanding[lane]++ === 0) this.idleLanes[lane >> 5] &= ~(1 << (lane & 31));
    this.inFlight++;
  }

  /** A launch of the lane has been seen to complete. */
  remove(lane: number, now: Nanoseconds): void {
    this.inFlight--;
    if (--this.outstanding[lane] > 0) return;
    this.freeAt[lane] = now;
    this.idleLanes[lane >> 5] |= 1 << (lane & 31);
  }
}
