import type {Nanoseconds} from '../scheduler/clock.ts';
import type {ContentionTerms} from '../scheduler/sharingTerms.ts';
import {slowdownAmong} from '../sim/sharing.ts';

/** Kernel runs laid out in time, so that it is known what ran beside each: `count` of them, by index. */
export class CoRunTimeline {
  private readonly count: number;
  /** Starts and ends of the kernel runs, i of the start of i, count + i of its end: in order, and when they are. */
  private readonly order: Uint32Array;
  private readonly times: Float64Array;
  /** By kernel run: where its start and its end are in that order. */
  private readonly place: Uint32Array;
  /** Integral over time of what all add, up to each of the times, */
  private readonly integral: Float64Array;
  /** what they add from each to the next, and the shortage meanwhile. */
  private readonly level: Float64Array;
  private readonly short: Float64Array;
  isArranged = false;

  constructor(count: number) {
    this.count = count;
    this.order = Uint32Array.from({length: 2 * count}, (_, i) => i);
    this.times = new Float64Array(2 * count);
    this.place = new Uint32Array(2 * count);
    this.integral = new Float64Array(2 * count);
    this.level = new Float64Array(2 * count);
    this.short = new Float64Array(2 * count);
  }

  /** `at[i]` is when kernel run i starts, `at[count + i]` when it ends. */
  arrange(at: Float64Array): void {
    const {order, times, place} = this;
    order.sort((a, b) => at[a] - at[b]);
    order.forEach((event, i) => {
      times[i] = at[event];
      place[event] = i;
    });
    this.isArranged = true;
  }

  /** Integrates over time what each kernel run adds while it runs, and keeps how much that is at each time. */
  integrate(added: Float64Array): void {
    const {count, order, times, integral, level} = this;
    let now = 0;
    let sum = 0;
    for (let i = 0, before = times[0]; i < order.length; i++) {
      sum += now * (times[i] - before);
      before = times[i];
      integral[i] = sum;
      const event = order[i];
      now += event < count ? added[event] : -added[event - count];
      level[i] = now;
    }
  }

  /** The mean while a kernel run runs of what was last integrated. */
  meanDuring(i: number): number {
    const {count, place, integral, times} = this;
    const [begin, end] = [place[i], place[count + i]];
    return (integral[end] - integral[begin]) / Math.max(1e-9, times[end] - times[begin]);
  }

  /** From each of the times to the next: what all demand where together they want more than the device has. */
  findShortage(share: Float64Array, exposure: Float64Array): void {
    const {count, order, short} = this;
    let wanted = 0;
    let demand = 0;
    for (let i = 0; i < order.length; i++) {
      const event = order[i];
      const of = event < count ? event : event - count;
      const sign = event < count ? 1 : -1;
      wanted += sign * share[of];
      demand += (sign * share[of]) / exposure[of];
      short[i] = wanted > 1 ? demand : 0;
    }
  }

  /**
   * How many times as long as alone a kernel run of an exposure takes at the mean of the rates beside what was there: pressures
   * are what was last integrated, its own among them.
   */
  slowdown(terms: ContentionTerms, i: number, exposure: number, pressure: number): number {
    const {count, place, times, level, short} = this;
    const [begin, end] = [place[i], place[count + i]];
    let done: Nanoseconds = 0;
    for (let at = begin; at < end; at++) {
      const slowed = slowdownAmong(terms, exposure, Math.max(0, level[at] - pressure), short[at]);
      done += (times[at + 1] - times[at]) / slowed;
    }
    return done > 0 ? (times[end] - times[begin]) / done : 1;
  }
}
