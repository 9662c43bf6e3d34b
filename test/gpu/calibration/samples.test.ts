// Summaries and fits of repeated measurements.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {turnsOf} from '../../../src/gpu/calibration/contexts.ts';
import {
  affineFit,
  lineOfTotals,
  planeOfTotals,
  quantilesOf,
  spreadOf,
} from '../../../src/gpu/calibration/samples.ts';

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

describe('lineOfTotals', () => {
  const point = fc.record({
    x: fc.nat(200),
    y: fc.double({min: 1, max: 1e5, noNaN: true}),
    n: fc.integer({min: 1, max: 10_000}),
  });
  const points = fc.array(point, {minLength: 1, maxLength: 12});

  test.prop([points])('keeps the total, and is below 0 nowhere', (all) => {
    const {a, b} = lineOfTotals(all);
    expect(Math.min(a, b)).toBeGreaterThanOrEqual(0);
    let [total, ofLine] = [0, 0];
    for (const {x, y, n} of all) {
      total += n * y;
      ofLine += n * (a + b * x);
    }
    expect(ofLine / total).toBeCloseTo(1, 9);
  });

  test.prop([points])('takes what was seen n times as n points', (all) => {
    const few = all.map((each) => ({...each, n: 1 + (each.n % 4)}));
    const apart = few.flatMap((each) => Array.from({length: each.n}, () => ({...each, n: 1})));
    const [{a, b}, other] = [lineOfTotals(few), lineOfTotals(apart)];
    expect(Math.abs(a - other.a) + Math.abs(b - other.b)).toBeLessThan(1e-6 * (1 + a + b));
  });
});

describe('planeOfTotals', () => {
  const point = fc.record({
    u: fc.nat(20),
    v: fc.nat(200),
    y: fc.double({min: 1, max: 1e5, noNaN: true}),
    n: fc.integer({min: 1, max: 10_000}),
  });

  test.prop([fc.array(point, {minLength: 1, maxLength: 12})])(
    'keeps the total, is below 0 nowhere, and no worse than a line',
    (all) => {
      const {a, b, c} = planeOfTotals(all);
      expect(Math.min(a, b, c)).toBeGreaterThanOrEqual(0);
      let [total, ofPlane] = [0, 0];
      for (const {u, v, y, n} of all) {
        total += n * y;
        ofPlane += n * (a + b * u + c * v);
      }
      expect(ofPlane / total).toBeCloseTo(1, 6);
      const line = lineOfTotals(all.map(({v, y, n}) => ({x: v, y, n})));
      const errorOf = (at: (each: (typeof all)[number]) => number): number =>
        all.reduce((sum, each) => sum + each.n * (at(each) - each.y) ** 2, 0);
      const ofLine = errorOf(({v}) => line.a + line.b * v);
      expect(errorOf(({u, v}) => a + b * u + c * v)).toBeLessThanOrEqual(ofLine * (1 + 1e-9) + 1e-6);
    },
  );

  test.prop([fc.array(fc.tuple(fc.nat(20), fc.nat(200)), {minLength: 4, maxLength: 12}), fc.nat(900)])(
    'finds a plane again',
    (places, a) => {
      const points = [[0, 0], [3, 1], [1, 90], ...places]; // prettier-ignore
      const found = planeOfTotals(points.map(([u, v]) => ({u, v, y: a + 700 * u + 31 * v, n: 1 + (u % 3)})));
      expect(found.a).toBeCloseTo(a, 3);
      expect(found.b).toBeCloseTo(700, 4);
      expect(found.c).toBeCloseTo(31, 5);
    },
  );
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
