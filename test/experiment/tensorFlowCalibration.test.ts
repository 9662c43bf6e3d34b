// A calibration through TensorFlow.js from end to end, on a stub with known times and on the CPU backend.
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {calibrateTensorFlow} from '../../src/experiment/tensorFlowCalibration.ts';
import type {TensorFlowCalibrationOptions} from '../../src/experiment/tensorFlowCalibration.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {CalibrationStopped} from '../../src/gpu/calibration/session.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {factsOf} from '../../src/report/figures/profileTables.ts';
import type {Gemm} from '../../src/scheduler/kernel.ts';
import type {Model} from '../../src/workload/models/layer.ts';
import {StubTensorFlow} from '../gpu/tensorflow/stub.ts';

const gemm = (m: number, n: number, k: number, count = 1): Gemm => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

const model: Model = {
  name: 'toy',
  title: 'Toy',
  description: 'two products and a pass',
  source: 'made up',
  layers: [
    {name: 'a', kind: 'fc', m: 32, n: 4, k: 16, count: 1, scales: 'n', elements: 64, weights: 64},
    {name: 'b', kind: 'bgemm', m: 4, n: 4, k: 4, count: 3, scales: 'count', elements: 96, weights: 0},
    {name: 'c', kind: 'elementwise', elements: 4096, weights: 0},
  ],
};

const folder = mkdtempSync(join(tmpdir(), 'superkernel-tfjs-'));
afterAll(() => rmSync(folder, {recursive: true}));

const lines: string[] = [];
const options = (
  output: string,
  more: Partial<TensorFlowCalibrationOptions> = {},
): TensorFlowCalibrationOptions => ({
  models: [model],
  output: join(folder, output),
  name: 'mine',
  backend: 'cpu',
  device: 'v100',
  budgetNs: 60e9,
  date: '2026-01-31',
  command: 'superkernel calibrate --profiler tfjs',
  log: (line) => void lines.push(line),
  extent: {papers: [gemm(8, 8, 16)], maxSize: 4, poolBytes: 1 << 22},
  ...more,
});

/** Rounds are short on the stub’s own clock; the session counts in real time. */
const usPerThousand = 1000;
const stub = (): StubTensorFlow =>
  new StubTensorFlow({dispatchNs: 10_000, deviceNs: (work) => usPerThousand * work, readNs: 50_000});

