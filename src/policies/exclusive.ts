import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Situation} from '../scheduler/policy.ts';
import {definePolicy} from './definition.ts';
import {deadlineOf, familiesOf, oldestOf, startOldest, waitingOf} from './families.ts';

const SINGLE = methods.indexOf('single');

/**
 * One model at a time owns a GPU and batches its own queue: as many waiting requests as fit under the deadline of the
 * first, the whole program run ahead. On one GPU the models take turns; with a GPU each it is the papers' upper bound.
 */
export const exclusive = definePolicy({
  name: 'exclusive',
  summary: 'one model owns the GPU and batches its own queue',
  source: '[ST] section 2, exclusive batched',
  parameters: z.strictObject({
    gpus: z.enum(['shared', 'own']).default('shared').describe('one GPU for all models in turn, or one each'),
    'max-batch': z.int().min(1).max(1024).default(32).describe('most requests in one batch'),
    'across-replicas': z.boolean().default(true).describe('replicas of one model share a batch, and its GPU'),
    order: z.enum(['deadline', 'arrival']).default('deadline').describe('whose turn it is on a shared GPU'),
  }),
  create: (parameters) => {
    const {gpus, order} = parameters;
    const own = gpus === 'own';
    let families: readonly (readonly number[])[] = [];
    /** The lane of a tenant: that of its family's first. */
    let laneOf: Int32Array;

    const serve = (family: readonly number[], situation: Situation): void => {
      const waiting = Math.min(waitingOf(family, situation), parameters['max-batch']);
      const size = batchWithin(family, waiting, deadlineOf(family, situation), situation);
      run(startOldest(family, size, situation), situation);
    };
    const run = (slot: number, situation: Situation): void => {
      const {streams, programs} = situation;
      situation.take(slot);
      situation.launch(laneOf[streams.tenant[slot]], SINGLE, programs.kernelsLeft(streams.cursor[slot]));
    };
    const turn = order === 'deadline' ? deadlineOf : oldestOf;

    return {
      name: 'exclusive',
      setup: {
        sharing: own ? 'dedicated' : 'one-context',
        lanes: own ? 'per-tenant' : 1,
        host: own ? 'per-lane' : 'shared',
        admission: 'batched',
      },
      attach({tenants}) {
        families = familiesOf(tenants, parameters['across-replicas']);
        laneOf = new Int32Array(tenants.length);
        if (own) for (const family of families) for (const tenant of family) laneOf[tenant] = family[0];
      },
      decide(situation) {
        const {lanes, ready, streams, requests} = situation;
        // A stream is ready here only after its launch has failed: it runs again before anything else.
        for (let i = ready.nonEmptyCount - 1; i >= 0; i--) {
          const slot = ready.first(ready.nonEmpty[i]);
          if (lanes.outstanding[laneOf[streams.tenant[slot]]] === 0) run(slot, situation);
        }
        if (requests.live === 0) return;
        if (own) {
          for (const family of families) {
            if (lanes.outstanding[family[0]] === 0 && waitingOf(family, situation) > 0)
              serve(family, situation);
          }
          return;
        }
        if (lanes.outstanding[0] > 0) return;
        let next: readonly number[] | undefined;
        let nextAt = Infinity;
        for (const family of families) {
          const at = turn(family, situation);
          if (at < nextAt) {
            next = family;
            nextAt = at;
          }
        }
        if (next !== undefined) serve(next, situation);
      },
    };
  },
});

/**
 * The largest batch up to `most` that is predicted to be done by `deadlineAt`. Where not even one request would be, the
 * deadline is lost already, and the largest batch clears the queue soonest.
 */
function batchWithin(
  family: readonly number[],
  most: number,
  deadlineAt: Nanoseconds,
  {now, tenants, programs}: Situation,
): number {
  const isInTime = (batch: number): boolean =>
    now + programs.remainingNs[tenants[family[0]].program(batch)] <= deadlineAt;
  if (isInTime(most) || !isInTime(1)) return most;
  let low = 1;
  let high = most;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isInTime(middle)) low = middle;
    else high = middle;
  }
  return low;
}
