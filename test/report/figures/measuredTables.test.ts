// What two profiles have measured of the same superkernels.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../../src/experiment/profileFiles.ts';
import type {DeviceProfile, MeasuredTable} from '../../../src/profile/profile.ts';
import {measuredPairs, measuredTables} from '../../../src/report/figures/measuredTables.ts';
import {formatTable} from '../../../src/report/table.ts';

const table = (m: number, method: MeasuredTable['method'], points: [number, number][]): MeasuredTable => ({
  source: 'x',
  m,
  n: 2,
  k: 3,
  count: 1,
  dtype: 'fp32',
  method,
  points,
});
const profile = (name: string, ...measured: MeasuredTable[]): DeviceProfile => ({
  ...readProfile('v100'),
  name,
  measured,
});

describe('measuredPairs', () => {
  test('pairs kernels and sizes that both have, by the same method where there is one', () => {
    const a = profile(
      'a',
      table(1, 'single', [[1, 10]]),
      table(1, 'batched', [
        [2, 12],
        [4, 20],
      ]),
    );
    const b = profile(
      'b',
      table(1, 'single', [[1, 30]]),
      table(1, 'strided', [
        [4, 10],
        [8, 12],
      ]),
      table(9, 'single', [[1, 5]]),
    );
    expect(measuredPairs(a, b)).toEqual([
      {kernel: 'gemm 1x2x3 fp32', size: 1, method: 'single', otherMethod: 'single', aNs: 10, bNs: 30},
      {kernel: 'gemm 1x2x3 fp32', size: 4, method: 'batched', otherMethod: 'strided', aNs: 20, bNs: 10},
    ]);
  });

  test('a measurement is not paired twice', () => {
    const a = profile('a', table(1, 'batched', [[2, 12]]), table(1, 'strided', [[2, 11]]));
    const b = profile('b', table(1, 'strided', [[2, 22]]));
    expect(measuredPairs(a, b).map(({method, bNs, aNs}) => [method, bNs / aNs])).toEqual([['strided', 2]]);
  });
});

describe('measuredTables', () => {
  test('summarises by size, and shows superkernels from the least ratio to the greatest', () => {
    const a = profile(
      'a',
      table(1, 'single', [[1, 10]]),
      table(2, 'single', [[1, 10]]),
      table(1, 'batched', [[4, 20]]),
    );
    const b = profile(
      'b',
      table(1, 'single', [[1, 40]]),
      table(2, 'single', [[1, 10]]),
      table(1, 'strided', [[4, 10]]),
    );
    const [bySize, each] = measuredTables(a, b, measuredPairs(a, b));
    expect(bySize.rows.map(({cells}) => cells)).toEqual([
      ['1', '2', '2.000', '1.000', '4.000'],
      ['4', '1', '0.500', '0.500', '0.500'],
    ]);
    expect(each.rows.map(({cells}) => cells[0])).toEqual([
      '4 x gemm 1x2x3 fp32',
      '1 x gemm 2x2x3 fp32',
      '1 x gemm 1x2x3 fp32',
    ]);
    expect(formatTable(each, 'table')).toMatch(/batched \/ strided/);
  });

  test('says nothing where nothing is common', () => {
    expect(measuredTables(profile('a'), profile('b'), [])).toEqual([]);
  });
});
