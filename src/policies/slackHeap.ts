import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Streams} from '../scheduler/streams.ts';
import {streamStates} from '../scheduler/streams.ts';

/** Entries before the first sweep. */
const firstSweep = 64;

/**
 * Ready kernels, the one that has to start first on top; among equals the one that was pushed first. A kernel's latest
 * start does not change while it is ready, so its key is set once. Kernels that were launched, held or dropped since are
 * skipped when they surface, and swept out when they are more than half of all.
 *
 * Members of a launch come back in the order in which they were taken, so that most pushes have a later start than the one
 * before: they lengthen a run, at O(1), and a heap holds the heads of the runs. A push that begins a run and a pop cost
 * O(log runs). What is pushed is put in order when more than the first is asked for: who takes all of it at once needs none.
 */
export class SlackHeap {
  /** Entries, those included that have gone since. */
  size = 0;
  /** The latest start of the kernel that `top` or `take` returned last; Infinity where there was none. */
  at: Nanoseconds = Infinity;
  /** By entry: its latest start, and how many were pushed before. */
  private keys = new Float64Array(firstSweep * keyWidth);
  /** By entry: its slot and stamp, and the entry behind it in its run, or that is free; -1: none. */
  private links = new Int32Array(firstSweep * linkWidth);
  /** A heap of the first entries of the runs. */
  private heads = new Int32Array(firstSweep);
  private runs = 0;
  /** The last entry of the run that the next push may lengthen, or -1. */
  private tail = -1;
  /** The first entry that is free again, or -1, and how many have ever been in use. */
  private free = -1;
  private used = 0;
  private pushed = 0;
  private sweepAt = firstSweep;
  /** What has been pushed since it was last put in order: slots, stamps, latest starts. */
  private freshCount = 0;
  private freshSlots = new Int32Array(firstSweep);
  private freshStamps = new Int32Array(firstSweep);
  private freshKeys = new Float64Array(firstSweep);
  /** The first of those, and its latest start. */
  private freshFirst = 0;
  private freshAt: Nanoseconds = Infinity;

  push(slot: number, latestStart: Nanoseconds, streams: Streams): void {
    if (this.size === this.sweepAt) this.sweep(streams);
    const at = this.freshCount++;
    if (at === this.freshSlots.length) this.growFresh();
    this.freshSlots[at] = slot;
    this.freshStamps[at] = streams.stamp[slot];
    this.freshKeys[at] = latestStart;
    if (latestStart < this.freshAt) {
      this.freshAt = latestStart;
      this.freshFirst = at;
    }
    this.size++;
  }

  /** Forgets everything: none of it is ready any more. */
  clear(): void {
    this.size = this.runs = this.used = this.freshCount = 0;
    this.tail = this.free = -1;
    this.freshAt = Infinity;
    this.sweepAt = firstSweep;
  }

  /** Puts in order what has been pushed, without what has gone since. */
  private order(streams: Streams): void {
    const {freshCount, freshSlots, freshStamps, freshKeys} = this;
    this.size -= freshCount;
    for (let i = 0; i < freshCount; i++) {
      if (isReady(freshSlots[i], freshStamps[i], streams))
        this.insert(freshSlots[i], freshStamps[i], freshKeys[i]);
    }
    this.freshCount = 0;
    this.freshAt = Infinity;
  }

  private insert(slot: number, stamp: number, latestStart: Nanoseconds): void {
    const entry = this.entry();
    const {keys, links, tail} = this;
    keys[entry * keyWidth] = latestStart;
    keys[entry * keyWidth + orderOf] = this.pushed++;
    links[entry * linkWidth + slotOf] = slot;
    links[entry * linkWidth + stampOf] = stamp;
    links[entry * linkWidth + nextOf] = -1;
    this.size++;
    this.tail = entry;
    if (tail >= 0 && keys[tail * keyWidth] <= latestStart) links[tail * linkWidth + nextOf] = entry;
    else this.beginRun(entry);
  }

  /** The ready kernel that has to start first, or -1. */
  top(streams: Streams): number {
    const slot = this.orderedTop(streams);
    const {freshAt, freshFirst} = this;
    // Among equals what is in order already was pushed before.
    if (freshAt >= this.at) return slot;
    if (isReady(this.freshSlots[freshFirst], this.freshStamps[freshFirst], streams)) {
      this.at = freshAt;
      return this.freshSlots[freshFirst];
    }
    this.order(streams);
    return this.orderedTop(streams);
  }

  /** What `at` will be at least when `top` is asked next: the latest start of the first entry, gone or not. */
  get earliest(): Nanoseconds {
    return Math.min(this.freshAt, this.runs > 0 ? this.keys[this.heads[0] * keyWidth] : Infinity);
  }

