import {z} from 'zod';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {SlackHeap} from './slackHeap.ts';
import {mostSteps} from './runAhead.ts';
import {superkernelParameters} from './superkernelParameters.ts';

/** Least slack first: the kernel that has to start soonest, and whatever of its group is ready coalesces with it. */
export const slo = definePolicy({
  name: 'slo',
  summary: 'least slack first, coalescing around the most urgent kernel',
  source: '[OoO] section 5.2',
  parameters: z.strictObject({
    ...superkernelParameters,
    coalesce: z
      .enum(['none', 'class', 'cluster'])
      .default('class')
      .describe('nothing, equal shapes, or shapes padded within a cluster'),
  }),
  create: (parameters) => {
    const {lanes, coalesce} = parameters;
    const steps = mostSteps(parameters['run-ahead']);
    const most = coalesce === 'none' ? 1 : parameters['max-size'];
    const urgent = new SlackHeap();
    return {
      name: 'slo',
      setup: {lanes, grouping: coalesce === 'none' ? 'class' : coalesce, runsAhead: steps > 1},
      onReady(slot, situation) {
        const {streams} = situation;
        if (streams.state[slot] !== streamStates.ready) return;
        urgent.push(slot, situation.latestStart(slot), streams);
      },
      decide(situation) {
        const {streams, ready} = situation;
        for (let lane = situation.lanes.idle(); lane >= 0; lane = situation.lanes.idle()) {
          const seed = urgent.top(streams);
          if (seed < 0) return;
          const group = ready.list(seed);
          situation.take(seed);
          situation.takeGroup(group, Math.min(most, situation.maxSize) - 1);
          situation.launch(lane, -1, situation.commonSteps(steps));
        }
      },
    };
  },
});
