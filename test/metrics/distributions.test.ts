import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {normalQuantile, studentCdf, studentPValue, studentQuantile} from '../../src/metrics/distributions.ts';

describe('Student’s t', () => {
  // Fisher and Yates, Statistical Tables, table III; two-sided 5 %, 1 % and 0.1 %.
  test.each([
    [1, 12.706, 63.657, 636.619],
    [2, 4.303, 9.925, 31.599],
    [3, 3.182, 5.841, 12.924],
    [4, 2.776, 4.604, 8.61],
    [5, 2.571, 4.032, 6.869],
    [9, 2.262, 3.25, 4.781],
    [10, 2.228, 3.169, 4.587],
    [18, 2.101, 2.878, 3.922],
    [19, 2.093, 2.861, 3.883],
    [30, 2.042, 2.75, 3.646],
    [60, 2.0, 2.66, 3.46],
    [120, 1.98, 2.617, 3.373],
  ])('has the published quantiles at %i degrees of freedom', (df, five, one, tenth) => {
    expect(studentQuantile(0.975, df)).toBeCloseTo(five, 3);
    expect(studentQuantile(0.995, df)).toBeCloseTo(one, 3);
    expect(studentQuantile(0.9995, df)).toBeCloseTo(tenth, 3);
  });

  test('is the Cauchy distribution at one degree of freedom', () => {
    for (const p of [0.001, 0.2, 0.6, 0.9, 0.9999]) {
      const exact = Math.tan(Math.PI * (p - 0.5));
      expect(studentQuantile(p, 1) / exact).toBeCloseTo(1, 9);
      expect(studentCdf(exact, 1)).toBeCloseTo(p, 12);
    }
  });

  test('has the closed form of two degrees of freedom', () => {
    for (const p of [0.01, 0.3, 0.75, 0.999]) {
      expect(studentQuantile(p, 2)).toBeCloseTo((2 * p - 1) / Math.sqrt(2 * p * (1 - p)), 9);
    }
  });

  test.prop([fc.double({min: 1e-6, max: 1 - 1e-6, noNaN: true}), fc.integer({min: 1, max: 500})])(
    'distribution function and quantile are inverse',
    (p, df) => {
      expect(studentCdf(studentQuantile(p, df), df)).toBeCloseTo(p, 10);
    },
  );

  test.prop([fc.double({min: -30, max: 30, noNaN: true}), fc.integer({min: 1, max: 200})])(
    'the p value is the weight of both tails',
    (t, df) => {
      expect(studentPValue(t, df)).toBeCloseTo(2 * studentCdf(-Math.abs(t), df), 12);
    },
  );

  test('approaches the normal distribution', () => {
    for (const p of [0.01, 0.1, 0.7, 0.975, 0.9995])
      expect(studentQuantile(p, 1e6)).toBeCloseTo(normalQuantile(p), 4);
  });

  test('refuses what is no probability and no degree of freedom', () => {
    expect(() => studentQuantile(1, 5)).toThrow('invalid probability: 1 (expected between 0 and 1)');
    expect(() => studentCdf(0, 0)).toThrow('invalid degrees of freedom: 0 (expected above 0)');
  });
});

describe('the normal quantile', () => {
  // Wichura 1988, the values he gives to check an implementation; and the two everybody knows.
  test.each([
    [0.25, -0.6744897501960817],
    [0.001, -3.090232306167814],
    [1e-20, -9.26234008979841],
    [0.975, 1.959963984540054],
    [0.995, 2.5758293035489004],
  ])('at %d is %d', (p, z) => {
    expect(normalQuantile(p)).toBeCloseTo(z, 12);
  });

  test('ends at infinity', () => {
    expect(normalQuantile(0)).toBe(-Infinity);
    expect(normalQuantile(1)).toBe(Infinity);
    expect(normalQuantile(0.5)).toBe(0);
  });
});
