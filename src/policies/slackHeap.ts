import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Streams} from '../scheduler/streams.ts';
import {streamStates} from '../scheduler/streams.ts';

/** Entries before the first sweep. */
const firstSweep = 64;

/**
 * Ready kernels, the one that has to start first on top; among equals the one that was pushed first. A kernel's latest
 * start does not change while it is ready, so its key is set once. Kernels that were launched, held or dropped since are
 * skipped when they surface, and swept out when they are more than half of the heap.
 */
export class SlackHeap {
  /** Records, so that what is used together is in one line of the cache. */
  private entries = new Float64Array(firstSweep * width);
  /** Entries, those included that have gone since. */
  size = 0;
  private pushed = 0;
  private sweepAt = firstSweep;

  push(slot: number, latestStart: Nanoseconds, streams: Streams): void {
    if (this.size === this.sweepAt) this.sweep(streams);
    this.raise(this.size++, latestStart, this.pushed++, slot, streams.stamp[slot]);
  }

  /** The ready kernel that has to start first, or -1. */
  top(streams: Streams): number {
    while (this.size > 0) {
      if (this.isLive(0, streams)) return this.entries[slotOf];
      this.pop();
    }
    return -1;
  }

  /** Takes out and returns what `top` returns. */
  take(streams: Streams): number {
    const slot = this.top(streams);
    if (slot >= 0) this.pop();
    return slot;
  }

  private isLive(i: number, streams: Streams): boolean {
    const {entries} = this;
    const slot = entries[i * width + slotOf];
    return streams.stamp[slot] === entries[i * width + stampOf] && streams.state[slot] === streamStates.ready;
  }

  private pop(): void {
    const last = --this.size;
    if (last > 0) this.sinkEntry(0, last, last);
  }

  /** Drops what is no longer ready. At least as many pushes follow before the next sweep, so a push stays O(log n). */
  private sweep(streams: Streams): void {
    let live = 0;
    for (let i = 0; i < this.size; i++) if (this.isLive(i, streams)) this.copy(i, live++);
    this.size = live;
    for (let i = (live >> 1) - 1; i >= 0; i--) this.sinkEntry(i, i, live);
    this.sweepAt = Math.max(firstSweep, 2 * live);
    if (this.sweepAt * width <= this.entries.length) return;
    const {entries} = this;
    this.entries = new Float64Array(this.sweepAt * width);
    this.entries.set(entries);
  }

  private raise(hole: number, key: Nanoseconds, order: number, slot: number, stamp: number): void {
    const {entries} = this;
    let i = hole;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // A new entry goes behind its equals.
      if (entries[parent * width] <= key) break;
      this.copy(parent, i);
      i = parent;
    }
    this.put(i, key, order, slot, stamp);
  }

  /** Sinks the entry at `from` into the heap below a hole. */
  private sinkEntry(hole: number, from: number, size: number): void {
    const {entries} = this;
    const at = from * width;
    this.sink(hole, entries[at], entries[at + orderOf], entries[at + slotOf], entries[at + stampOf], size);
  }

  private sink(
    hole: number,
    key: Nanoseconds,
    order: number,
    slot: number,
    stamp: number,
    size: number,
  ): void {
    const {entries} = this;
    let i = hole;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      let at = child * width;
      const right = at + width;
      if (
        child + 1 < size &&
        (entries[right] < entries[at] ||
          (entries[right] === entries[at] && entries[right + orderOf] < entries[at + orderOf]))
      ) {
        child++;
        at = right;
      }
      if (entries[at] > key || (entries[at] === key && entries[at + orderOf] > order)) break;
      this.copy(child, i);
      i = child;
    }
    this.put(i, key, order, slot, stamp);
  }

  private copy(from: number, to: number): void {
    const {entries} = this;
    const at = from * width;
    this.put(to, entries[at], entries[at + orderOf], entries[at + slotOf], entries[at + stampOf]);
  }

  private put(i: number, key: Nanoseconds, order: number, slot: number, stamp: number): void {
    const {entries} = this;
    const at = i * width;
    entries[at] = key;
    entries[at + orderOf] = order;
    entries[at + slotOf] = slot;
    entries[at + stampOf] = stamp;
  }
}

/** Entries of a record; its fields, behind the latest start. */
const width = 4;
const orderOf = 1;
const slotOf = 2;
const stampOf = 3;
