import type {Nanoseconds} from '../scheduler/clock.ts';

/** Weight of the newest gap: the mean remembers some eight arrivals, enough to follow a burst. */
const weight = 1 / 8;

/**
 * How often kernels of a group become ready, by an exponentially weighted mean of the gaps. Where nothing has come for
 * longer than that, the time since the last one bounds the rate, so that a source which has stopped is not waited for.
 */
export class RateMeter {
  private lastAt = Float64Array.from({length: 64}, () => -1);
  private gapNs = Float64Array.from({length: 64}, () => Infinity);

  record(group: number, at: Nanoseconds): void {
    if (group >= this.lastAt.length) this.grow(group);
    const last = this.lastAt[group];
    this.lastAt[group] = at;
    if (last < 0) return;
    const mean = this.gapNs[group];
    this.gapNs[group] = mean === Infinity ? at - last : mean + weight * (at - last - mean);
  }

  /** Expected time between two arrivals as of `now`; Infinity while fewer than two have been seen. */
  expectedGapNs(group: number, now: Nanoseconds): Nanoseconds {
    if (group >= this.lastAt.length || this.lastAt[group] < 0) return Infinity;
    return Math.max(this.gapNs[group], now - this.lastAt[group]);
  }

  /** When the last arrival was; -1 before the first. */
  lastArrivalAt(group: number): Nanoseconds {
    return group < this.lastAt.length ? this.lastAt[group] : -1;
  }

  private grow(group: number): void {
    const {lastAt, gapNs} = this;
    this.lastAt = new Float64Array(2 * group).fill(-1);
    this.gapNs = new Float64Array(2 * group).fill(Infinity);
    this.lastAt.set(lastAt);
    this.gapNs.set(gapNs);
  }
}
