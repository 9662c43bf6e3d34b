import {z} from 'zod';
import {methods} from '../scheduler/kernel.ts';
import type {Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {LaunchPlan} from './launchPlan.ts';
import {ModelCensus} from './modelCensus.ts';
import {SlackHeap} from './slackHeap.ts';

const SINGLE = methods.indexOf('single');

/** The papers' proposal: reorder by slack, coalesce by pay-off, delay where that gains, and run ahead where alone. */
export const ooo = definePolicy({
  name: 'ooo',
  summary: 'reorder by slack, coalesce and delay by pay-off; lanes, size and method follow the load',
  source: '[OoO] sections 5.1 to 5.3',
  parameters: z.strictObject({
    lanes: z.int().min(1).max(64).default(8).describe('most launches in flight'),
    'max-size': z.int().min(1).max(1024).default(128).describe('most kernels in one superkernel'),
    coalesce: z
      .enum(['class', 'cluster'])
      .default('class')
      .describe('equal shapes, or shapes padded within a cluster'),
  }),
  create: (parameters) => {
    const urgent = new SlackHeap();
    let plan: LaunchPlan;
    let census: ModelCensus;
    return {
      name: 'ooo',
      setup: {lanes: parameters.lanes, grouping: parameters.coalesce},
      attach(situation) {
        plan = new LaunchPlan(
          situation.costs,
          situation.lanes.count,
          Math.min(parameters['max-size'], situation.maxSize),
        );
        census = new ModelCensus(situation);
      },
      onReady(slot, situation) {
        const {streams} = situation;
        census.onReady(slot, situation);
        if (streams.state[slot] !== streamStates.ready) return;
        urgent.push(slot, situation.latestStart(slot), streams);
      },
      onFinished(launch, situation) {
        census.onFinished(launch, situation);
      },
      decide(situation) {
        const {streams, lanes, ready, programs} = situation;
        for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
          const seed = urgent.top(streams);
          if (seed < 0) return;
          const group = ready.list(seed);
          const cls = programs.classes[streams.cursor[seed]];
          const live = streams.live;
          const alike = Math.max(census.alike(streams.tenant[seed], situation), ready.count[group]);
          const size = plan.size(cls, live, alike);
          if (size === 0) {
            situation.take(seed);
            situation.launch(lane, SINGLE, programs.kernelsLeft(streams.cursor[seed]));
            continue;
          }
          if (isHeldBack(live, size, situation)) return;
          situation.take(seed);
          situation.takeGroup(group, size - 1);
          situation.launch(lane);
        }
      },
    };
  },
});

/** Whether as many launches are in flight as make a cycle: the next to end will bring more to coalesce. */
function isHeldBack(live: number, size: number, {lanes}: Situation): boolean {
  return lanes.inFlight >= Math.max(2, Math.ceil(live / size));
}
