// Where in a program streams are at one place, for all that plans are concerned.
import {describe, expect, test} from 'vitest';
import {PlanTerms} from '../../src/policies/planTerms.ts';
import type {Costs} from '../../src/scheduler/costs.ts';
import {Programs} from '../../src/scheduler/programs.ts';

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
