// Where operands lie: apart, inside what was allocated, and inside the memory there is.
import {afterEach, describe, expect, test} from 'vitest';
import {Operands} from '../../src/gpu/operands.ts';
import type {Kernel} from '../../src/scheduler/kernel.ts';
import {destroyAll, openStandIn, unavailable, withFaults} from '../fake-cuda/standIn.ts';
import {world} from './smallModel.ts';

describe.skipIf(unavailable)('operands', () => {
  afterEach(destroyAll);

  test('no two tenants share weights, no two streams activations', () => {
    const context = openStandIn();
    const {kernels, tenants, run, program} = world(3);
    const operands = new Operands({context, kernels, tenants, run, streams: 4});
    const start = program(1);
    const spans = [
      ...tenants.flatMap((_, t) => [
        [operands.weights(t, start), 4 * 16 * 32],
        [operands.weights(t, start + 1), 4 * 8 * 8 * 2],
      ]),
      ...[0, 1, 2, 3].flatMap((slot) => {
        const pair = operands.pair(slot, slot % 3);
        return [
          [operands.input(pair), 4 * 32 * 4],
          [operands.output(pair), 4 * 16 * 4],
        ];
      }),
    ].toSorted(([a], [b]) => a - b);
    for (let i = 1; i < spans.length; i++)
      expect(spans[i][0]).toBeGreaterThanOrEqual(spans[i - 1][0] + spans[i - 1][1]);
    // More streams than buffers share them.
    expect([0, 1, 2, 3]).toContain(operands.pair(4, 0));
    expect([0, 1, 2, 3, 4].map((slot) => operands.isOwnPair(slot))).toEqual([true, true, true, true, false]);
  });

  test.for([1, 16])('batches find room, with %s announced as the largest', (largestBatch) => {
    const context = openStandIn({lanes: 1});
    const {kernels, tenants, run, program} = world(2);
    const before = context.memoryInfo().free;
    const operands = new Operands({context, kernels, tenants, run, streams: 1, largestBatch});
    for (const batch of [1, 3, 16]) {
      const start = program(batch);
      for (const at of [0, 1]) {
        const {m, n, k, count} = kernels[run.programs.classes[start + at]] as Extract<Kernel, {op: 'gemm'}>;
        // The stand-in checks every access.
        context.operands.set([operands.weights(1, start + at), operands.input(0), operands.output(0)]);
        context.submitSequence(0, 0, 0, m, n, k, count, 1);
        context.synchronize();
      }
    }
    operands.free();
    expect(context.memoryInfo().free).toBe(before);
  });

  test('a host has memory for the tenants that it serves only', () => {
    const context = openStandIn();
    const {kernels, tenants, run} = world(8);
    const all = new Operands({context, kernels, tenants, run, streams: 1}).plan;
    const one = new Operands({context, kernels, tenants, run, streams: 1, served: [2]}).plan;
    expect(one.weights).toBe(all.weights / 8);
  });

  test('what does not fit is refused with the figures', () => {
    const context = openStandIn();
    const {kernels, tenants, run} = world(8);
    const taken = 2 ** 30 - context.memoryInfo().free;
    withFaults({MEMORY: String(taken + 8000)}, () => {
      expect(() => new Operands({context, kernels, tenants, run, streams: 1})).toThrow(
        /^does not fit in the GPU's memory: weights [\d.]+ GB and activations [\d.]+ GB of [\d.]+ GB free$/,
      );
    });
  });
});
