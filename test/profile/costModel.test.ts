// What the cost model predicts: laws that hold for every profile that ships.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {profileNames, readProfile} from '../../src/experiment/profileFiles.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {gemmModelOf} from '../../src/profile/gemmModel.ts';
import {DeviceError} from '../../src/scheduler/errors.ts';
import type {Gemm, Kernel, Method} from '../../src/scheduler/kernel.ts';

const models = new Map(
  profileNames().map((name) => [name, costModel(readProfile(name), {corrected: false})]),
);
const v100 = costModel(readProfile('v100'));
const free: Method[] = ['single', 'batched', 'grouped'];

const side = fc.integer({min: 1, max: 2048});
const gemms = fc.record({
  op: fc.constant('gemm' as const),
  m: side,
  n: side,
  k: fc.integer({min: 1, max: 8192}),
  count: fc.integer({min: 1, max: 16}),
  dtype: fc.constant('fp32' as const),
});
// By name: a counterexample should not print a whole profile.
const anyProfile = fc.constantFrom(...models.keys());
const sizes = fc.integer({min: 1, max: 200});
const gemm = (m: number, n: number, k: number, count = 1): Gemm => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

describe('for every profile, shape and size', () => {
  test.prop([anyProfile, gemms, sizes, fc.constantFrom(...free, 'strided' as const, 'padded' as const)])(
    'a duration is a whole number of ns above zero',
    (name, kernel, size, method) => {
      const model = models.get(name)!;
      const ns = model.durationNs(kernel, size, method);
      expect(Number.isInteger(ns) && ns > 0).toBe(true);
    },
  );

  test.prop([anyProfile, gemms, sizes])(
    'with the method free, a larger superkernel costs no less',
    (name, kernel, size) => {
      const model = models.get(name)!;
      const best = (members: number): number =>
        Math.min(...free.map((method) => model.durationNs(kernel, members, method)));
      expect(best(size + 1)).toBeGreaterThanOrEqual(best(size));
    },
  );

  test.prop([anyProfile, gemms, sizes])('no method gets faster with more members', (name, kernel, size) => {
    const model = models.get(name)!;
    for (const method of free) {
      expect(model.durationNs(kernel, size + 1, method)).toBeGreaterThanOrEqual(
        model.durationNs(kernel, size, method),
      );
    }
  });

  test.prop([anyProfile, gemms, sizes, fc.constantFrom(...free)])(
    'a launch takes a share of SMs and bandwidth above 0 and at most 1',
    (name, kernel, size, method) => {
      const model = models.get(name)!;
      for (const share of [model.smShare(kernel, size, method), model.bandwidthShare(kernel, size, method)]) {
        expect(share).toBeGreaterThan(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    },
  );

  test.prop([anyProfile, gemms])('no product beats the peak of the GPU', (name, kernel) => {
    const model = models.get(name)!;
    const {hardware} = model.profile;
    const flops = 2 * kernel.m * kernel.n * kernel.k * kernel.count;
    const tflops = flops / model.durationNs(kernel, 1, 'single') / 1000;
    expect(tflops).toBeLessThan(1.1 * hardware.peak_tflops.fp32!.value);
  });

  test.prop([anyProfile, gemms, fc.integer({min: 1, max: 40})])(
    'a grouped launch of equal shapes costs what the same group costs by its members',
    (name, kernel, size) => {
      const model = models.get(name)!;
      expect(model.groupedNs(Array.from({length: size}, () => kernel))).toBe(
        model.durationNs(kernel, size, 'grouped'),
      );
    },
  );

  test.prop([anyProfile, fc.array(gemms, {minLength: 1, maxLength: 12})])(
    'a grouped launch of mixed shapes is no faster than any of them alone',
    (name, kernels) => {
      const model = models.get(name)!;
      const together = model.groupedNs(kernels);
      for (const kernel of kernels) expect(together).toBeGreaterThanOrEqual(model.groupedNs([kernel]));
    },
  );
});

describe('methods', () => {
  test('single launches run one after another with a gap between', () => {
    const one = v100.durationNs(gemm(256, 128, 1152), 1, 'single');
    expect(v100.durationNs(gemm(256, 128, 1152), 10, 'single')).toBeCloseTo(10 * one + 9 * v100.gapNs, -2);
  });

  test('a batch of R kernels of count products is a batch of R x count products', () => {
    expect(v100.durationNs(gemm(64, 64, 64, 12), 5, 'batched')).toBe(
      v100.durationNs(gemm(64, 64, 64), 60, 'batched'),
    );
  });

  test('a batch of element-wise kernels is one kernel over all their bytes', () => {
    const kernel = (bytes: number): Kernel => ({op: 'elementwise', bytes, dtype: 'fp32'});
    expect(v100.durationNs(kernel(1e6), 8, 'batched')).toBe(v100.durationNs(kernel(8e6), 1, 'batched'));
  });

  test('coalescing pays: 32 small products in a batch take less than half of one after another', () => {
    const kernel = gemm(256, 128, 1152);
    expect(v100.durationNs(kernel, 32, 'batched')).toBeLessThan(0.5 * v100.durationNs(kernel, 32, 'single'));
  });

  test('a member more costs the host a launch where they are launched one by one, and next to nothing in a batch', () => {
    const member = (method: Method): number =>
      v100.submitNs(gemm(64, 64, 64), 101, method) - v100.submitNs(gemm(64, 64, 64), 100, method);
    expect(member('batched')).toBeGreaterThan(0);
    expect(member('single')).toBeGreaterThan(20 * member('batched'));
  });
});

test('time grows in steps where another block per SM begins, and is flat between', () => {
  // Products of 256 x 256 are 16 blocks of 64 x 64 or 32 x 128 each: five fill the 80 SMs with one more block.
  const model = gemmModelOf(v100.profile, 'fp32');
  const ns = (batch: number): number => model.stridedNs({batch, m: 256, n: 256, k: 1024});
  const within = ns(125) - ns(121);
  const across = ns(126) - ns(125);
  expect(across).toBeGreaterThan(5 * within);
});

describe('what cannot be predicted is refused', () => {
  test('a data type without a model, with the known ones', () => {
    expect(() => v100.durationNs({...gemm(64, 64, 64), dtype: 'bf16'}, 1, 'single')).toThrow(
      new DeviceError('profile v100 cannot predict gemm 64x64x64 bf16: missing data type bf16 (known: fp32)'),
    );
  });

  test('a shape that is not a number, naming kernel and size', () => {
    expect(() => v100.durationNs(gemm(NaN, 64, 64), 3, 'batched')).toThrow(
      /invalid duration of gemm NaNx64x64 fp32, 3 members/,
    );
  });

  test('a group of different data types', () => {
    const model = costModel(readProfile('a100'));
    const kernel = gemm(64, 64, 64);
    expect(() => model.groupedNs([kernel, {...kernel, dtype: 'fp16'}])).toThrow(
      /expected GEMMs of one data type/,
    );
  });
});

test('further products of the members of a batch cost the host what their addresses do', () => {
  const {profile} = v100;
  const host = {...profile.host, per_product_ns: {value: 5, source: 'assumption'}};
  const model = costModel({...profile, host});
  const [one, many] = [gemm(64, 64, 64), gemm(64, 64, 64, 101)];
  for (const of of ['submitNs', 'followNs'] as const) {
    expect(model[of](many, 4, 'batched') - model[of](one, 4, 'batched')).toBe(5 * 100 * 4);
    expect(model[of](many, 4, 'single')).toBe(model[of](one, 4, 'single'));
    expect(v100[of](many, 4, 'batched')).toBe(v100[of](one, 4, 'batched'));
  }
});

test('a shape outside the fitted region is marked as extrapolated', () => {
  const {region} = v100.profile.gemm.fp32!;
  expect(v100.isExtrapolated(gemm(256, 128, 1152), 20, 'batched')).toBe(false);
  expect(v100.isExtrapolated(gemm(256, 128, region.k[1] + 1), 1, 'single')).toBe(true);
  expect(v100.isExtrapolated(gemm(256, 128, 1152), region.batch[1] + 1, 'batched')).toBe(true);
});

test('an element-wise launch that moves more or less than was measured is marked as extrapolated', () => {
  const {elementwise} = v100.profile;
  const model = costModel({...v100.profile, elementwise: {...elementwise, bytes: [4096, 2 ** 20]}});
  const pass = (bytes: number): Kernel => ({op: 'elementwise', bytes, dtype: 'fp32'});
  const marks = [
    [2048, 1],
    [2048, 2],
    [2 ** 20, 1],
    [2 ** 19, 3],
  ].map(([bytes, size]) =>
    // prettier-ignore
    model.isExtrapolated(pass(bytes), size, 'batched'),
  );
  expect(marks).toEqual([true, false, false, true]);
  // One after another, each launch moves its own.
  expect(model.isExtrapolated(pass(2 ** 19), 3, 'single')).toBe(false);
  expect(v100.isExtrapolated(pass(1), 1, 'single')).toBe(elementwise.bytes !== undefined);
});
