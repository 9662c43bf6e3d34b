// Device times, the mapping of the device's clock to the host's, and the native spin loops.

import {afterEach, describe, expect, test} from 'vitest';

import {type CudaContext, loadAddon} from '../../src/gpu/cuda.ts';
import {WallClock} from '../../src/gpu/wallClock.ts';
import {destroyAll, openStandIn, unavailable, waitFor, withFaults} from '../fake-cuda/standIn.ts';
import {makeMember} from './products.ts';

const shape = {m: 2, n: 2, k: 2, count: 1};
const nowNs = () => loadAddon().nowNs();
afterEach(destroyAll);

describe.skipIf(unavailable)('device times', () => {
  test.for(['events', 'globaltimer'] as const)(
    '%s place launches between submission and completion',
    (timing) => {
      const ringSlots = 3;
      const context = openStandIn({timing, ringSlots});
      const {a, b, c} = makeMember(context, shape, 'fp32', 1);
      context.submitGemm(1, 1, 0, 2, 2, 2, a, b, c);
      waitFor(context, 1, 1);
      const {hostNs, deviceNs, uncertaintyNs} = context.calibrateClock(1);
      expect(uncertaintyNs).toBeGreaterThan(0);
      expect(Atomics.load(context.flags, 1)).toBe(1); // calibration leaves the flag as it was

      const kernelNs = 40e6;
      withFaults({KERNEL_US: String(kernelNs / 1e3)}, () => {
        // 240 ms in all: event times are chained over their span of 100 ms.
        for (let ticket = 2; ticket <= 7; ticket++) {
          const sent = nowNs();
          context.submitGemm(1, ticket, 0, 2, 2, 2, a, b, c);
          waitFor(context, 1, ticket);
          const seen = nowNs();
          context.readTiming(1, ticket);
          const entry = 2 * (ringSlots + (ticket % ringSlots));
          const [start, end] = context.timings.subarray(entry, entry + 2);
          const slack = uncertaintyNs + 100; // and the resolution of a float
          expect(end - start).toBeGreaterThanOrEqual(kernelNs);
          expect(start - deviceNs + hostNs).toBeGreaterThan(sent - slack);
          expect(end - deviceNs + hostNs).toBeLessThan(seen + slack);
        }
      });
    },
  );

  test('calibrateClock refuses a context without device times', () => {
    const context = openStandIn();
    expect(() => context.calibrateClock(0)).toThrow('the context was made without device times');
  });

  test('parts of a launch share one pair of times', () => {
    const context = openStandIn({timing: 'globaltimer'});
    const {a, b, c} = makeMember(context, shape, 'fp32', 1);
    withFaults({KERNEL_US: '5000'}, () => {
      context.begin(0, 1);
      for (let i = 0; i < 3; i++) context.submitGemm(0, 0, 0, 2, 2, 2, a, b, c);
      context.finish(0, 1);
      waitFor(context, 0, 1);
    });
    const [start, end] = context.timings.subarray(2, 4);
    expect(end - start).toBeGreaterThanOrEqual(15e6);
  });
});

/** A context with operands of one product. */
function withKernel(body: (context: CudaContext, a: number, b: number, c: number) => void): void {
  const context = openStandIn();
  const {a, b, c} = makeMember(context, shape, 'fp32', 1);
  body(context, a, b, c);
}

describe.skipIf(unavailable)('a spin loop in C++', () => {
  test('waitFlags returns the lane whose flag changed', () => {
    withKernel((context, a, b, c) => {
      context.submitGemm(1, 5, 0, 2, 2, 2, a, b, c);
      expect(context.waitFlags(Int32Array.of(0, 0), nowNs() + 1e9)).toBe(1);
      expect(context.flags[1]).toBe(5);
    });
  });

  test('waitFlags returns -1 at the deadline', () => {
    withKernel((context) => {
      const until = nowNs() + 3e6;
      expect(context.waitFlags(Int32Array.of(0, 0), until)).toBe(-1);
      expect(nowNs()).toBeGreaterThanOrEqual(until);
    });
  });

  test('benchLoop measures round trips no shorter than the kernel, and leaves the flag alone', () => {
    withKernel((context, a, b, c) => {
      context.submitGemm(0, 9, 0, 2, 2, 2, a, b, c);
      waitFor(context, 0, 9);
      const trips = withFaults({KERNEL_US: '2000'}, () => context.benchLoop(0, 5, 0, 2, 2, 2, a, b, c));
      expect(trips).toHaveLength(5);
      expect(Math.min(...trips)).toBeGreaterThanOrEqual(2e6);
      expect(context.flags[0]).toBe(9);
    });
  });
});

describe('WallClock', () => {
  test('counts whole nanoseconds from its origin', () => {
    let reading = 5e15;
    const clock = new WallClock(() => reading);
    expect(clock.now()).toBe(0);
    reading += 1_234_567;
    expect(clock.now()).toBe(1_234_567);
    expect(new WallClock(() => reading, 5e15 - 7).now()).toBe(1_234_574);
  });

  test.skipIf(unavailable)('reads the same clock from the addon as from Node, in whole numbers', () => {
    const [native, node] = [new WallClock(nowNs), new WallClock()];
    const before = node.now();
    const between = native.now();
    const after = node.now();
    for (const reading of [before, between, after]) expect(Number.isInteger(reading)).toBe(true);
    const until = performance.now() + 20;
    while (performance.now() < until);
    // Two readings 20 ms apart agree to a millisecond however the machine was loaded in between.
    const drift = (native.now() - between) / (node.now() - after);
    expect(Math.abs(drift - 1)).toBeLessThan(0.05);
  });
});
