import type {Nanoseconds} from './clock.ts';
import {periodOf} from './period.ts';

/**
 * The kernel sequences that streams run, in one flat array: a stream's cursor is an index into `classes`, and a
 * negative entry ends a program. One load tells both the next class and whether there is one.
 */
export class Programs {
  /** Class ids in order, each program ended by -1. */
  classes = new Int32Array(1024);
  /** Predicted solo time of the kernels from here to the program's end, with the gaps between them, in ns; 0 at the end. */
  remainingNs = new Float64Array(1024);
  /** After how many kernels the program repeats itself that an index is in (`periodOf`). */
  periods = new Uint8Array(1024);
  private length = 0;

  /** Entries in use. */
  get size(): number {
    return this.length;
  }

  /** Adds a program and returns the index of its first kernel. `soloNs[i]` is the predicted duration of kernel i and of the gap behind it. */
  add(classIds: ArrayLike<number>, soloNs: ArrayLike<Nanoseconds>): number {
    const start = this.length;
    const end = start + classIds.length;
    if (end + 1 > this.classes.length) this.grow(end + 1);
    this.classes.set(classIds, start);
    this.classes[end] = -1;
    this.remainingNs[end] = 0;
    this.periods.fill(periodOf(classIds), start, end);
    for (let i = classIds.length - 1; i >= 0; i--) {
      this.remainingNs[start + i] = this.remainingNs[start + i + 1] + soloNs[i];
    }
    this.length = end + 1;
    return start;
  }

  /** How many kernels are left from `cursor` to the end of its program. */
  kernelsLeft(cursor: number): number {
    let n = 0;
    while (this.classes[cursor + n] >= 0) n++;
    return n;
  }

  /** How many kernels from `a` and from `b` on are of equal classes, up to `most`, which are left from `a` on. */
  agreement(a: number, b: number, most: number): number {
    const {classes} = this;
    if (a === b) return most;
    let n = 0;
    while (n < most && classes[a + n] === classes[b + n] && classes[a + n] >= 0) n++;
    return n;
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, 2 * this.classes.length);
    const classes = new Int32Array(capacity);
    classes.set(this.classes);
    this.classes = classes;
    const remaining = new Float64Array(capacity);
    remaining.set(this.remainingNs);
    this.remainingNs = remaining;
    const periods = new Uint8Array(capacity);
    periods.set(this.periods);
    this.periods = periods;
  }
}
