import type {Situation} from '../scheduler/policy.ts';
import {SlackHeap} from './slackHeap.ts';

/**
 * Ready kernels by slack, with those whose requests will be late apart. Least slack first alone collapses under overload:
 * it spends the device on requests that are lost, and so loses those behind them too.
 */
export class SlackQueue {
  readonly onTime = new SlackHeap();
  readonly late = new SlackHeap();

  push(slot: number, situation: Situation): void {
    this.onTime.push(slot, situation.latestStart(slot), situation.streams);
  }

  /** Moves the most urgent of the kernels on time to the late ones. */
  demote(situation: Situation): void {
    const slot = this.onTime.take(situation.streams);
    this.late.push(slot, situation.latestStart(slot), situation.streams);
  }
}
