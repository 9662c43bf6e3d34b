import {z} from 'zod';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {definePolicy} from './definition.ts';
import {mostSteps} from './runAhead.ts';
import {superkernelParameters} from './superkernelParameters.ts';

const parameters = z.strictObject(superkernelParameters);

/** Launches what is ready and coalesces now: on every idle lane the group with the most ready kernels. */
export const greedy = definePolicy({
  name: 'greedy',
  summary: 'coalesce whatever is ready now, the largest group first',
  source: '[ST] section 4',
  parameters,
  create: (parameters) => new Greedy(parameters),
});

/** A class, and no object of functions: V8 would compile the scheduling loop anew in every run. */
class Greedy implements Policy {
  readonly name = 'greedy';
  readonly setup: Partial<PolicySetup>;
  private readonly most: number;
  private readonly steps: number;

  constructor(values: z.output<typeof parameters>) {
    this.most = values['max-size'];
    this.steps = mostSteps(values['run-ahead']);
    this.setup = {lanes: values.lanes, grouping: values.coalesce, runsAhead: this.steps > 1};
  }

  decide(situation: Situation): void {
    const {lanes, maxSize} = situation;
    const {steps} = this;
    const most = this.most < maxSize ? this.most : maxSize;
    for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
      const group = largestGroup(situation);
      if (group < 0) return;
      situation.takeGroup(group, most);
      situation.launch(lane, -1, steps === 1 ? 1 : situation.commonSteps(steps));
    }
  }
}

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
