import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {RateMeter} from './rateMeter.ts';
import {SlackHeap} from './slackHeap.ts';
import {mostSteps} from './runAhead.ts';
import {superkernelParameters} from './superkernelParameters.ts';

/**
 * Deferred coalescing: a group waits for more of its kind until its condition lets it go, and no longer than its most
 * urgent kernel allows; meanwhile the lanes run the groups that are due.
 *
 * Conditions, with b kernels ready, T(b) their predicted time, and D the latest time at which the most urgent can start:
 * - `immediately`: never wait.
 * - `gain`: wait while the next arrival is expected to save more device time, T(b) + T(1) - T(b + 1), than the b kernels
 *   spend waiting for it together. One-step look-ahead for Poisson arrivals; [OoO] gives no rule.
 * - `frontrun`: wait while b + 1 would still be in time: until D - (T(b + 1) - T(1)).
 * - `latest`: wait as long as b stays in time.
 * - `size`: wait for `target` kernels.
 * - `age`: wait until the one ready longest has waited `max-delay`.
 */
export const delay = definePolicy({
  name: 'delay',
  summary: 'hold a kernel on purpose while it may coalesce better and its slack allows',
  source: '[OoO] section 5.2; conditions of Symphony (Chen et al. 2023)',
  parameters: z.strictObject({
    ...superkernelParameters,
    condition: z
      .enum(['gain', 'frontrun', 'latest', 'size', 'age', 'immediately'])
      .default('gain')
      .describe('what ends the wait'),
    target: z.int().min(1).max(1024).default(8).describe('kernels that `size` waits for'),
    'max-delay': duration.prefault('1ms').describe('longest wait of a ready kernel, whatever the condition'),
    jitter: duration.prefault('50us').describe('slack kept back for what the prediction does not know'),
  }),
  create: (parameters) => {
    const {condition, target, jitter} = parameters;
    const maxDelay = parameters['max-delay'];
    const steps = mostSteps(parameters['run-ahead']);
    const most = parameters['max-size'];
    const rates = new RateMeter();
    /** The ready kernels of every group by their latest starts. */
    const urgent: SlackHeap[] = [];

    /** When the group is to be launched; `now` or before for at once. */
    const dueAt = (group: number, seed: number, situation: Situation): Nanoseconds => {
      const {ready, streams, costs, now} = situation;
      const count = ready.count[group];
      if (condition === 'immediately' || count >= Math.min(most, situation.maxSize)) return now;
      const cls = situation.commonClass(group);
      const alone = costs.bestNs(cls, 1);
      const together = costs.bestNs(cls, count);
      const withNext = costs.bestNs(cls, count + 1);
      const slackEndsAt = situation.latestStart(seed) - jitter + alone;
      const frontrunAt = slackEndsAt - withNext;
      let until: Nanoseconds;
      if (condition === 'gain') {
        const saved = together + alone - withNext;
        if (count * rates.expectedGapNs(group, now) >= saved) return now;
        // Where nothing comes, the expected gap grows to that by then.
        until = Math.min(frontrunAt, rates.lastArrivalAt(group) + saved / count);
      } else if (condition === 'frontrun') {
        until = frontrunAt;
      } else {
        until = condition === 'size' && count >= target ? now : slackEndsAt - together;
      }
      return Math.floor(Math.min(until, streams.readyAt[ready.first(group)] + maxDelay));
    };

    return {
      name: 'delay',
      setup: {lanes: parameters.lanes, grouping: parameters.coalesce, runsAhead: steps > 1},
      onReady(slot, situation) {
        const {streams, ready} = situation;
        if (streams.state[slot] !== streamStates.ready) return;
        const group = ready.list(slot);
        (urgent[group] ??= new SlackHeap()).push(slot, situation.latestStart(slot), streams);
        rates.record(group, situation.now);
      },
      decide(situation) {
        const {lanes, ready, streams, now} = situation;
        for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
          let chosen = -1;
          let chosenStart = Infinity;
          let nextDueAt = Infinity;
          for (let i = 0; i < ready.nonEmptyCount; i++) {
            const group = ready.nonEmpty[i];
            const seed = urgent[group].top(streams);
            const due = dueAt(group, seed, situation);
            if (due > now) {
              nextDueAt = Math.min(nextDueAt, due);
            } else if (situation.latestStart(seed) < chosenStart) {
              chosen = seed;
              chosenStart = situation.latestStart(seed);
            }
          }
          if (chosen < 0) {
            if (nextDueAt < Infinity) situation.wakeAt(nextDueAt);
            return;
          }
          const group = ready.list(chosen);
          situation.take(chosen);
          situation.takeGroup(group, Math.min(most, situation.maxSize) - 1);
          situation.launch(lane, -1, situation.commonSteps(steps));
        }
      },
    };
  },
});
