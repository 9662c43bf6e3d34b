// How the tenants of a live run are given to the threads or processes that submit.
import {fc, test as property} from '@fast-check/vitest';
import {describe, expect, test} from 'vitest';
import {planHosts, withHosts} from '../../src/experiment/hostPlan.ts';
import {prepareRun} from '../../src/experiment/simulate.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {scenarioSchema} from '../../src/experiment/scenario.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';

const tenants = (count: number): Tenant[] =>
  Array.from({length: count}, () => ({family: 0}) as unknown as Tenant);
const policy = (name: string, lanes: number | 'per-tenant'): Policy => ({
  name,
  setup: {lanes, host: 'per-lane'},
  decide: () => {},
});

describe('planHosts', () => {
  test('gives every tenant a host where there may be as many', () => {
    const plans = planHosts(policy('mps', 'per-tenant'), tenants(3));
    expect(plans).toEqual([0, 1, 2].map((t) => ({tenants: [t], lanes: {first: t, count: 1}})));
  });

  test('is null for a policy that does not say which lanes serve whom', () => {
    expect(planHosts(policy('ooo', 4), tenants(8), 2)).toBeNull();
  });

  property.prop([
    fc.constantFrom('streams', 'mps', 'time-slice'),
    fc.integer({min: 1, max: 130}),
    fc.option(fc.integer({min: 1, max: 130}), {nil: 'per-tenant' as const}),
    fc.integer({min: 1, max: 20}),
  ])(
    'every tenant and lane has one host, of at most so many, and loads are even',
    (name, count, lanes, most) => {
      const plans = planHosts(policy(name, lanes), tenants(count), most)!;
      const used = lanes === 'per-tenant' ? count : Math.min(lanes, count);
      expect(plans).toHaveLength(Math.min(most, used));
      expect(plans.flatMap((plan) => plan.tenants).toSorted((a, b) => a - b)).toEqual([
        ...tenants(count).keys(),
      ]);
      let next = 0;
      for (const plan of plans) {
        expect(plan.lanes.first).toBe(next);
        next += plan.lanes.count;
        for (const tenant of plan.tenants) {
          const lane = tenant % (lanes === 'per-tenant' ? count : lanes);
          expect(lane).toBeGreaterThanOrEqual(plan.lanes.first);
          expect(lane).toBeLessThan(next);
        }
      }
      expect(next).toBe(used);
      const counts = plans.map((plan) => plan.lanes.count);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    },
  );
});

describe('withHosts', () => {
  const prepare = (name: string) =>
    prepareRun(
      {
        scenario: scenarioSchema.parse({
          device: 'v100',
          duration: '10ms',
          memory: false,
          tenants: [{name: 'a', model: 'alexnet', replicas: 5, slo: '1s', arrivals: {process: 'saturated'}}],
        }),
        policy: name,
        load: null,
        replication: 0,
        directory: '.',
      },
      readProfile('v100'),
    );

  test('the tenants of a time-sliced process take turns on its one lane', async () => {
    const run = withHosts(await prepare('time-slice'), 2);
    expect(run.lanes).toBe(2);
    expect(planHosts(run.policy, run.workbench.tenants, 2)).toEqual([
      {tenants: [0, 2, 4], lanes: {first: 0, count: 1}},
      {tenants: [1, 3], lanes: {first: 1, count: 1}},
    ]);
  });

  test('streams and MPS processes keep a lane for every tenant, as does whoever has a host each', async () => {
    for (const [name, most] of [
      ['streams', 2],
      ['mps', 2],
      ['time-slice', 5],
    ] as const) {
      const run = await prepare(name);
      expect(withHosts(run, most)).toBe(run);
      expect(run.lanes).toBe(5);
    }
  });
});
