// Where in a program streams are at one place, for all that plans are concerned.
import {describe, expect, test} from 'vitest';
import {PlanTerms, sizeAt, termsWidth} from '../../src/policies/planTerms.ts';
import type {Costs} from '../../src/scheduler/costs.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {constantCosts} from '../support/constantCosts.ts';

/** Terms of programs, of which only the places are asked for. */
function placesOf(...programs: readonly (readonly number[])[]) {
  const all = new Programs();
  const starts = programs.map((classes) =>
    all.add(
      classes,
      classes.map(() => 1),
    ),
  );
  const terms = new PlanTerms(all, {} as Costs, 1, 1e6);
  return programs.map(({length}, i) =>
    Array.from({length}, (_, at) => [terms.first(starts[i] + at) - starts[i], terms.left(starts[i] + at)]),
  );
}

describe('places in a program', () => {
  test('of equal kernels are the first of them', () => {
    expect(placesOf([3, 3, 3, 3])).toEqual([
      [
        [0, 4],
        [0, 3],
        [0, 2],
        [0, 1],
      ],
    ]);
  });

  test('of kernels that differ are their own, and no run reaches into another program', () => {
    expect(placesOf([1, 2, 2, 1], [1, 1, 5])).toEqual([
      [
        [0, 4],
        [1, 3],
        [1, 2],
        [3, 1],
      ],
      [
        [0, 3],
        [0, 2],
        [2, 1],
      ],
    ]);
  });

  test('far beyond those that were asked for are found', () => {
    const long = Array.from({length: 3000}, () => 7);
    expect(placesOf(long)[0].at(-1)).toEqual([0, 1]);
  });
});

describe('sizes that are looked at', () => {
  /** Batches take rounds of 33 members. */
  const costs = {
    ...constantCosts(100, {followNs: 0}),
    bestNs: (_: number, size: number) => 100 * Math.ceil(size / 33),
  };
  const sizesUpTo = (maxSize: number): number[] => {
    const programs = new Programs();
    const terms = new PlanTerms(programs, costs, maxSize, 1e6).of(programs.add([0, 0], [100, 100]));
    return Array.from(
      {length: terms.length / termsWidth - 1},
      (_, i) => terms[(i + 1) * termsWidth + sizeAt],
    );
  };

  test('are the last ones before another round too', () => {
    expect(sizesUpTo(128)).toEqual(expect.arrayContaining([33, 66, 99, 128]));
  });

  test('are all different, from one up, and no more than there may be', () => {
    for (const most of [1, 2, 33, 40, 100, 128]) {
      const sizes = sizesUpTo(most);
      expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
      expect(sizes[0]).toBe(1);
      expect(sizes.at(-1)).toBeLessThanOrEqual(most);
    }
  });
});
