import type {Situation} from '../scheduler/policy.ts';
import {SlotLists} from '../scheduler/slotLists.ts';
import {streamStates} from '../scheduler/streams.ts';

/**
 * First come, first served on every lane, for policies that bind streams to lanes: a request that has begun is finished
 * before the lane takes the next. Costs O(1) a kernel; a decision looks only at lanes where something has changed.
 */
export class LaneQueues {
  // Of lane i: list 2i holds streams that have begun, list 2i + 1 those that have not.
  private readonly queue: SlotLists;
  private readonly changed: Int32Array;
  private readonly isChanged: Uint8Array;
  private changedCount = 0;

  constructor(lanes: number, slots: number) {
    this.queue = new SlotLists(2 * lanes, slots);
    this.changed = new Int32Array(lanes);
    this.isChanged = new Uint8Array(lanes);
  }

  /** To be called from `onReady`. A held stream stays out; it comes again when its tenant is released. */
  onReady(slot: number, lane: number, {streams}: Situation): void {
    const {queue} = this;
    if (slot >= queue.slots) queue.growSlots(streams.capacity);
    // Its last entry may have been left behind when the stream was held or dropped.
    if (queue.list(slot) >= 0) queue.remove(slot);
    if (streams.state[slot] !== streamStates.ready) return;
    queue.append(2 * lane + (streams.startedAt[slot] >= 0 ? 0 : 1), slot);
    this.touch(lane);
  }

  /** Marks a lane as worth a look; to be called from `onFinished`. */
  touch(lane: number): void {
    if (this.isChanged[lane]) return;
    this.isChanged[lane] = 1;
    this.changed[this.changedCount++] = lane;
  }

  /** A lane that may have become free or got work, or -1; each is returned once. */
  nextChanged(): number {
    if (this.changedCount === 0) return -1;
    const lane = this.changed[--this.changedCount];
    this.isChanged[lane] = 0;
    return lane;
  }

  /** The stream that the lane serves next, or -1. */
  first(lane: number, {streams}: Situation): number {
    const {queue} = this;
    for (let list = 2 * lane; list <= 2 * lane + 1; list++) {
      for (let slot = queue.first(list); slot >= 0; slot = queue.first(list)) {
        if (streams.state[slot] === streamStates.ready) return slot;
        queue.remove(slot);
      }
    }
    return -1;
  }
}