  /** Takes out and returns what `top` returns. */
  take(streams: Streams): number {
    if (this.freshCount > 0) this.order(streams);
    const slot = this.orderedTop(streams);
    if (slot >= 0) this.pop();
    return slot;
  }

  /** Of what is in order. */
  private orderedTop(streams: Streams): number {
    while (this.runs > 0) {
      const entry = this.heads[0];
      if (this.isLive(entry, streams)) {
        this.at = this.keys[entry * keyWidth];
        return this.links[entry * linkWidth + slotOf];
      }
      this.pop();
    }
    this.at = Infinity;
    return -1;
  }

  private isLive(entry: number, streams: Streams): boolean {
    const {links} = this;
    const at = entry * linkWidth;
    return isReady(links[at + slotOf], links[at + stampOf], streams);
  }

  private pop(): void {
    const {heads} = this;
    const entry = heads[0];
    const behind = this.links[entry * linkWidth + nextOf];
    this.release(entry);
    if (behind >= 0) this.sink(0, behind);
    else if (--this.runs > 0) this.sink(0, heads[this.runs]);
  }

  /** Drops what is no longer ready. At least as many pushes follow before the next sweep, so a push stays O(log runs). */
  private sweep(streams: Streams): void {
    this.order(streams);
    const {heads, links} = this;
    let runs = 0;
    for (let run = 0; run < this.runs; run++) {
      let head = -1;
      let last = -1;
      for (let entry = heads[run], behind = -1; entry >= 0; entry = behind) {
        behind = links[entry * linkWidth + nextOf];
        if (!this.isLive(entry, streams)) {
          this.release(entry);
          continue;
        }
        if (last < 0) head = entry;
        else links[last * linkWidth + nextOf] = entry;
        links[entry * linkWidth + nextOf] = -1;
        last = entry;
      }
      if (head >= 0) heads[runs++] = head;
    }
    this.runs = runs;
    for (let i = (runs >> 1) - 1; i >= 0; i--) this.sink(i, heads[i]);
    this.sweepAt = Math.max(firstSweep, 2 * this.size);
  }

  /** A new entry's number. */
  private entry(): number {
    const {free} = this;
    if (free >= 0) {
      this.free = this.links[free * linkWidth + nextOf];
      return free;
    }
    if (this.used * linkWidth === this.links.length) this.grow();
    return this.used++;
  }

  private release(entry: number): void {
    if (entry === this.tail) this.tail = -1;
    this.links[entry * linkWidth + nextOf] = this.free;
    this.free = entry;
    this.size--;
  }

  private grow(): void {
    this.keys = doubled(this.keys);
    this.links = doubled(this.links);
    this.heads = doubled(this.heads);
  }

  private growFresh(): void {
    this.freshSlots = doubled(this.freshSlots);
    this.freshStamps = doubled(this.freshStamps);
    this.freshKeys = doubled(this.freshKeys);
  }

  private beginRun(entry: number): void {
    const {heads, keys} = this;
    const key = keys[entry * keyWidth];
    let i = this.runs++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // A new entry goes behind its equals.
      if (keys[heads[parent] * keyWidth] <= key) break;
      heads[i] = heads[parent];
      i = parent;
    }
    heads[i] = entry;
  }

  /** Sinks an entry into the heap below a hole. */
  private sink(hole: number, entry: number): void {
    const {heads, keys, runs} = this;
    const at = entry * keyWidth;
    const key = keys[at];
    const order = keys[at + orderOf];
    let i = hole;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= runs) break;
      let of = heads[child] * keyWidth;
      if (child + 1 < runs) {
        const other = heads[child + 1] * keyWidth;
        if (
          keys[other] < keys[of] ||
          (keys[other] === keys[of] && keys[other + orderOf] < keys[of + orderOf])
        ) {
          child++;
          of = other;
        }
      }
      if (keys[of] > key || (keys[of] === key && keys[of + orderOf] > order)) break;
      heads[i] = heads[child];
      i = child;
    }
    heads[i] = entry;
  }
}

/** A copy with room for as much again. */
function doubled<T extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}

/** Whether the kernel that was pushed is ready still. */
const isReady = (slot: number, stamp: number, {stamp: now, state}: Streams): boolean =>
  now[slot] === stamp && state[slot] === streamStates.ready;

const keyWidth = 2;
const orderOf = 1;
/** A power of two, so that an entry lies in one line of the cache. */
const linkWidth = 4;
const slotOf = 0;
const stampOf = 1;
const nextOf = 2;
