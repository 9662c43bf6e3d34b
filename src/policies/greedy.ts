import {z} from 'zod';
import type {Situation} from '../scheduler/policy.ts';
import {definePolicy} from './definition.ts';
import {mostSteps} from './runAhead.ts';
import {superkernelParameters} from './superkernelParameters.ts';

/** Launches what is ready and coalesces now: on every idle lane the group with the most ready kernels. */
export const greedy = definePolicy({
  name: 'greedy',
  summary: 'coalesce whatever is ready now, the largest group first',
  source: '[ST] section 4',
  parameters: z.strictObject(superkernelParameters),
  create: (parameters) => {
    const steps = mostSteps(parameters['run-ahead']);
    const most = parameters['max-size'];
    return {
      name: 'greedy',
      setup: {lanes: parameters.lanes, grouping: parameters.coalesce, runsAhead: steps > 1},
      decide(situation) {
        for (let lane = situation.lanes.idle(); lane >= 0; lane = situation.lanes.idle()) {
          const group = largestGroup(situation);
          if (group < 0) return;
          situation.takeGroup(group, Math.min(most, situation.maxSize));
          situation.launch(lane, -1, situation.commonSteps(steps));
        }
      },
    };
  },
});

/** The group with the most ready kernels, among equals the one whose first has waited longest; -1 if none is ready. */
function largestGroup({ready, streams}: Situation): number {
  const {nonEmpty, nonEmptyCount, count} = ready;
  const {readyAt} = streams;
  let best = -1;
  let most = 1;
  let since = Infinity;
  for (let i = 0; i < nonEmptyCount; i++) {
    const group = nonEmpty[i];
    const size = count[group];
    if (size < most) continue;
    const at = readyAt[ready.first(group)];
    if (size === most && at >= since) continue;
    best = group;
    most = size;
    since = at;
  }
  return best;
}
