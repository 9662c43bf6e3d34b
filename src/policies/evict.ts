import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {InputError} from '../scheduler/errors.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {PolicyDefinition} from './definition.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {Stragglers} from './stragglers.ts';
import type {ParsedPolicy} from './syntax.ts';
import {resolvePolicy} from './syntax.ts';

const SINGLE = methods.indexOf('single');

/** What the monitor holds of a tenant. A suspect's next kernel runs alone, to tell it from those it ran with. */
const HEALTHY = 0;
const SUSPECT = 1;
const EVICTED = 2;

const own = {
  policy: z.string().default('ooo').describe('the policy inside, e.g. "slo" or "ooo:lanes=4"'),
  action: z
    .enum(['isolate', 'drop'])
    .default('isolate')
    .describe("run an evicted tenant's kernels alone on lanes left idle, or drop its requests"),
  slowdown: z.number().gt(1).default(1.5).describe('how much slower than predicted a straggler is'),
  deviations: z.number().min(0).default(4).describe('and how many robust standard deviations'),
  patience: z.int().min(1).default(8).describe('launches in a row before a tenant is suspected'),
  'probe-every': duration.prefault('20ms').describe('time between two probes of an evicted tenant'),
  readmit: z.int().min(1).default(3).describe('probes in a row at normal speed before readmission'),
};

/** The policy around another, found by `find`, that keeps stragglers away from it. */
export function evicting(find: (name: string) => PolicyDefinition): PolicyDefinition {
  const resolveInner = ({policy, ...more}: {policy: string}): ParsedPolicy =>
    resolvePolicy(policy, find, Object.fromEntries(Object.entries(more).filter(([key]) => !(key in own))));
  return definePolicy({
    name: 'evict',
    summary: 'any policy, with tenants that have become slow kept apart until they recover',
    source: '[ST] section 4, [OoO] section 5.2: SLO monitoring and straggler eviction',
    // Parameters that are not its own are those of the policy inside.
    parameters: z.looseObject(own).superRefine((values, issues) => {
      try {
        resolveInner(values);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        issues.addIssue({code: 'custom', path: ['policy'], message: error.message});
      }
    }),
    create: (parameters, context) => {
      const {action, slowdown, deviations, patience, readmit} = parameters;
      const probeEvery = parameters['probe-every'];
      const inside = resolveInner(parameters);
      const inner = inside.definition.create(inside.parameters, context);
      const batched = inner.setup?.admission === 'batched';
      const laneOfTenant = inner.setup?.lanes === 'per-tenant';
      const stragglers = new Stragglers(context.tenants, slowdown, deviations, patience);
      const health = new Uint8Array(context.tenants);
      const passed = new Int32Array(context.tenants);
      const probeAt = new Float64Array(context.tenants);
      /** The tenants that are not healthy, and which of them has a kernel in flight. */
      const held: number[] = [];
      const probing = new Uint8Array(context.tenants);

      const judge = (tenant: number, residual: number, situation: Situation): void => {
        probing[tenant] = 0;
        if (stragglers.isSlow(residual, health[tenant] === SUSPECT)) {
          health[tenant] = EVICTED;
          passed[tenant] = 0;
          probeAt[tenant] = situation.now + probeEvery;
        } else if (health[tenant] === SUSPECT || ++passed[tenant] >= readmit) {
          health[tenant] = HEALTHY;
          stragglers.clear(tenant);
          held.splice(held.indexOf(tenant), 1);
          situation.release(tenant);
        } else {
          probeAt[tenant] = situation.now;
        }
      };

      const suspect = (tenant: number, situation: Situation): void => {
        health[tenant] = SUSPECT;
        passed[tenant] = 0;
        probeAt[tenant] = situation.now;
        held.push(tenant);
        situation.hold(tenant);
      };

      const freeLane = (tenant: number, {lanes}: Situation): number => {
        if (!laneOfTenant) return lanes.idle();
        return lanes.outstanding[tenant] === 0 ? tenant : -1;
      };

      /** Runs the next kernel of a held tenant alone; false where it has none or no lane is free. */
      const runAlone = (tenant: number, situation: Situation): boolean => {
        const {requests, streams, programs} = situation;
        if (probing[tenant]) return false;
        const lane = freeLane(tenant, situation);
        if (lane < 0) return false;
        let slot = situation.held.first(tenant);
        if (slot < 0 && batched && requests.waiting[tenant] > 0) slot = situation.startBatch(tenant, 1);
        if (slot < 0) return false;
        probing[tenant] = 1;
        situation.take(slot);
        situation.launch(lane, SINGLE, batched ? programs.kernelsLeft(streams.cursor[slot]) : 1);
        return true;
      };

      const dropHeld = (tenant: number, situation: Situation): void => {
        const {held: lists, requests} = situation;
        for (let slot = lists.first(tenant); slot >= 0; slot = lists.first(tenant)) situation.drop(slot);
        while (batched && requests.waiting[tenant] > 0) situation.dropWaiting(tenant);
      };

      return {
        name: `evict(${inner.name})`,
        ...(inner.setup === undefined ? {} : {setup: inner.setup}),
        attach(situation) {
          inner.attach?.(situation);
        },
        onReady(slot, situation) {
          inner.onReady?.(slot, situation);
        },
        onFinished(launch, situation) {
          inner.onFinished?.(launch, situation);
          if (launch.failed) {
            for (let i = 0; i < launch.size; i++) probing[situation.streams.tenant[launch.members[i]]] = 0;
            return;
          }
          const {tenant: tenantOf} = situation.streams;
          const first = tenantOf[launch.members[0]];
          const alone = launch.size === 1 && probing[first] === 1;
          const residual = stragglers.residual(
            launch.cls,
            durationOf(launch, situation.now),
            launch.predictedNs,
            !alone,
          );
          if (alone) {
            judge(first, residual, situation);
            return;
          }
          for (let i = 0; i < launch.size; i++) {
            const tenant = tenantOf[launch.members[i]];
            if (health[tenant] === HEALTHY && stragglers.observe(tenant, residual))
              suspect(tenant, situation);
          }
        },
        decide(situation) {
          // Probes that are due go first, or a busy device would never readmit anybody.
          for (const tenant of held) if (probeAt[tenant] <= situation.now) runAlone(tenant, situation);
          inner.decide(situation);
          for (const tenant of held) {
            if (action === 'isolate') runAlone(tenant, situation);
            else if (health[tenant] === EVICTED && probeAt[tenant] > situation.now)
              dropHeld(tenant, situation);
            if (probeAt[tenant] > situation.now) situation.wakeAt(probeAt[tenant]);
          }
        },
      };
    },
  });
}

/** What a launch took on the device; from submission to sight where the device cannot tell. */
function durationOf(launch: Launch, seenAt: Nanoseconds): Nanoseconds {
  const {startedAt, finishedAt} = launch;
  return Number.isNaN(startedAt + finishedAt) ? seenAt - launch.submittedAt : finishedAt - startedAt;
}
