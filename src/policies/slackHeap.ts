import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Streams} from '../scheduler/streams.ts';
import {streamStates} from '../scheduler/streams.ts';

/**
 * Ready kernels, the one that has to start first on top; among equals the one that was pushed first. A kernel's latest
 * start does not change while it is ready, so its key is set once. Kernels that were launched, held or dropped since are
 * skipped when they surface, and swept out when they are more than half of the heap.
 */
export class SlackHeap {
  private key = new Float64Array(256);
  private order = new Float64Array(256);
  private slot = new Int32Array(256);
  private stamp = new Uint32Array(256);
  /** Entries, those included that have gone since. */
  size = 0;
  private pushed = 0;
  private sweepAt = 256;

  push(slot: number, latestStart: Nanoseconds, streams: Streams): void {
    if (this.size === this.sweepAt) this.sweep(streams);
    this.raise(this.size++, latestStart, this.pushed++, slot, streams.stamp[slot]);
  }

  /** The ready kernel that has to start first, or -1. */
  top(streams: Streams): number {
    while (this.size > 0) {
      const slot = this.slot[0];
      if (this.isLive(0, streams)) return slot;
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
    const slot = this.slot[i];
    return streams.stamp[slot] === this.stamp[i] && streams.state[slot] === streamStates.ready;
  }

  private pop(): void {
    const last = --this.size;
    if (last > 0) this.sink(0, this.key[last], this.order[last], this.slot[last], this.stamp[last], last);
  }

  /** Drops what is no longer ready. At least as many pushes follow before the next sweep, so a push stays O(log n). */
  private sweep(streams: Streams): void {
    let live = 0;
    for (let i = 0; i < this.size; i++) {
      if (this.isLive(i, streams)) this.put(live++, this.key[i], this.order[i], this.slot[i], this.stamp[i]);
    }
    this.size = live;
    for (let i = (live >> 1) - 1; i >= 0; i--)
      this.sink(i, this.key[i], this.order[i], this.slot[i], this.stamp[i], live);
    this.sweepAt = Math.max(256, 2 * live);
    if (this.sweepAt <= this.key.length) return;
    const {key, order, slot, stamp} = this;
    this.key = new Float64Array(this.sweepAt);
    this.order = new Float64Array(this.sweepAt);
    this.slot = new Int32Array(this.sweepAt);
    this.stamp = new Uint32Array(this.sweepAt);
    this.key.set(key);
    this.order.set(order);
    this.slot.set(slot);
    this.stamp.set(stamp);
  }

  private raise(hole: number, key: Nanoseconds, order: number, slot: number, stamp: number): void {
    let i = hole;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // A new entry goes behind its equals.
      if (this.key[parent] <= key) break;
      this.copy(parent, i);
      i = parent;
    }
    this.put(i, key, order, slot, stamp);
  }

  private sink(
    hole: number,
    key: Nanoseconds,
    order: number,
    slot: number,
    stamp: number,
    size: number,
  ): void {
    const keys = this.key;
    let i = hole;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        (keys[right] < keys[child] || (keys[right] === keys[child] && this.order[right] < this.order[child]))
      ) {
        child = right;
      }
      if (keys[child] > key || (keys[child] === key && this.order[child] > order)) break;
      this.copy(child, i);
      i = child;
    }
    this.put(i, key, order, slot, stamp);
  }

  private copy(from: number, to: number): void {
    this.put(to, this.key[from], this.order[from], this.slot[from], this.stamp[from]);
  }

  private put(i: number, key: Nanoseconds, order: number, slot: number, stamp: number): void {
    this.key[i] = key;
    this.order[i] = order;
    this.slot[i] = slot;
    this.stamp[i] = stamp;
  }
}
