// The remembered costs of shape classes.
import {expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {costModel} from '../../src/profile/costModel.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {CostTable} from '../../src/profile/costTable.ts';
import type {Costs} from '../../src/scheduler/costs.ts';
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Kernel} from '../../src/scheduler/kernel.ts';

const model = costModel(readProfile('v100'));
const gemm = (m: number): Kernel => ({op: 'gemm', m, n: 64, k: 128, count: 1, dtype: 'fp32'});
const setUp = () => {
  const classes = new KernelClasses();
  return {classes, table: new CostTable(model, classes, 64)};
};

test('a table says what the model says, the first time and again', () => {
  const {classes, table} = setUp();
  const cls = classes.intern(gemm(256));
  for (const [index, method] of methods.entries()) {
    for (const size of [1, 7, 64, 7]) {
      expect(table.durationNs(cls, size, index)).toBe(model.durationNs(gemm(256), size, method));
      expect(table.smShare(cls, size, index)).toBe(model.smShare(gemm(256), size, method));
      expect(table.bandwidthShare(cls, size, index)).toBe(model.bandwidthShare(gemm(256), size, method));
      expect(table.submitNs(cls, size, index)).toBe(model.submitNs(gemm(256), size, method));
    }
  }
});

test('classes that are interned later are found, and what was known stays', () => {
  const {classes, table} = setUp();
  const before = table.durationNs(classes.intern(gemm(1)), 3, 1);
  for (let m = 2; m <= 100; m++) {
    expect(table.durationNs(classes.intern(gemm(m)), 3, 1)).toBe(model.durationNs(gemm(m), 3, 'batched'));
  }
  expect(table.durationNs(0, 3, 1)).toBe(before);
});

test('the best method is the one that takes the least time, a grouped call only where it saves a fifth', () => {
  const shape = {m: 256, n: 64, k: 128, count: 1, dtype: 'fp32', source: 'measured'} as const;
  const profile = {
    ...readProfile('v100'),
    measured: [
      {...shape, method: 'single', points: [[1, 100e3]]},
      {...shape, method: 'batched', points: [2, 8, 64].map((size) => [size, 300e3])},
      {
        ...shape,
        method: 'grouped',
        points: [
          [2, 230e3],
          [8, 250e3],
          [64, 230e3],
        ],
      },
    ],
  } as DeviceProfile;
  const classes = new KernelClasses();
  const table = new CostTable(costModel(profile), classes, 64);
  const cls = classes.intern(gemm(256));
  const best = (size: number): string => methods[table.bestMethod(cls, size)];
  expect([1, 2, 8, 64].map(best)).toEqual(['single', 'single', 'batched', 'grouped']);
  expect(table.bestNs(cls, 64)).toBe(230e3);
});

test('element-wise kernels are never grouped', () => {
  const {classes, table} = setUp();
  const cls = classes.intern({op: 'elementwise', bytes: 1e6, dtype: 'fp32'});
  for (const size of [1, 16, 64]) expect(methods[table.bestMethod(cls, size)]).not.toBe('grouped');
});

test('a mixed launch costs what the model says of its kernels', () => {
  const {classes, table} = setUp();
  const ids = Int32Array.from([64, 128, 512, 0].map((m) => (m === 0 ? 0 : classes.intern(gemm(m)))));
  expect(table.mixedNs(ids, 3)).toBe(model.groupedNs([gemm(64), gemm(128), gemm(512)]));
});

test('further steps of a launch bring no pointers of their own: their gap is that of any method', () => {
  const profile = readProfile('v100');
  const source = Object.keys(profile.sources)[0];
  const launch = {
    gap_ns: {value: 1500, source},
    pointer_copy_ns: {value: 2700, source},
    step_gap_ns: {value: 90, source},
  };
  const costs: Costs = new CostTable(costModel({...profile, launch}), new KernelClasses(), 4);
  expect(costs.stepGapNs).toBe(90);
});