describe('on a stub', () => {
  test('writes a profile that predicts what was measured, and marks the rest as assumed', async () => {
    const tf = stub();
    const {profile, measurements, failed} = await calibrateTensorFlow(
      options('stub.json', {loaded: tf.loaded, nowNs: tf.nowNs}),
    );
    expect(readProfile(join(folder, 'stub.json'))).toEqual(profile);
    expect([...failed]).toEqual([]);
    expect(tf.living).toBe(0);
    const costs = costModel(profile);
    // Device time is a thousand ns a multiply-add.
    expect(costs.durationNs(gemm(8, 8, 16), 1, 'single')).toBeCloseTo(1000 * 8 * 8 * 16, -2);
    expect(costs.durationNs(gemm(8, 8, 16), 4, 'strided')).toBeCloseTo(4 * 1000 * 8 * 8 * 16, -2);
    expect(costs.durationNs(gemm(4, 4, 4, 3), 1, 'single')).toBeCloseTo(3 * 1000 * 4 * 4 * 4, -2);
    expect(measurements.floors.single).toBeCloseTo(10_000, 0);
    expect(profile.host.submit.single).toEqual({
      fixed_ns: measurements.floors.single,
      per_member_ns: 0,
      source: 'tfjs',
    });
    expect(profile.sources['tfjs']).toMatchObject({
      title: 'superkernel calibrate --profiler tfjs: a stub',
      date: '2026-01-31',
    });
    expect(profile.hardware.gpu).toMatch(/^TensorFlow.js on /);
    const measured = factsOf(profile).filter(({source}) => source !== 'assumption');
    expect(measured.map(({name}) => name.split('.').slice(0, 3).join('.'))).toEqual(
      expect.arrayContaining(['host.submit.single', 'host.submit.strided', 'host.submit.elementwise']),
    );
    expect(measured.every(({name}) => /^(host\.submit|elementwise)\b/.test(name))).toBe(true);
    expect(profile.gemm.fp32!.source).toEqual(['assumption']);
  });

  test('keeps out what took no longer than the host needs to hand it over', async () => {
    const tf = new StubTensorFlow({
      dispatchNs: 100_000,
      deviceNs: (work) => (work > 2000 ? 500_000 : 5_000),
      readNs: 10_000,
    });
    const {profile} = await calibrateTensorFlow(options('floor.json', {loaded: tf.loaded, nowNs: tf.nowNs}));
    const known = profile.measured!.map(({m, n, k, method, points}) => [
      m,
      n,
      k,
      method,
      points.map(([size]) => size),
    ]);
    // 8x8x16 is 1024 multiply-adds alone; 32x4x16 is 2048.
    expect(known).toEqual([
      [32, 4, 16, 'single', [1]],
      [8, 8, 16, 'strided', [2, 4]],
      [32, 4, 16, 'strided', [2, 4]],
    ]);
  });

  test('goes on after an interruption, and measures nothing twice', async () => {
    const first = stub();
    let asked = 0;
    const stopped = calibrateTensorFlow(
      options('stopped.json', {loaded: first.loaded, nowNs: first.nowNs, shouldStop: () => ++asked > 6}),
    );
    await expect(stopped).rejects.toThrow(CalibrationStopped);
    expect(existsSync(join(folder, 'stopped.json'))).toBe(false);
    const kept = readFileSync(join(folder, 'stopped.partial.jsonl'), 'utf8').trim().split('\n').length - 1;
    expect(kept).toBe(6);
    const second = stub();
    await calibrateTensorFlow(options('stopped.json', {loaded: second.loaded, nowNs: second.nowNs}));
    expect(lines.at(-1)).not.toContain('failed');
    expect(lines.some((line) => line.startsWith(`going on with ${kept} measurements`))).toBe(true);
    const whole = stub();
    await calibrateTensorFlow(options('whole.json', {loaded: whole.loaded, nowNs: whole.nowNs}));
    expect(second.calls).toBeLessThan(whole.calls);
    const tables = (name: string) => readProfile(join(folder, name)).measured;
    expect(tables('stopped.json')).toEqual(tables('whole.json'));
  });

  test('leaves out what there is no time for, and says how much', async () => {
    const tf = stub();
    const {measurements} = await calibrateTensorFlow(
      options('late.json', {loaded: tf.loaded, nowNs: tf.nowNs, budgetNs: 1}),
    );
    expect(measurements.products).toEqual([]);
    expect(measurements.left).toBeGreaterThan(8);
    expect(lines.at(-1)).toBe(`the time was up: ${measurements.left} measurements were left out`);
  });
});

const missing = ((): string | null => {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs');
    return null;
  } catch {
    return '@tensorflow/tfjs is not installed';
  }
})();
if (missing !== null) console.warn(`skipped: ${missing}`);

test.skipIf(missing !== null)(
  'on the CPU backend of TensorFlow.js all that is small is measured',
  async () => {
    const {profile, measurements, failed} = await calibrateTensorFlow(
      options('cpu.json', {
        roundNs: 1e6,
        extent: {papers: [gemm(32, 32, 32)], maxSize: 2, poolBytes: 1 << 20},
      }),
    );
    expect([...failed]).toEqual([]);
    expect(measurements.left).toBe(0);
    expect(measurements.products.map(({size}) => size)).toEqual([1, 2, 1, 1, 2, 2]);
    expect(measurements.products.every(({ns}) => ns > 0)).toBe(true);
    expect(profile.sources['tfjs'].title).toMatch(/: @tensorflow\/tfjs \d+\.\d+\.\d+, backend cpu$/);
  },
  20_000,
);
