import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {Streams} from '../scheduler/streams.ts';
import {SlackHeap} from './slackHeap.ts';
import type {Timeliness} from './timeliness.ts';

/**
 * Ready kernels by slack, with those apart whose requests would be late as things are going, and those that are late
 * whatever happens. Least slack first alone collapses under overload: it spends the device on requests that are lost, and
 * so loses those behind them too.
 */
export class SlackQueue {
  readonly onTime = new SlackHeap();
  private readonly doubtful = new SlackHeap();
  private readonly lost = new SlackHeap();

  /** Adds a ready kernel that has to start by `at`, in ns; returns whether that is still ahead. */
  push(slot: number, at: Nanoseconds, {streams, now}: Situation): boolean {
    const isLost = at < now;
    (isLost ? this.lost : this.onTime).push(slot, at, streams);
    return !isLost;
  }

  /** Forgets everything: none of it is ready any more. */
  clear(): void {
    this.onTime.clear();
    this.doubtful.clear();
    this.lost.clear();
  }

  /** Gives up the most urgent of the kernels on time, which is there. */
  demote({streams, now}: Situation): void {
    const slot = this.onTime.take(streams);
    this.giveUp(slot, this.onTime.at, now, streams);
  }

  /** When the first of the kernels that were given up has to start, or earlier: it may have gone. */
  get earliestLate(): Nanoseconds {
    return Math.min(this.doubtful.earliest, this.lost.earliest);
  }

  /** The most urgent of those that were given up, or -1. */
  topLate(streams: Streams): number {
    const {doubtful, lost} = this;
    const a = doubtful.top(streams);
    const b = lost.top(streams);
    return doubtful.at < lost.at ? a : b;
  }

  /**
   * Takes out the most urgent kernel that can be in time if it completes after `completionNs`, or else one that was given
   * up, which have precedence with `lateFirst`: those first that might still be in time. -1 where there is none.
   */
  take(lateFirst: boolean, completionNs: Nanoseconds, timeliness: Timeliness, situation: Situation): number {
    const {onTime} = this;
    const {streams, now} = situation;
    if (lateFirst) {
      const slot = this.takeLate(situation);
      if (slot >= 0) return slot;
    }
    for (let slot = onTime.take(streams); slot >= 0; slot = onTime.take(streams)) {
      const {at} = onTime;
      if (at >= now && timeliness.isInTime(slot, completionNs, situation)) return slot;
      this.giveUp(slot, at, now, streams);
    }
    return this.takeLate(situation);
  }

  private takeLate({streams, now}: Situation): number {
    const {doubtful, lost} = this;
    for (let slot = doubtful.take(streams); slot >= 0; slot = doubtful.take(streams)) {
      if (doubtful.at >= now) return slot;
      lost.push(slot, doubtful.at, streams);
    }
    return lost.take(streams);
  }

  private giveUp(slot: number, at: Nanoseconds, now: Nanoseconds, streams: Streams): void {
    (at < now ? this.lost : this.doubtful).push(slot, at, streams);
  }
}
