// Shares of the device: measured where the profile has them, modelled where not.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import type {Elementwise, Gemm} from '../../src/scheduler/kernel.ts';

const kernel: Gemm = {op: 'gemm', m: 256, n: 128, k: 1152, count: 1, dtype: 'fp32'};
const other: Gemm = {...kernel, m: 64, n: 32};
const pass = (bytes: number): Elementwise => ({op: 'elementwise', bytes, dtype: 'fp32'});

const plain = readProfile('v100');
const source = Object.keys(plain.sources)[0];
const {op: _, ...shape} = kernel;
const withShares = (more: Partial<DeviceProfile> = {}): DeviceProfile =>
  parseProfile({
    ...plain,
    measured_shares: [
      {source, ...shape, method: 'single', points: [[1, 0.4]]},
      {
        source,
        ...shape,
        method: 'batched',
        points: [
          [2, 0.2],
          [8, 0.8],
        ],
      },
    ],
    ...more,
  });

describe('shares of the device', () => {
  const costs = costModel(withShares());

  test('of a single do not depend on how many follow each other', () => {
    for (const size of [1, 2, 32]) expect(costs.smShare(kernel, size, 'single')).toBe(0.4);
  });

  test('of several members are as measured', () => {
    expect(costs.smShare(kernel, 2, 'batched')).toBeCloseTo(0.2, 12);
    expect(costs.smShare(kernel, 8, 'batched')).toBeCloseTo(0.8, 12);
  });

  test('of other sizes: the device time of a member lies on the line between measured sizes, or is the nearest', () => {
    const perMember = (size: number, share: number) =>
      (share * costs.durationNs(kernel, size, 'batched')) / size;
    const [two, eight] = [perMember(2, 0.2), perMember(8, 0.8)];
    for (const [size, memberNs] of [
      [1, two],
      [4, two + (eight - two) / 3],
      [5, (two + eight) / 2],
      [9, eight],
      [64, eight],
    ]) {
      for (const method of ['batched', 'padded', 'strided', 'grouped'] as const) {
        const share = Math.min(1, (size * memberNs) / costs.durationNs(kernel, size, method));
        expect(costs.smShare(kernel, size, method)).toBeCloseTo(share, 12);
      }
    }
  });

  test('fall where one member more begins another wave: it takes longer and fills no more', () => {
    const points: [number, number][] = [
      [16, 100e3],
      [17, 190e3],
      [32, 200e3],
    ];
    const waves = costModel(
      withShares({
        measured: [{source, ...shape, method: 'batched', points}],
        measured_shares: [{source, ...shape, method: 'batched', points: [[16, 0.9]]}],
      }),
    );
    const shares = [16, 17, 32].map((size) => waves.smShare(kernel, size, 'batched'));
    expect(shares[0]).toBeCloseTo(0.9, 9);
    expect(shares[1]).toBeCloseTo((0.9 * 100 * 17) / 16 / 190, 9);
    expect(shares[2]).toBeCloseTo(0.9, 9);
  });

  test('press with more than themselves where it takes many lanes to get done what they say', () => {
    const crowded = costModel(
      withShares({
        measured_shares: [{source, ...shape, method: 'single', points: [[1, 0.32, 1.25]]}],
      }),
    );
    expect(crowded.smShare(kernel, 1, 'single')).toBe(0.32);
    expect(crowded.pressure(kernel, 1, 'single')).toBe(1.25);
    expect(costs.pressure(kernel, 1, 'single')).toBe(1);
    // What was found amid the kernels of a model goes before what was found in a loop.
    const inRuns = costModel(
      withShares({
        measured_shares: [{source, ...shape, method: 'single', points: [[1, 0.32, 1.25]]}],
        measured_in_runs: [{source, ...shape, method: 'single', points: [[1, 1, 0.5, 1.75]]}],
      }),
    );
    expect(inRuns.pressure(kernel, 1, 'single')).toBe(1.75);
  });

  test('take in the bandwidth: it is never more', () => {
    for (const size of [1, 2, 5, 64]) {
      const share = costs.smShare(kernel, size, 'batched');
      expect(costs.bandwidthShare(kernel, size, 'batched')).toBeLessThanOrEqual(share);
    }
  });

  test('of classes without a table are the model’s, times the scale of the profile, at most 1', () => {
    const model = costModel(plain);
    const {contention} = plain;
    for (const scale of [0.5, 1.5, 100]) {
      const scaled = costModel(
        withShares({contention: {...contention, share_scale: {value: scale, source}}}),
      );
      for (const size of [1, 8]) {
        const share = Math.min(1, scale * model.smShare(other, size, 'batched'));
        expect(scaled.smShare(other, size, 'batched')).toBeCloseTo(share, 12);
        expect(scaled.smShare(kernel, 8, 'batched')).toBeCloseTo(0.8, 12);
      }
    }
  });

  test('of element-wise kernels go by the bytes that all members move', () => {
    const elementwise: DeviceProfile['elementwise'] = {
      ...plain.elementwise,
      shares: [
        [1024, 0.1],
        [4096, 0.3],
      ],
    };
    const model = costModel(withShares({elementwise}));
    const share = (...args: Parameters<typeof model.smShare>): number => model.smShare(...args);
    expect(share(pass(512), 1, 'single')).toBe(0.1);
    expect(share(pass(1024), 2, 'batched')).toBeCloseTo(0.2, 12);
    expect(share(pass(1024), 2, 'single')).toBe(0.1);
    expect(share(pass(1024), 100, 'batched')).toBe(0.3);
    expect(costModel(plain).smShare(pass(1024), 1, 'single')).toBe(1);
  });

  test('are left out where the model is asked for alone', () => {
    const alone = costModel(withShares(), {corrected: false});
    expect(alone.smShare(kernel, 8, 'batched')).toBe(costModel(plain).smShare(kernel, 8, 'batched'));
  });

  test('above 1 are no shares', () => {
    const [table] = withShares().measured_shares!;
    expect(() => parseProfile({...plain, measured_shares: [{...table, points: [[1, 1.5]]}]})).toThrow(
      /measured_shares\.0\.points\.0\.1/,
    );
  });
});
