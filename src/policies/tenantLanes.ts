import {z} from 'zod';
import {methods} from '../scheduler/kernel.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {LaneQueues} from './laneQueues.ts';
import {mostSteps} from './runAhead.ts';

const SINGLE = methods.indexOf('single');

/** How many launches of different requests a lane may hold. */
export const queueDepth = z
  .int()
  .min(1)
  .max(64)
  .default(1)
  .describe('requests that may be under way at once on a lane, in order; 1 waits for the one before');

interface TenantLanesParameters {
  readonly 'run-ahead': number | 'request';
  readonly 'queue-depth': number;
}

/**
 * A policy in which every tenant submits for itself and knows of no other: one request after another, in order, on its
 * own lane. Tenant t submits on lane t modulo the number of lanes.
 */
export function tenantLanes(
  name: string,
  setup: Partial<PolicySetup>,
  {'run-ahead': ahead, 'queue-depth': depth}: TenantLanesParameters,
): Policy {
  let queues: LaneQueues;
  const most = mostSteps(ahead);
  const laneOf = (slot: number, {streams, lanes}: Situation): number => streams.tenant[slot] % lanes.count;
  return {
    name,
    setup: {...setup, depth},
    attach({lanes, streams}) {
      queues = new LaneQueues(lanes.count, streams.capacity);
    },
    onReady(slot, situation) {
      queues.onReady(slot, laneOf(slot, situation), situation);
    },
    onFinished(launch) {
      queues.touch(launch.lane);
    },
    decide(situation) {
      const {lanes, streams, programs} = situation;
      for (let lane = queues.nextChanged(); lane >= 0; lane = queues.nextChanged()) {
        while (lanes.outstanding[lane] < depth) {
          const slot = queues.first(lane, situation);
          if (slot < 0) break;
          const left = programs.kernelsLeft(streams.cursor[slot]);
          situation.take(slot);
          situation.launch(lane, SINGLE, Math.min(left, most));
        }
      }
    },
  };
}
