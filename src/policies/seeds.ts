import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import {SlackQueue} from './slackQueue.ts';
import type {Timeliness} from './timeliness.ts';

/**
 * Chooses around which kernel the next launch is built: the one with the least slack whose request can still be in time.
 * Late ones wait for those, but none starves: they have a share of the device. So a queue that builds up for a while is
 * worked off, and a lasting overload costs those who can be in time no more than that share.
 */
export class Seeds {
  private readonly queue = new SlackQueue();
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
    this.queue.push(slot, situation);
  }

  /** The kernel to launch next, or -1. */
  choose(situation: Situation): number {
    const {streams} = situation;
    const {onTime, late} = this.queue;
    this.isCharged = false;
    if (this.credit > 0) {
      const slot = late.top(streams);
      this.isCharged = slot >= 0;
      if (slot >= 0) return slot;
      this.credit = 0;
    }
    for (let slot = onTime.top(streams); slot >= 0; slot = onTime.top(streams)) {
      if (this.timeliness.isInTime(slot, this.completionNs(slot, situation), situation)) return slot;
      this.queue.demote(situation);
    }
    return late.top(streams);
  }

  /** Another kernel than the chosen one goes first. */
  passOver(): void {
    this.isCharged = false;
  }

  /** A launch takes `workNs` of device time. */
  launched(workNs: Nanoseconds): void {
    this.credit += workNs * (this.isCharged ? this.share - 1 : this.share);
  }
}
