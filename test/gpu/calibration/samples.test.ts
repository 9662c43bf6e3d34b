// Summaries and fits of repeated measurements.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {turnsOf} from '../../../src/gpu/calibration/contexts.ts';
import {affineFit, quantilesOf, spreadOf} from '../../../src/gpu/calibration/samples.ts';

describe('affineFit', () => {
  const positive = fc.double({min: 0.1, max: 1e5, noNaN: true});

  test.prop([positive, positive])('finds a + b x where the points lie on it', (a, b) => {
    const fit = affineFit([1, 2, 8, 128].map((x) => [x, a + b * x]));
    // What a line of b 128 hides of a is lost to rounding.
    expect(Math.abs(fit.a - a)).toBeLessThan(1e-6 * (a + b));
    expect(Math.abs(fit.b - b)).toBeLessThan(1e-6 * (a + b));
  });

  test('goes no lower than 0: the other term then carries all', () => {
    expect(affineFit([[1, 10], [10, 5]])).toMatchObject({b: 0}); // prettier-ignore
    const falling = affineFit([[1, 1], [2, 4], [3, 9]]); // prettier-ignore
    expect(falling.a).toBe(0);
    expect(falling.b).toBeGreaterThan(1);
  });

  test('is flat where all points lie at one x', () => {
    expect(affineFit([[4, 7], [4, 7]])).toEqual({a: 7, b: 0}); // prettier-ignore
  });
});

describe('spreads', () => {
  test.prop([fc.array(fc.double({min: 0, max: 1e9, noNaN: true}), {minLength: 1})])(
    'are in order',
    (values) => {
      const {p10, p50, p90, p99} = spreadOf(values);
      const quantiles = quantilesOf(values, 4);
      expect([p10, p50, p90, p99]).toEqual([p10, p50, p90, p99].sort((a, b) => a - b));
      expect(quantiles[0]).toBe(Math.min(...values));
      expect(quantiles[4]).toBe(Math.max(...values));
    },
  );
});

describe('turnsOf', () => {
  test('finds slice and switch of contexts that take turns', () => {
    // Launches of 100 in turns of 1000, 50 between turns.
    const ends: {at: number; context: number}[] = [];
    let at = 0;
    for (let turn = 0; turn < 6; turn++) {
      for (let i = 0; i < 10; i++) ends.push({at: (at += 100), context: turn % 2});
      at += 50;
    }
    expect(turnsOf(ends)).toMatchObject({sliceNs: 1000, switchNs: 50, turns: 4, launchNs: 100});
  });

  test('finds none where one context has the device to itself', () => {
    const ends = [1, 2, 3].map((at) => ({at, context: 0}));
    expect(turnsOf(ends)).toMatchObject({sliceNs: null, switchNs: null, turns: 0});
  });
});
