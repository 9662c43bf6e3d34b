// Named random streams: reproducible, independent of each other, and free of the likeness of neighbouring seeds.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {stream} from '../../src/workload/random.ts';

const draws = (seed: number | string, name: string, n: number) => {
  const random = stream(seed, name);
  return Array.from({length: n}, random);
};

/** Correlation of two samples of uniform numbers. */
const correlation = (a: readonly number[], b: readonly number[]) =>
  (a.reduce((sum, x, i) => sum + (x - 0.5) * (b[i] - 0.5), 0) / a.length) * 12;

describe('stream', () => {
  test('gives the same numbers on every machine', () => {
    expect(draws(1, 'tenant/chat/arrivals', 3)).toEqual([
      0.0896824465598911, 0.3951357251498848, 0.1823941534385085,
    ]);
  });

  test('takes the seeds 1 and "1" for the same', () => {
    expect(draws(1, 'a', 5)).toEqual(draws('1', 'a', 5));
  });

  test('does not confuse a seed with the beginning of a name', () => {
    expect(draws('1', '2/a', 5)).not.toEqual(draws('1/2', 'a', 5));
  });

  test('is not moved by another stream that draws in between', () => {
    const alone = draws(7, 'a', 100);
    const a = stream(7, 'a');
    const b = stream(7, 'b');
    const mixed = alone.map(() => (b(), a()));
    expect(mixed).toEqual(alone);
  });

  test.prop([fc.string(), fc.string()])('differs between names', (one, other) => {
    fc.pre(one !== other);
    expect(draws(1, one, 4)).not.toEqual(draws(1, other, 4));
  });

  test('is uniform: 100 bins of 100,000 draws pass a chi-square test', () => {
    const bins = Array.from({length: 100}, () => 0);
    for (const u of draws(3, 'uniform', 100_000)) bins[Math.floor(u * 100)]++;
    const chiSquare = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(149); // 99 degrees of freedom: p = 0.001
    expect(chiSquare).toBeGreaterThan(61);
  });

  test('consecutive seeds and similar names are uncorrelated', () => {
    const n = 1000;
    const bySeed = Array.from({length: 40}, (_, seed) => draws(seed, 'tenant/chat/arrivals', n));
    const byName = Array.from({length: 40}, (_, i) => draws(1, `tenant/${i}/arrivals`, n));
    for (const samples of [bySeed, byName]) {
      let largest = 0;
      samples.forEach((a, i) =>
        samples.slice(0, i).forEach((b) => (largest = Math.max(largest, Math.abs(correlation(a, b))))),
      );
      // 780 pairs of independent samples exceed 4.5 / sqrt(n) once in 200 such tests.
      expect(largest).toBeLessThan(4.5 / Math.sqrt(n));
    }
  });

  test('the first draws of consecutive seeds are uncorrelated', () => {
    const first = Array.from({length: 10_000}, (_, seed) => draws(seed, 'x', 1)[0]);
    expect(Math.abs(correlation(first.slice(1), first.slice(0, -1)))).toBeLessThan(0.04);
  });
});
