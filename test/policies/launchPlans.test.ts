// Plans that are remembered: at most one is made in a decision, whatever it asks for.
import {describe, expect, test} from 'vitest';
import type {LaunchPlan, LaunchPlanner} from '../../src/policies/launchPlanner.ts';
import {LaunchPlans} from '../../src/policies/launchPlans.ts';

/** Counts the plans that it makes; a plan's size is the population, its duration the place at which it was made. */
function counting() {
  let made = 0;
  const choose = (plan: LaunchPlan, _cursor: number, population: number): void => {
    plan.size = population;
    plan.completionNs = ++made;
  };
  return {planner: {prepare: () => {}, choose, version: 0}, made: () => made};
}

function remembered() {
  const {planner, made} = counting();
  const plans = new LaunchPlans(planner as unknown as LaunchPlanner);
  const find = (cursor: number, population: number) => ({
    ...plans.find(cursor, population, 0, 0, 1e6),
  });
  return {plans, planner, made, find};
}

describe('plans', () => {
  test('are made once', () => {
    const {plans, made, find} = remembered();
    plans.begin();
    const first = find(7, 3);
    plans.begin();
    expect(find(7, 3)).toEqual(first);
    expect(made()).toBe(1);
  });

  test('are for the use of the device that there is, up to twice it', () => {
    const uses: number[] = [];
    const choose = (_: LaunchPlan, ...[, , , use]: number[]): void => void uses.push(use);
    const plans = new LaunchPlans({prepare: () => {}, choose, version: 0} as unknown as LaunchPlanner);
    for (const use of [0, 0.3, 1.2, 1.9, 2.4, 2.6, 4, 9]) {
      plans.begin();
      plans.find(7, 3, 8, use, 1e6);
    }
    // Each once.
    expect(uses).toEqual([0, 0.5, 1, 2]);
  });

  test('are made one in a decision; a second one is that of the same streams, until the next decision', () => {
    const {plans, made, find} = remembered();
    plans.begin();
    expect(find(7, 3).size).toBe(3);
    expect(find(7, 4).size).toBe(3);
    expect(made()).toBe(1);
    plans.begin();
    expect(find(7, 4).size).toBe(4);
    expect(made()).toBe(2);
  });

  test('are made again one in a decision when the planner knows better; the old ones do meanwhile', () => {
    const {plans, planner, made, find} = remembered();
    for (const population of [1, 2]) {
      plans.begin();
      find(7, population);
    }
    planner.version++;
    plans.begin();
    expect(find(7, 1).completionNs).toBe(3);
    expect(find(7, 2).completionNs).toBe(2);
    expect(made()).toBe(3);
  });

  test('are known from the first decision on in usual situations', () => {
    const {plans, made, find} = remembered();
    plans.makeAhead(0, 1, 1e6);
    const ahead = made();
    plans.begin();
    for (const population of [1, 2, 3, 4, 8, 16]) expect(find(0, population).size).toBe(population);
    expect(made()).toBe(ahead);
  });

  test('of many programs do not push each other out', () => {
    const {plans, made, find} = remembered();
    for (let program = 0; program < 100; program++) plans.makeAhead(100 * program, 100, 1e6);
    expect(made()).toBeLessThanOrEqual(4096);
    const ahead = made();
    for (let program = 0; program < 100; program++) {
      plans.begin();
      find(100 * program, 1);
    }
    expect(made() - ahead).toBeLessThanOrEqual(5);
  });
});
