import type {Nanoseconds} from '../scheduler/clock.ts';
import type {ContentionTerms} from '../scheduler/sharingTerms.ts';
import {partsInOrder, pressuresInOrder, slowdownAmong} from '../sim/sharing.ts';
import type {Sharers} from '../sim/sharing.ts';

/** What they take, and whether they hold their places. */
type Shares = Pick<Sharers, 'share' | 'holds'>;

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
  /** By kernel run that holds its place: those that do behind it, each with the share of its time in which it does. */
  private readonly behind = new Map<number, number[]>();
  isArranged = false;

  constructor(count: number) {
    this.count = count;
    this.order = Uint32Array.from({length: 2 * count}, (_, i) => i);
    this.times = new Float64Array(2 * count);
    this.place = new Uint32Array(2 * count);
    this.integral = new Float64Array(2 * count);
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

  /** Integrates over time what each kernel run adds while it runs. */
  integrate(added: Float64Array): void {
    const {count, order, times, integral} = this;
    let now = 0;
    let sum = 0;
    for (let i = 0, before = times[0]; i < order.length; i++) {
      sum += now * (times[i] - before);
      before = times[i];
      integral[i] = sum;
      const event = order[i];
      now += event < count ? added[event] : -added[event - count];
    }
  }

  /** The mean, while a kernel run runs, of what all others `added` that may slow it, as it was last integrated. */
  meanBeside(i: number, added: Float64Array): number {
    const {count, place, integral, times} = this;
    const [begin, end] = [place[i], place[count + i]];
    let mean = (integral[end] - integral[begin]) / Math.max(1e-9, times[end] - times[begin]) - added[i];
    const behind = this.behind.get(i);
    if (behind !== undefined) {
      for (let k = 0; k < behind.length; k += 2) mean -= behind[k + 1] * added[behind[k]];
    }
    return Math.max(0, mean);
  }

  /** Notes which kernel runs that hold their places have others behind them that do. */
  private findBehind(holds: Uint8Array): void {
    const {count, order, times, place, behind} = this;
    behind.clear();
    const holding: number[] = [];
    order.forEach((event, at) => {
      const of = event < count ? event : event - count;
      if (holds[of] === 0) return;
      if (event >= count) {
        const began = holding.indexOf(of);
        if (began >= 0) holding.splice(began, 1);
        return;
      }
      for (const first of holding) {
        const ends = times[place[count + first]];
        const lasts = Math.max(1e-9, ends - times[place[first]]);
        const both = Math.min(ends, times[place[count + of]]) - times[at];
        const known = behind.get(first);
        if (known === undefined) behind.set(first, [of, both / lasts]);
        else known.push(of, both / lasts);
      }
      holding.push(of);
    });
  }

  /**
   * Finds who is behind whom, and writes, by kernel run, for how long it waits, in ns: the time in which it gets nothing of the
   * share that it asks for, as those leave nothing over that began before, and in which it gets less for as much less.
   */
  findWaits(sharers: Shares, out: Float64Array): void {
    this.findBehind(sharers.holds);
    out.fill(0);
    if (sharers.holds.every((holds) => holds === 0)) return;
    this.sweep(sharers, (active, got, ns) => {
      for (const of of active) out[of] += (1 - got[of]) * ns;
    });
  }

  /**
   * Writes, by kernel run, how many times as long as alone it takes, waits left out, at the mean of the rates beside what was
   * there.
   */
  slowdowns(terms: ContentionTerms, sharers: Sharers, out: Float64Array): void {
    const {share, exposure} = sharers;
    const runs = new Float64Array(this.count);
    const felt = new Float64Array(this.count);
    out.fill(0);
    this.sweep(sharers, (active, got, ns) => {
      pressuresInOrder(active.length, active, sharers, terms, got, felt);
      let wanted = 0;
      let demand = 0;
      for (const of of active) {
        wanted += got[of] * share[of];
        demand += (got[of] * share[of]) / exposure[of];
      }
      const short = wanted > 1 ? demand : 0;
      for (const of of active) {
        runs[of] += got[of] * ns;
        out[of] += (got[of] * ns) / slowdownAmong(terms, exposure[of], felt[of], short);
      }
    });
    for (let i = 0; i < this.count; i++) out[i] = out[i] > 0 ? runs[i] / out[i] : 1;
  }

  /** Goes from each of the times to the next, with the kernel runs that last then, in the order in which they began, and what each gets. */
  private sweep(
    shares: Shares,
    each: (active: readonly number[], got: Float64Array, ns: Nanoseconds) => void,
  ): void {
    const {count, order, times} = this;
    const {holds} = shares;
    const active: number[] = [];
    let holding = 0;
    const got = new Float64Array(count).fill(1);
    for (let i = 0, before = times[0]; i < order.length; i++) {
      const ns = times[i] - before;
      if (ns > 0 && active.length > 0) each(active, got, ns);
      before = times[i];
      const event = order[i];
      const isBegin = event < count;
      const of = isBegin ? event : event - count;
      if (isBegin) active.push(of);
      else active.splice(active.indexOf(of), 1);
      // Beside none that holds its place all get what they take, whoever comes or goes.
      if (holding > 0 || holds[of] !== 0) partsInOrder(active.length, active, shares, got);
      if (holds[of] !== 0) holding += isBegin ? 1 : -1;
    }
  }
}
