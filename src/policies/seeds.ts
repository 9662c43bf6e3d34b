import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import {SlackQueue} from './slackQueue.ts';
import type {Timeliness} from './timeliness.ts';

/**
 * What is ready, by group, and around which kernel the next launch is built: the one with the least slack whose request can
 * still be in time. Late ones wait for those, but none starves: they have a share of the device. So a queue that builds up
 * for a while is worked off, and a lasting overload costs those who can be in time no more than that share.
 *
 * A kernel is in one queue, that of its group. Of each group the latest start of its first kernel is kept, so that a choice
 * goes through as many numbers as groups hold something, and a kernel that is launched with others costs nothing here.
 */
export class Seeds {
  /** By group: what is ready of it; undefined where nothing has ever been. */
  readonly groups: SlackQueue[] = [];
  /** By group: when its first kernel on time, and its first late one, has to start, or earlier: it may have gone since. */
  private onTimeAt = new Float64Array(64).fill(Infinity);
  private lateAt = new Float64Array(64).fill(Infinity);
  private readonly timeliness: Timeliness;
  private readonly completionNs: (slot: number, situation: Situation) => Nanoseconds;
  private readonly share: number;
  /** Device time that late requests have coming to them. */
  private credit: Nanoseconds = 0;
  /** Whether the last choice was a late one that uses it. */
  isCharged = false;

  /** `completionNs` tells in what time a kernel's request is planned to complete; `share` is that of late ones. */
  constructor(
    timeliness: Timeliness,
    completionNs: (slot: number, situation: Situation) => Nanoseconds,
    share: number,
  ) {
    this.timeliness = timeliness;
    this.completionNs = completionNs;
    this.share = share;
  }

  push(slot: number, situation: Situation): void {
    const group = situation.ready.list(slot);
    if (group >= this.onTimeAt.length) this.grow(group);
    const queue = (this.groups[group] ??= new SlackQueue());
    const at = situation.latestStart(slot);
    const firstAt = queue.push(slot, at, situation) ? this.onTimeAt : this.lateAt;
    if (at < firstAt[group]) firstAt[group] = at;
  }

  /** To be called when a group's queue has been taken from. */
  noteFirst(group: number): void {
    const queue = this.groups[group];
    this.onTimeAt[group] = queue.onTime.earliest;
    this.lateAt[group] = queue.earliestLate;
  }

  /** The kernel to launch next, or -1. */
  choose(situation: Situation): number {
    this.isCharged = false;
    if (this.credit > 0) {
      const slot = this.first(true, situation);
      this.isCharged = slot >= 0;
      if (slot >= 0) return slot;
      this.credit = 0;
    }
    for (let slot = this.first(false, situation); slot >= 0; slot = this.first(false, situation)) {
      if (this.timeliness.isInTime(slot, this.completionNs(slot, situation), situation)) return slot;
      const group = situation.ready.list(slot);
      this.groups[group].demote(situation);
      this.noteFirst(group);
    }
    return this.first(true, situation);
  }

  /** Another kernel than the chosen one goes first. */
  passOver(): void {
    this.isCharged = false;
  }

  /** A launch takes `workNs` of device time. */
  launched(workNs: Nanoseconds): void {
    this.credit += workNs * (this.isCharged ? this.share - 1 : this.share);
  }

  /** The most urgent kernel of all groups, of those on time or of the late ones; -1 where there is none. */
  private first(isLate: boolean, {ready, streams}: Situation): number {
    const firstAt = isLate ? this.lateAt : this.onTimeAt;
    for (;;) {
      const group = leastOf(ready, firstAt);
      if (group < 0) return -1;
      const queue = this.groups[group];
      const slot = isLate ? queue.topLate(streams) : queue.onTime.top(streams);
      const at = isLate ? queue.earliestLate : queue.onTime.earliest;
      if (at === firstAt[group]) return slot;
      firstAt[group] = at;
    }
  }

  private grow(group: number): void {
    const {onTimeAt, lateAt} = this;
    this.onTimeAt = new Float64Array(2 * group).fill(Infinity);
    this.onTimeAt.set(onTimeAt);
    this.lateAt = new Float64Array(2 * group).fill(Infinity);
    this.lateAt.set(lateAt);
  }
}

/** The group with the least entry of those that hold something, or -1 where all are infinite. */
function leastOf({nonEmpty, nonEmptyCount}: Situation['ready'], by: Float64Array): number {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < nonEmptyCount; i++) {
    const at = by[nonEmpty[i]];
    if (at >= least) continue;
    least = at;
    best = nonEmpty[i];
  }
  return best;
}
