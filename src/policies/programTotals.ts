import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Programs} from '../scheduler/programs.ts';

const SINGLE = methods.indexOf('single');
const BATCHED = methods.indexOf('batched');
const GROUPED = methods.indexOf('grouped');

/** What the profile predicts of all kernels from one on to the program's end, each run with as many members. */
export interface Totals {
  /** Device time alone. */
  durationNs: Nanoseconds;
  /** The same weighted by the share of the resident blocks, and of the memory bandwidth, that it takes. */
  smNs: Nanoseconds;
  bandwidthNs: Nanoseconds;
  /** Host time of all kernels as further steps of a launch. */
  followNs: Nanoseconds;
  /** By which method. */
  method: number;
}

/** Sums by number of members, filled when first asked for. */
interface Sums {
  readonly durationNs: Float64Array;
  readonly smNs: Float64Array;
  readonly bandwidthNs: Float64Array;
  readonly followNs: Float64Array;
  /** The method's index + 1; 0: not asked for yet. */
  readonly method: Uint8Array;
}

/** Sums of costs over the rest of a program, so that a plan for hundreds of kernels costs as much as one for two. */
export class ProgramTotals {
  private readonly programs: Programs;
  private readonly costs: Costs;
  private readonly sums: (Sums | undefined)[] = [];

  constructor(programs: Programs, costs: Costs) {
    this.programs = programs;
    this.costs = costs;
  }

  /** Writes the totals from `cursor` on with `size` members into `out`. */
  read(cursor: number, size: number, out: Totals): void {
    let sums = this.sums[size];
    if (sums === undefined || cursor >= sums.method.length) sums = this.grow(size);
    if (sums.method[cursor] === 0) this.add(cursor, size, sums);
    out.durationNs = sums.durationNs[cursor];
    out.smNs = sums.smNs[cursor];
    out.bandwidthNs = sums.bandwidthNs[cursor];
    out.followNs = sums.followNs[cursor];
    out.method = sums.method[cursor] - 1;
  }

  /** The most kernels from `cursor` on that take no longer than `ns`, at least one; `left` are left. */
  within(cursor: number, size: number, left: number, ns: Nanoseconds): number {
    const {durationNs} = this.sums[size]!;
    const least = durationNs[cursor] - ns;
    let fits = 1;
    let most = left;
    while (fits < most) {
      const middle = (fits + most + 1) >> 1;
      if (durationNs[cursor + middle] >= least) fits = middle;
      else most = middle - 1;
    }
    return fits;
  }

  /** Sums backwards from the program's end, as far as nobody has done so before. */
  private add(cursor: number, size: number, sums: Sums): void {
    const {costs} = this;
    const {classes} = this.programs;
    let end = cursor;
    while (classes[end] >= 0 && sums.method[end] === 0) end++;
    const method = this.method(cursor, size);
    for (let i = end - 1; i >= cursor; i--) {
      const cls = classes[i];
      const ns = costs.durationNs(cls, size, method);
      sums.durationNs[i] = sums.durationNs[i + 1] + ns;
      sums.smNs[i] = sums.smNs[i + 1] + ns * costs.smShare(cls, size, method);
      sums.bandwidthNs[i] = sums.bandwidthNs[i + 1] + ns * costs.bandwidthShare(cls, size, method);
      sums.followNs[i] = sums.followNs[i + 1] + costs.followNs(cls, size, method);
      sums.method[i] = method + 1;
    }
  }

  /**
   * A launch runs all its steps by one method. Batched, unless grouped is best for all: not every kernel has it.
   * Launching members one by one coalesces nothing.
   */
  private method(cursor: number, size: number): number {
    if (size === 1) return SINGLE;
    const {classes} = this.programs;
    for (let i = cursor; classes[i] >= 0; i++)
      if (this.costs.bestMethod(classes[i], size) !== GROUPED) return BATCHED;
    return GROUPED;
  }

  private grow(size: number): Sums {
    const {length} = this.programs.classes;
    const old = this.sums[size];
    const larger = <T extends Float64Array | Uint8Array>(made: T, from: T | undefined): T => {
      if (from !== undefined) made.set(from);
      return made;
    };
    return (this.sums[size] = {
      durationNs: larger(new Float64Array(length), old?.durationNs),
      smNs: larger(new Float64Array(length), old?.smNs),
      bandwidthNs: larger(new Float64Array(length), old?.bandwidthNs),
      followNs: larger(new Float64Array(length), old?.followNs),
      method: larger(new Uint8Array(length), old?.method),
    });
  }
}
