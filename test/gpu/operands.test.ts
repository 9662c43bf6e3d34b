// Where operands lie: apart, inside what was allocated, and inside the memory there is.
import {afterEach, describe, expect, test} from 'vitest';
import {Operands} from '../../src/gpu/operands.ts';
import {KernelClasses} from '../../src/scheduler/kernel.ts';
import type {Kernel} from '../../src/scheduler/kernel.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {Streams} from '../../src/scheduler/streams.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';
import {destroyAll, openStandIn, unavailable, withFaults} from '../fake-cuda/standIn.ts';

const gemm = (m: number, n: number, k: number, count = 1): Kernel => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

/** Tenants of one model with two layers, whose batches are laid out when they are asked for. */
function world(tenantCount: number) {
  const classes = new KernelClasses();
  const programs = new Programs();
  const starts = new Map<number, number>();
  const program = (batch: number): number => {
    const known = starts.get(batch);
    if (known !== undefined) return known;
    const ids = [gemm(16, 4 * batch, 32), gemm(8, 8, 8, 2 * batch)].map((kernel) => classes.intern(kernel));
    const start = programs.add(ids, [1, 1]);
    starts.set(batch, start);
    return start;
  };
  const tenants = Array.from({length: tenantCount}, (_, i): Tenant => ({
    name: `${i}`,
    model: 'm',
    family: 0,
    sloNs: 1,
    sloQuantile: 0.99,
    weight: 1,
    priority: 0,
    program,
  }));
  program(1);
  return {kernels: classes.kernels, tenants, run: {programs, streams: new Streams()}, program};
}

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
      ...[0, 1, 2, 3].flatMap((slot) => [
        [operands.input(slot), 4 * 32 * 4],
        [operands.output(slot), 4 * 16 * 4],
      ]),
    ].toSorted(([a], [b]) => a - b);
    for (let i = 1; i < spans.length; i++)
      expect(spans[i][0]).toBeGreaterThanOrEqual(spans[i - 1][0] + spans[i - 1][1]);
    // More streams than buffers take them in turn.
    expect(operands.input(4)).toBe(operands.input(0));
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
