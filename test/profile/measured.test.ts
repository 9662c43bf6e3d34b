// Measured tables: how they correct the model.
import {expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {Correction} from '../../src/profile/measured.ts';

// A model of 10 blocks a wave, 100 ns each; the device takes 10 % more in the first wave, 20 % in the second.
const wavesOf = (size: number): number => size / 10;
const modelNs = (size: number): number => 100 * Math.ceil(wavesOf(size));
const correction = new Correction([
  [2, 108],
  [8, 114],
  [16, 240],
  [34, 480],
]);
const correct = (size: number): number => correction.correct(size, modelNs, wavesOf);

test('a measured point is what was measured', () => {
  expect([2, 8, 16, 34].map(correct)).toEqual([108, 114, 240, 480]);
});

test('between two points of one wave lies a straight line', () => {
  expect(correct(5)).toBeCloseTo(111);
});

test('between points of different waves the model makes the step, scaled by the point of the same wave', () => {
  expect(correct(10)).toBeCloseTo(114);
  expect(correct(11)).toBeCloseTo(240);
});

test('a wave without a point is scaled between the two points around it', () => {
  expect(correct(25)).toBeGreaterThan(300 * 1.2 - 1e-9);
  expect(correct(25)).toBeCloseTo(300 * 1.2);
});

test('beyond the points the model continues, scaled by the last', () => {
  expect(correct(1)).toBeCloseTo(108);
  expect(correct(60)).toBeCloseTo(600 * 1.2);
});

test('a profile with a table predicts what the table holds, and says that it is not extrapolated', () => {
  const bare = readProfile('v100');
  const profile = {
    ...bare,
    measured: [
      {
        source: 'assumption',
        m: 100_000,
        n: 1,
        k: 1,
        count: 1,
        dtype: 'fp32' as const,
        method: 'batched' as const,
        points: [[4, 123_456] as [number, number]],
      },
    ],
  };
  const kernel = {op: 'gemm', m: 100_000, n: 1, k: 1, count: 1, dtype: 'fp32'} as const;
  expect(costModel(profile).durationNs(kernel, 4, 'batched')).toBe(123_456);
  expect(costModel(profile).isExtrapolated(kernel, 4, 'batched')).toBe(false);
  expect(costModel(profile).isExtrapolated(kernel, 5, 'batched')).toBe(true);
  expect(costModel(profile, {corrected: false}).durationNs(kernel, 4, 'batched')).toBe(
    costModel(bare).durationNs(kernel, 4, 'batched'),
  );
});
