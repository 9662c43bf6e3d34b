import {z} from 'zod';
import {methods} from '../scheduler/kernel.ts';
import type {Situation} from '../scheduler/policy.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {familiesOf, oldestOf, startOldest, waitingOf} from './families.ts';

const SINGLE = methods.indexOf('single');

/**
 * Triton's dynamic batcher: every model has a queue and instances of its own. A free instance takes the largest batch of
 * a preferred size; where none can be formed, all that wait once the oldest has waited `max-queue-delay`.
 */
export const batcher = definePolicy({
  name: 'batcher',
  summary: "Triton's dynamic batcher, one per model",
  source: 'NVIDIA Triton Inference Server, dynamic batching',
  parameters: z.strictObject({
    'max-batch': z.int().min(1).max(1024).default(32).describe('most requests in one batch'),
    preferred: z
      .array(z.int().min(1))
      .default([])
      .describe('batch sizes that are launched as soon as they can be'),
    'max-queue-delay': duration.prefault('0ns').describe('longest wait for a preferred size or a full batch'),
    instances: z.int().min(1).max(16).default(1).describe('batches of one model in flight'),
    timeout: duration.prefault('0ns').describe('longest wait in the queue; 0 for no limit'),
    'timeout-action': z
      .enum(['reject', 'delay'])
      .default('reject')
      .describe('drop a request that timed out, or let the tenants of its priority go first'),
  }),
  create: (parameters, {tenants: tenantCount}) => {
    const {instances} = parameters;
    const maxBatch = parameters['max-batch'];
    const maxDelay = parameters['max-queue-delay'];
    const timeout = parameters.timeout === 0 ? Infinity : parameters.timeout;
    const rejects = parameters['timeout-action'] === 'reject';
    const preferred = parameters.preferred.filter((size) => size <= maxBatch).toSorted((a, b) => b - a);
    let families: readonly (readonly number[])[] = [];
    let familyLane: Int32Array;

    const reject = (family: readonly number[], situation: Situation): void => {
      const {requests, now} = situation;
      for (const tenant of family) {
        while (requests.waiting[tenant] > 0 && requests.arrivalAt[requests.first(tenant)] + timeout <= now) {
          situation.dropWaiting(tenant);
        }
      }
    };
    /** How many requests to launch now; 0 to wait. */
    const batchSize = (family: readonly number[], situation: Situation): number => {
      const waiting = Math.min(waitingOf(family, situation), maxBatch);
      if (waiting === 0) return 0;
      const size = preferred.find((size) => size <= waiting);
      if (size !== undefined) return size;
      const oldest = oldestOf(family, situation);
      if (waiting === maxBatch || oldest + maxDelay <= situation.now) return waiting;
      situation.wakeAt(oldest + Math.min(maxDelay, rejects ? timeout : Infinity));
      return 0;
    };
    const run = (slot: number, lane: number, situation: Situation): void => {
      situation.take(slot);
      situation.launch(lane, SINGLE, situation.programs.kernelsLeft(situation.streams.cursor[slot]));
    };
    /** A free instance among those of the family whose first lane is given, or -1. */
    const freeLane = (first: number, {lanes}: Situation): number => {
      for (let lane = first; lane < first + instances; lane++) if (lanes.outstanding[lane] === 0) return lane;
      return -1;
    };

    return {
      name: 'batcher',
      setup: {lanes: tenantCount * instances, host: 'per-lane', admission: 'batched'},
      attach({tenants}) {
        families = familiesOf(tenants, true);
        familyLane = new Int32Array(tenants.length);
        for (const family of families)
          for (const tenant of family) familyLane[tenant] = family[0] * instances;
      },
      decide(situation) {
        const {ready, streams, requests, tenants, now} = situation;
        // A stream is ready here only after its launch has failed: it runs again before anything else.
        for (let i = ready.nonEmptyCount - 1; i >= 0; i--) {
          const slot = ready.first(ready.nonEmpty[i]);
          const lane = freeLane(familyLane[streams.tenant[slot]], situation);
          if (lane >= 0) run(slot, lane, situation);
        }
        if (requests.live === 0) return;
        // Lower goes first. Priorities are whole numbers, so what has timed out stays within its priority.
        const level = (tenant: number, arrivalAt: number): number =>
          (arrivalAt + timeout <= now ? 0.5 : 0) - tenants[tenant].priority;
        for (const family of families) {
          let lane = freeLane(familyLane[family[0]], situation);
          if (lane >= 0 && rejects) reject(family, situation);
          while (lane >= 0) {
            const size = batchSize(family, situation);
            if (size === 0) break;
            run(startOldest(family, size, situation, level), lane, situation);
            lane = freeLane(familyLane[family[0]], situation);
          }
        }
      },
    };
  },
});
