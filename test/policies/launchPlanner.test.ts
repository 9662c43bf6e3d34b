// What is best for streams that others join, alone and while others wait.
import {expect, test} from 'vitest';
import type {LaunchPlan} from '../../src/policies/launchPlanner.ts';
import {LaunchPlanner} from '../../src/policies/launchPlanner.ts';
import {ObservedSharing} from '../../src/policies/observedSharing.ts';
import {Reaction} from '../../src/policies/reaction.ts';
import type {Situation} from '../../src/scheduler/policy.ts';
import {runToy} from '../support/rig.ts';
import type {ToyWorld} from '../support/rig.ts';

/** Plans for streams at the start of a chain of twenty equal kernels. */
function plansIn(world: Pick<ToyWorld, 'batching' | 'smShare'>, kernelNs = 10_000) {
  let planner: LaunchPlanner | undefined;
  let start = 0;
  runToy({
    ...world,
    tenants: [{kernels: Array.from({length: 20}, () => 0), arrivals: []}],
    durations: [kernelNs],
    policy: {
      name: 'none',
      attach(situation: Situation) {
        start = situation.tenants[0].program(1);
        const sharing = new ObservedSharing(situation.costs.sharing, true);
        planner = new LaunchPlanner(
          {lanes: 16, maxSize: 128, quantumNs: 2e6, sharing},
          new Reaction(),
          situation,
        );
      },
      decide() {},
    },
  });
  return (population: number, others: number, use: number): LaunchPlan => {
    const plan = {} as LaunchPlan;
    planner!.choose(plan, start, population, others, use, 100e6);
    return plan;
  };
}

test('streams that others join go in twos though a launch of two takes nearly twice as long', () => {
  const plan = plansIn({
    batching: (size) => (size === 1 ? 1 : 0.9 * size),
    smShare: (_, size) => (size === 1 ? 0.9 : 1),
  });
  // The device is in use: one more does not go beside another.
  for (const population of [2, 6, 32]) expect(plan(population, 0, 2)).toMatchObject({size: 2, beside: 1});
});

/** Larger launches get more done, up to 32 members, which fill the device. */
const filling: Pick<ToyWorld, 'batching' | 'smShare'> = {
  batching: (size) => 1 + size / 16,
  smShare: (_, size) => Math.min(1, size / 32),
};

test('while others wait the larger of equal launches is kept', () => {
  const plan = plansIn(filling);
  const size = (others: number) => plan(32, others, 1).size;
  expect(size(64)).toBeGreaterThan(size(0));
});

test('launches are longer where others have the device while they wait for the host, but not for those who are as many', () => {
  const plan = plansIn(filling);
  const steps = (others: number) => plan(32, others, 1).steps;
  expect(steps(4)).toBeGreaterThan(steps(0));
  expect(steps(4)).toBeGreaterThan(steps(32));
});

test('launches are as long as what is recorded among others; a program by itself has them in between, too', () => {
  const lengths = (others: number) => [10_000, 20_000].map((ns) => plansIn(filling, ns)(32, others, 0).steps);
  const recorded = [1, 4, 16, 20];
  expect(recorded).toEqual(expect.arrayContaining(lengths(1000)));
  expect(recorded).not.toEqual(expect.arrayContaining(lengths(0)));
});

test('a crowd that cannot be answered in time is answered no later than it can be', () => {
  const plan = plansIn(
    {
      // Launches of 128 get 4 % more done than those of 64. Of those a round takes 50 ms, of the others nearly twice as long.
      batching: (size) => (size <= 64 ? 1 + 0.05 * size : (size < 128 ? 1 : 0.96) * (4.2 / 64) * size),
      smShare: () => 1,
    },
    600_000,
  );
  const sizes = [256, 1000, 10_000].map((population) => plan(population, 0, 0).size);
  expect(sizes).toEqual([128, 128, 128]);
});

test('where launches are so short that the host leaves the device idle, there are more than fill it', () => {
  const world: typeof filling = {
    ...filling,
    smShare: (_, size) => 0.2 + 0.33 * Math.min(1, size / 64),
  };
  const [long, short] = [50_000, 500].map((ns) => plansIn(world, ns)(10_000, 0, 0));
  expect(long.beside * long.sm).toBeGreaterThan(1);
  expect(short.beside * short.size).toBeGreaterThan(long.beside * long.size);
});

test('of the largest launches that fill the device two are side by side, however many wait', () => {
  // In rounds of 32 members, each of which nearly fills the device.
  const plan = plansIn({batching: (size) => 0.3 + Math.ceil(size / 32), smShare: () => 0.98}, 50_000);
  for (const population of [300, 400, 500]) {
    expect(plan(population, 0, 0).beside, `${population}`).toBe(2);
  }
});
