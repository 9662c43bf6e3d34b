// Recorded launches: the same numbers as calls, recorded once, gone when their operands move.
import {afterEach, describe, expect, test} from 'vitest';
import type {CudaContext} from '../../src/gpu/cuda.ts';
import {GraphCache} from '../../src/gpu/graphCache.ts';
import {Operands} from '../../src/gpu/operands.ts';
import {Submission} from '../../src/gpu/submission.ts';
import {methods} from '../../src/scheduler/kernel.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import {destroyAll, openStandIn, unavailable, waitFor, withFaults} from '../fake-cuda/standIn.ts';
import {world} from './smallModel.ts';

/** Launches on a small model, with graphs or calls, and what they leave in the activations. */
function setUp(context: CudaContext, withGraphs: boolean, {pairs = 8, now = {ns: 0}} = {}) {
  const {kernels, tenants, run, program} = world(3, 21);
  const operands = new Operands({context, kernels, tenants, run, streams: pairs});
  const graphs = withGraphs
    ? new GraphCache({context, operands, run, kernels, maxSize: 8, maxMembers: 32, now: () => now.ns})
    : null;
  const submission = new Submission({context, run, kernels, operands, graphs, maxMembers: 32});
  const slots = [0, 1, 2, 0].map((tenant) => run.streams.allocate(tenant, program(1), 0, 0, 1));
  let ticket = 0;
  const submit = (
    members: number[],
    method: (typeof methods)[number],
    cursor: number,
    steps = 1,
    lane = 0,
  ): number => {
    const made = new Launch(8);
    made.size = members.length;
    made.method = methods.indexOf(method);
    made.steps = steps;
    members.forEach((member, i) => {
      made.members[i] = slots[member];
      run.streams.cursor[slots[member]] = program(1) + cursor;
      made.classes[i] = run.programs.classes[program(1) + cursor];
    });
    made.cls = made.classes[0];
    ticket++;
    if (submission.asGraphs(made, lane, ticket)) return ticket;
    context.begin(lane, ticket);
    for (let step = 0; step < steps;) step += submission.steps(made, lane, step, ticket);
    context.finish(lane, ticket);
    return ticket;
  };
  const launch = (...asked: Parameters<typeof submit>): void => waitFor(context, 0, submit(...asked));
  const outputs = (): Float32Array[] =>
    slots.map((slot) => {
      const read = new Float32Array(16);
      context.download(operands.output(operands.pair(slot, run.streams.tenant[slot])), read);
      return read;
    });
  const close = (): void => {
    graphs?.free();
    operands.free();
  };
  return {submit, launch, outputs, graphs, operands, program, close, run};
}

describe.skipIf(unavailable)('recorded launches', () => {
  afterEach(destroyAll);

  test.for<[string, number[], (typeof methods)[number], number, number]>([
    ['one kernel', [0], 'single', 3, 1],
    ['a whole request', [1], 'single', 0, 21],
    ['a run from the middle to the end', [2], 'single', 3, 18],
    ['several streams one after another', [0, 1, 2], 'single', 4, 6],
    ['a batch', [0, 1, 2, 3], 'batched', 3, 1],
    ['a batch of memory-bound kernels', [0, 1, 2, 3], 'batched', 2, 1],
    ['a batch of several steps', [3, 1], 'batched', 5, 4],
    ['a batch of many steps', [0, 2], 'batched', 0, 21],
    ['a large batch of several steps', [0, 1, 2, 3], 'batched', 3, 9],
  ])('%s computes what calls compute, the first time and again', ([, members, method, cursor, steps]) => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const before = context.memoryInfo().free;
    const [calls, graphs] = [false, true].map((withGraphs) => {
      const rig = setUp(context, withGraphs);
      const found = [0, 1].map(() => {
        // Something else before, so that what is read is what was just written.
        rig.launch([0, 1, 2, 3], 'single', 1);
        rig.launch(members, method, cursor, steps);
        return rig.outputs();
      });
      rig.close();
      return found;
    });
    expect(graphs).toEqual(calls);
    expect(context.memoryInfo().free).toBe(before);
  });

  test('are recorded once', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true);
    rig.launch([0, 1, 2, 3], 'single', 0, 21);
    rig.launch([0, 1], 'batched', 3);
    const recorded = rig.graphs!.size;
    // Four streams, each with a pair of its own, and the batch.
    expect(recorded).toBe(5);
    rig.launch([0, 1, 2, 3], 'single', 0, 21);
    rig.launch([2, 3], 'batched', 3);
    expect(rig.graphs!.size).toBe(recorded);
    rig.close();
  });

  test('lanes that run the same steps of a batch at once have a graph each', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const rig = setUp(context, true);
    rig.launch([0, 1], 'batched', 0, 8);
    expect(rig.graphs!.size).toBe(1);
    const [first, second] = withFaults({KERNEL_US: '5000'}, () => [
      rig.submit([0, 1], 'batched', 0, 8, 0),
      rig.submit([2, 3], 'batched', 0, 8, 1),
    ]);
    expect(rig.graphs!.size).toBe(2);
    waitFor(context, 0, first);
    waitFor(context, 1, second);
    // One is enough where they take turns.
    waitFor(context, 1, rig.submit([2, 3], 'batched', 0, 8, 1));
    expect(rig.graphs!.size).toBe(2);
    rig.close();
  });

  test('streams that share their activations launch call by call', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true, {pairs: 2});
    for (const member of [0, 1, 2, 3]) rig.launch([member], 'single', 0, 21);
    expect(rig.graphs!.size).toBe(2);
    rig.close();
  });

  test('are dropped when a larger batch moves the activations', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const rig = setUp(context, true);
    rig.launch([0], 'single', 0, 21);
    expect(rig.graphs!.size).toBe(1);
    // Its tensors need larger buffers.
    rig.operands.weights(0, rig.program(16));
    rig.launch([0], 'single', 3, 1);
    expect(rig.graphs!.size).toBe(1);
    rig.close();
  });

  test('recording takes no more than a twentieth of the time of a run', () => {
    const now = {ns: 0};
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true, {now});
    rig.graphs!.beginRun();
    // Each reading of the clock is 100 us after the last.
    Object.defineProperty(now, 'ns', {get: () => (clock += 100e3)});
    let clock = 0;
    let reads = 0;
    while (rig.graphs!.size < 4) {
      rig.launch([reads++ % 4], 'single', 0, 21);
      expect(rig.graphs!.size * 100e3).toBeLessThanOrEqual(0.05 * clock + 100e3);
      expect(reads).toBeLessThan(1000);
    }
    rig.close();
  });

  test('what the library cannot record is launched call by call', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const calls = setUp(context, false);
    calls.launch([0, 1], 'batched', 3);
    calls.launch([0], 'single', 0, 21);
    const expected = calls.outputs();
    calls.close();
    const rig = setUp(context, true);
    withFaults({FAIL: 'cuGraphInstantiateWithFlags=801'}, () => {
      rig.launch([0, 1], 'batched', 3);
      rig.launch([0], 'single', 0, 21);
    });
    expect(rig.outputs()).toEqual(expected);
    expect(rig.graphs!.size).toBe(0);
    rig.close();
  });
});
