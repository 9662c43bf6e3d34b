// Shares of the device as a calibration makes tables of them.
import {describe, expect, test} from 'vitest';
import {shareTablesOf} from '../../src/experiment/measuredTables.ts';
import type {LaneRun} from '../../src/gpu/calibration/lanes.ts';
import type {MeasuredShare} from '../../src/gpu/calibration/shares.ts';
import type {Work} from '../../src/gpu/calibration/work.ts';

const single: Work = {
  kernel: {op: 'gemm', m: 256, n: 128, k: 1152, count: 1, dtype: 'fp32'},
  size: 1,
  method: 'single',
};
const other: Work = {...single, kernel: {op: 'gemm', m: 64, n: 64, k: 64, count: 1, dtype: 'fp32'}};
const costs = {durationNs: () => 10e3};

const shareOf = (work: Work, share: number): MeasuredShare => ({
  work,
  share,
  oneNs: 10e3,
  speedups: [[1, 1]],
});
/** Equal lanes that get so many times as much done as one. */
const lanesOf = (work: Work, lanes: number, speedup: number): LaneRun => ({
  works: Array.from({length: lanes}, () => work),
  perLaunchNs: Array<number>(lanes).fill((lanes * 10e3) / speedup),
});
const tablesOf = (shares: MeasuredShare[], lanes: LaneRun[]): unknown[] =>
  shareTablesOf(shares, lanes, costs).measured_shares!.map(({points}) => points);

describe('tables of shares', () => {
  test('are what up to eight lanes say, where no more were run or those got no more done', () => {
    const shares = [shareOf(single, 0.5), shareOf(other, 0.25)];
    const lanes = [lanesOf(single, 1, 1), lanesOf(single, 8, 2), lanesOf(single, 16, 2.08)];
    expect(tablesOf(shares, lanes)).toEqual([[[1, 0.5]], [[1, 0.25]]]);
  });

  test('are what more lanes say that got more done; a few press on each other as before', () => {
    const lanes = [lanesOf(single, 4, 1.8), lanesOf(single, 8, 2.2), lanesOf(single, 16, 2.75)];
    expect(tablesOf([shareOf(single, 0.5)], lanes)).toEqual([[[1, 0.4, 1.25]]]);
  });

  test('take nothing from lanes of different works', () => {
    const mixed = {
      works: [single, ...Array.from({length: 15}, () => other)],
      perLaunchNs: Array<number>(16).fill(1e3),
    };
    expect(tablesOf([shareOf(single, 0.5)], [lanesOf(single, 8, 2), mixed])).toEqual([[[1, 0.5]]]);
  });
});
