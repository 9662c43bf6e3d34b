// What is timed: the device where it is the slower, the host where that is, and never the reading.
import {fc, test as property} from '@fast-check/vitest';
import {createRequire} from 'node:module';
import {describe, expect, test} from 'vitest';
import {loadTensorFlow} from '../../../src/gpu/tensorflow/library.ts';
import {elementwise, product} from '../../../src/gpu/tensorflow/operations.ts';
import {timeOf} from '../../../src/gpu/tensorflow/timing.ts';
import type {Gemm} from '../../../src/scheduler/kernel.ts';
import {StubTensorFlow} from './stub.ts';

const gemm = (m: number, n: number, k: number, count = 1): Gemm => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

describe('timeOf', () => {
  property.prop([
    fc.integer({min: 1, max: 200_000}),
    fc.integer({min: 1, max: 5_000_000}),
    fc.integer({min: 0, max: 3_000_000}),
  ])(
    'is the longer of the device’s time and the host’s, whatever reading costs',
    async (dispatchNs, deviceNs, readNs) => {
      const tf = new StubTensorFlow({dispatchNs, deviceNs: () => deviceNs, readNs});
      const operation = product(tf, gemm(2, 3, 4), 1);
      const {ns, leastNs, mostNs} = await timeOf(tf, operation.run, {nowNs: tf.nowNs});
      expect(ns).toBeCloseTo(Math.max(dispatchNs, deviceNs), 3);
      expect(leastNs).toBeLessThanOrEqual(ns);
      expect(mostNs).toBeGreaterThanOrEqual(ns);
      operation.dispose();
      expect(tf.living).toBe(0);
    },
  );

  test('short operations run often, long ones seldom', async () => {
    const callsFor = async (deviceNs: number): Promise<number> => {
      const tf = new StubTensorFlow({dispatchNs: 1000, deviceNs: () => deviceNs, readNs: 1000});
      return (await timeOf(tf, product(tf, gemm(1, 1, 1), 1).run, {nowNs: tf.nowNs, roundNs: 10e6})).calls;
    };
    expect(await callsFor(100e3)).toBe(100);
    expect(await callsFor(1e9)).toBe(2);
  });

  test('a host that pauses while it estimates, and in every round with one call, leaves no time below 0', async () => {
    const tf = new StubTensorFlow({dispatchNs: 1000, deviceNs: () => 50_000, readNs: 1000});
    // The clock is read as a round begins and as it ends: in the third one, and then in the first three of one call.
    const pauses = new Map([5, 7, 11, 15].map((read, i) => [read, i === 0 ? 1e9 : 10e6]));
    let [reads, paused] = [0, 0];
    const nowNs = (): number => {
      paused += pauses.get(reads++) ?? 0;
      return tf.nowNs() + paused;
    };
    const {ns, calls} = await timeOf(tf, product(tf, gemm(1, 1, 1), 1).run, {nowNs});
    expect(ns).toBeCloseTo(50_000, 3);
    expect(calls).toBe(8);
  });
});

/** Why the library itself cannot be used, or null. */
const missing = ((): string | null => {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs');
    return null;
  } catch {
    return '@tensorflow/tfjs is not installed';
  }
})();
if (missing !== null) console.warn(`skipped: ${missing}`);

describe.skipIf(missing !== null)('on the CPU backend of TensorFlow.js', () => {
  test("products are B' A' of as many members, and passes move what they should", async () => {
    const {tf, title} = await loadTensorFlow('cpu');
    expect(title).toMatch(/^@tensorflow\/tfjs \d+\.\d+\.\d+, backend cpu$/);
    const several = product(tf, gemm(2, 3, 4, 2), 5);
    const result = several.run();
    expect(result.shape).toEqual([10, 3, 2]);
    expect(Array.from(await result.data()).some((value) => value !== 0)).toBe(true);
    expect(product(tf, gemm(2, 3, 4), 1).run().shape).toEqual([3, 2]);
    const pass = {op: 'elementwise', bytes: 1200, dtype: 'fp32'} as const;
    expect(elementwise(tf, pass, 'relu').run().shape).toEqual([150]);
    expect(elementwise(tf, pass, 'add').run().shape).toEqual([100]);
  });

  test('more work takes longer', async () => {
    const {tf} = await loadTensorFlow('cpu');
    const nowNs = (): number => Number(process.hrtime.bigint());
    const time = async (side: number): Promise<number> =>
      (await timeOf(tf, product(tf, gemm(side, side, side), 1).run, {nowNs, roundNs: 2e6, rounds: 3})).ns;
    expect(await time(64)).toBeGreaterThan(await time(8));
  });
});
