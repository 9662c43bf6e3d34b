// What launches cost the host, fitted to launches of known cost.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {costOf, fitLaunches} from '../../src/experiment/launchCost.ts';
import type {CostRow, LaunchCost} from '../../src/experiment/launchCost.ts';

const grid = (cost: LaunchCost, sizes: readonly number[], steps: readonly number[]): CostRow[] =>
  sizes.flatMap((size) => steps.map((steps) => ({size, steps, ns: costOf(cost, size, steps), count: 100})));
const close = (found: LaunchCost | null, cost: LaunchCost, size: number, steps: number): void => {
  const expected = costOf(cost, size, steps);
  expect(Math.abs(costOf(found!, size, steps) / expected - 1)).toBeLessThan(0.02);
};

describe('a fit of launches', () => {
  test.prop([
    fc.integer({min: 500, max: 10_000}),
    fc.integer({min: 5, max: 2000}),
    fc.integer({min: 100, max: 3000}),
    fc.integer({min: 5, max: 500}),
  ])('finds what they cost over members and steps', (fixed, perMember, stepFixed, stepPerMember) => {
    const cost = {fixed, perMember, stepFixed, stepPerMember};
    const found = fitLaunches(grid(cost, [1, 2, 8, 32], [1, 4, 20]), []);
    for (const size of [1, 3, 32]) for (const steps of [1, 10, 20]) close(found, cost, size, steps);
  });

  test('is not moved by a few launches that took far longer', () => {
    const cost = {fixed: 2000, perMember: 1000, stepFixed: 0, stepPerMember: 200};
    const rows = grid(cost, [1, 2, 4, 8], [1, 8, 16]);
    const odd = [{size: 1, steps: 1, ns: 500_000, count: 2}];
    const found = fitLaunches([...rows, ...odd], [], {perMemberSteps: true});
    for (const size of [1, 8]) for (const steps of [1, 16]) close(found, cost, size, steps);
    expect(found!.stepFixed).toBe(0);
  });

  test('takes from calls how cost grows with size, where live launches are all of one', () => {
    // Live launches take twice as long as calls in a loop.
    const calls = [1, 2, 8, 32, 128].map((size): [number, number] => [size, 1000 + 500 * size]);
    const found = fitLaunches([{size: 1, steps: 1, ns: 3000, count: 1000}], calls);
    for (const [size, ns] of calls)
      expect(Math.abs(costOf(found!, size, 1) / (2 * ns) - 1)).toBeLessThan(0.05);
  });

  test('is the calls alone where nothing ran live, and nothing without them', () => {
    const found = fitLaunches([], [[1, 1500], [3, 2500]]); // prettier-ignore
    expect(costOf(found!, 2, 1)).toBeCloseTo(2000, 6);
    expect(fitLaunches([], [])).toBe(null);
  });
});
