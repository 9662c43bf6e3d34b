// What lies between kernels of a lane, from points that were made with known gaps.
import {describe, expect, test} from 'vitest';
import {gapsOf, launchTerms} from '../../src/experiment/launchGaps.ts';
import type {Point} from '../../src/gpu/calibration/point.ts';
import {spreadOf} from '../../src/gpu/calibration/samples.ts';
import {detectionOf} from '../../src/gpu/calibration/solo.ts';
import type {Method} from '../../src/scheduler/kernel.ts';

const detectNs = 4500;
const at = (ns: number) => spreadOf([ns]);

/** A kernel that needs `ns` of the device, seen `detectNs` later; submitted in 2 us. */
const point = (ns: number, method: Method, size: number, beside: number): Point => ({
  kernel: {op: 'gemm', m: 64, n: 64, k: 64, count: 1, dtype: 'fp32'},
  size,
  method,
  submit: at(2000),
  after: at(ns + detectNs),
  round: at(2000 + ns + detectNs),
  queuedNs: ns + beside,
  stepNs: method === 'single' ? ns : null,
});
const times = [3000, 8000, 20_000, 50_000, 100_000];
const points = [
  ...times.map((ns) => point(ns, 'single', 1, 900)),
  ...times.map((ns) => point(ns, 'batched', 8, 2600)),
];

describe('gaps', () => {
  test('detection is what kernels take longer alone than in a captured run', () => {
    expect(detectionOf(points)).toBe(detectNs);
  });

  test('are found between launches, within a run, and before launches with pointers', () => {
    expect(gapsOf(points, detectNs)).toEqual({gap: 900, step: 0, copy: 2600});
    const base = {gap_ns: {value: 1, source: 'base'}};
    const starts = {byLanes: [[1, 900.4], [8, 300.4]], intervalNs: 300.4} as const; // prettier-ignore
    expect(launchTerms({points, detectNs, starts}, base)).toEqual({
      gap_ns: {value: 900, source: 'calibration'},
      pointer_copy_ns: {value: 1700, source: 'calibration'},
      step_gap_ns: {value: 0, source: 'calibration'},
      start_interval_ns: {value: 300, source: 'calibration'},
    });
  });

  test('are not found where the host took as long as the device, and then assumed', () => {
    const slow = points.map((each) => ({...each, submit: at(50_000)}));
    expect(gapsOf(slow, detectNs)).toEqual({gap: null, step: null, copy: null});
    const base = {gap_ns: {value: 1234, source: 'base'}};
    expect(launchTerms({points: slow, detectNs, starts: null}, base)).toEqual({
      gap_ns: {value: 1234, source: 'assumption'},
      step_gap_ns: {value: 0, source: 'assumption'},
    });
  });
});
