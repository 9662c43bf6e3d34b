// Recorded launches: the same numbers as calls, recorded once, gone when their operands move.
import {afterEach, describe, expect, test} from 'vitest';
import type {CudaContext} from '../../src/gpu/cuda.ts';
import {GraphCache, shortGroup} from '../../src/gpu/graphCache.ts';
import {Operands} from '../../src/gpu/operands.ts';
import {recordAhead} from '../../src/gpu/recordAhead.ts';
import {SubmissionRehearsal} from '../../src/gpu/submissionRehearsal.ts';
import {Submission} from '../../src/gpu/submission.ts';
import {methods} from '../../src/scheduler/kernel.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import {destroyAll, openStandIn, unavailable, waitFor, withFaults} from '../fake-cuda/standIn.ts';
import {world} from './smallModel.ts';

/** Launches on a small model, with graphs or calls, and what they leave in the activations. */
function setUp(
  context: CudaContext,
  withGraphs: boolean,
  {pairs = 8, now = {ns: 0}, maxSize = 8, maxMembers = 32, repeat = false} = {},
) {
  const {kernels, tenants, run, program} = world(3, 21, repeat);
  const operands = new Operands({context, kernels, tenants, run, streams: pairs});
  const graphs = withGraphs
    ? new GraphCache({context, operands, run, kernels, maxSize, maxMembers, now: () => now.ns})
    : null;
  const submission = new Submission({context, run, kernels, operands, graphs, maxMembers});
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
    if (submission.asGraphs(made, lane, ticket, 1)) return ticket;
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

/** The rig, with what superkernels of its tenants' requests, of up to `size` members, may launch recorded ahead. */
function recordedAhead(rig: ReturnType<typeof setUp>, tenants: readonly number[], size: number) {
  const {operands, run} = rig;
  const start = rig.program(1);
  recordAhead({
    graphs: rig.graphs!,
    operands,
    programs: tenants.map((tenant) => ({tenant, start})),
    batchPrograms: [],
    batches: [{cls: run.programs.classes[start], size}],
    runsAhead: true,
    sequences: run.programs,
    lanes: 2,
    now: () => 0,
  });
  return {...rig, start};
}

describe.skipIf(unavailable)('recorded launches', () => {
  afterEach(destroyAll);

  test('are rehearsed without being launched, and leave activations to those who come', () => {
    // Its own time, which ends: it looks at the clock once a launch.
    let ns = 0;
    const now = () => (ns += 100_000);
    withFaults({FAIL: 'cuGraphLaunch=1@1,cublasGemmEx=14@1'}, () => {
      const context = openStandIn({lanes: 2, ringSlots: 64});
      const {graphs, operands, run, start, close} = recordedAhead(setUp(context, true), [0, 1], 4);
      const held = graphs!.size;
      const free = context.memoryInfo().free;
      const rehearsal = new SubmissionRehearsal({
        context,
        kernels: world(3, 21).kernels,
        operands,
        graphs,
        maxMembers: 32,
        tenantPrograms: [0, 1].map((tenant) => ({tenant, start})),
        programs: run.programs,
        maxSize: 8,
        lanes: 2,
        now,
      });
      rehearsal.prepare();
      expect(ns).toBeGreaterThan(40e6);
      expect(graphs!.size).toBe(held);
      expect(context.memoryInfo().free).toBe(free);
      expect(new Set([operands.pair(100, 0), operands.pair(101, 1)])).toEqual(new Set([0, 1]));
      // The launches that wake a device are real ones.
      expect(() => rehearsal.wake()).toThrow('cuGraphLaunch failed');
      close();
    });
  });

  test.for<[string, number[], (typeof methods)[number], number, number]>([
    ['one kernel', [0], 'single', 3, 1],
    ['a whole request', [1], 'single', 0, 21],
    ['a run from the middle to the end', [2], 'single', 3, 18],
    ['what comes before the first stop', [1], 'single', 0, 5],
    ['a run that ends before a stop', [1], 'single', 6, 9],
    ['several streams one after another', [0, 1, 2], 'single', 4, 6],
    ['several streams from the middle to the end', [0, 1, 2], 'single', 7, 14],
    ['a batch', [0, 1, 2, 3], 'batched', 3, 1],
    ['a batch of memory-bound kernels', [0, 1, 2, 3], 'batched', 2, 1],
    ['a batch of several steps', [3, 1], 'batched', 5, 4],
    ['a batch of many steps', [0, 2], 'batched', 0, 21],
    ['a large batch of several steps', [0, 1, 2, 3], 'batched', 3, 9],
    ['a batch of what comes before the first stop', [1, 3], 'batched', 0, 5],
  ])('%s computes what calls compute, the first time and again', ([, members, method, cursor, steps]) => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const before = context.memoryInfo().free;
    const [calls, graphs] = [false, true].map((withGraphs) => {
      const rig = setUp(context, withGraphs);
      rig.graphs?.prepareGroup(rig.program(1), 5, members.length);
      for (const length of [16, shortGroup])
        for (let at = 0; at + length <= 21; at++)
          rig.graphs?.prepareGroup(rig.program(1) + at, length, members.length);
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

  test('of a program that repeats itself end with whole periods of it', () => {
    const {graphs, start, operands, close} = recordedAhead(
      setUp(openStandIn({lanes: 2, ringSlots: 64, maxMembers: 64}), true, {repeat: true, maxMembers: 64}),
      [0, 1],
      4,
    );
    const held = graphs!.size;
    const pair = operands.pair(0, 0);
    // Three kernels a period, so that runs end at the fifteenth before the end and not at the sixteenth.
    const single = [0, 3, 6].map((at) => (graphs!.next(0, pair, start + at, 15), graphs!.found));
    const batch = [0, 3, 6].map((at) => (graphs!.group(0, start + at, 15, 4), graphs!.found));
    expect([single, batch]).toEqual([
      [6, 3, 15],
      [6, 3, 15],
    ]);
    expect(graphs!.size).toBe(held);
    close();
  });

  test('a run from any kernel to where launches end is one graph', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true);
    const pair = rig.operands.pair(0, 0);
    const coverOf = (cursor: number, steps: number): number[] => {
      const found: number[] = [];
      for (let left = steps; left > 0; left -= rig.graphs!.found) {
        expect(rig.graphs!.next(0, pair, rig.program(1) + cursor + steps - left, left)).toBeGreaterThan(0);
        found.push(rig.graphs!.found);
      }
      return found;
    };
    expect(coverOf(0, 21)).toEqual([21]);
    // Launches end 16 kernels before the end, and there.
    for (let cursor = 1; cursor < 5; cursor++) {
      expect(coverOf(cursor, 5 - cursor)).toEqual([5 - cursor]);
      expect(coverOf(cursor, 21 - cursor)).toEqual([5 - cursor, 16]);
    }
    for (let cursor = 5; cursor < 21; cursor++) expect(coverOf(cursor, 21 - cursor)).toEqual([21 - cursor]);
    expect(coverOf(7, 10)).toEqual([1, 1, 4, 4]);
    rig.close();
  });

  test('where launches run several steps of several members, all such runs are recorded ahead', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true);
    const {graphs, operands, start, close} = recordedAhead(rig, [0, 1, 2], 2);
    const recorded = graphs!.size;
    for (let cursor = 0; cursor < 21; cursor++) {
      const steps = cursor < 5 ? 5 - cursor : 21 - cursor;
      expect(graphs!.next(0, operands.pair(0, 0), start + cursor, steps)).toBeGreaterThan(0);
      expect(graphs!.found).toBe(steps);
      if (steps === 1) continue;
      expect(graphs!.group(0, start + cursor, steps, 2)).toBeGreaterThan(0);
      expect(graphs!.found).toBe(steps);
    }
    expect(graphs!.size).toBe(recorded);
    close();
  });

  test('large batches are recorded ahead from stop to stop and for short runs, for two lanes', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64, maxMembers: 512});
    const rig = setUp(context, true, {maxSize: 20, maxMembers: 512});
    const {graphs, start, close} = recordedAhead(rig, [0], 18);
    // Of 21 kernels: the stop is after the fifth, and short runs begin at multiples of four before the end.
    for (const size of [17, 18]) {
      const found = ([cursor, steps]: readonly [number, number]): number =>
        graphs!.group(0, start + cursor, steps, size) > 0 ? graphs!.found : 0;
      const asked = [[1, 4], [5, 16], [5, 4], [9, 4], [13, 8], [6, 8]] as const; // prettier-ignore
      expect(asked.map(found), `${size} members`).toEqual([4, 16, 4, 4, 8, 0]);
    }
    close();
  });

  test('a short program is one graph for batches, too, of all sizes and on several lanes at once', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64, maxMembers: 512});
    const rig = setUp(context, true, {maxSize: 20, maxMembers: 512});
    const {graphs, start, close} = recordedAhead(rig, [0], 18);
    for (const size of [2, 16, 18]) {
      const first = graphs!.group(0, start, 21, size);
      expect(first).toBeGreaterThan(0);
      expect(graphs!.found, `${size} members`).toBe(21);
    }
    withFaults({KERNEL_US: '5000'}, () => {
      const first = graphs!.group(0, start, 21, 2);
      const ticket = rig.submit([0, 1], 'batched', 0, 21, 0);
      expect(graphs!.group(1, start, 21, 2)).not.toBe(first);
      expect(graphs!.found).toBe(21);
      waitFor(context, 0, ticket);
    });
    close();
  });

  test('several steps of a batch are recorded ahead, for as many lanes as may run them at once', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const calls = setUp(context, false);
    for (const cursor of [1, 5]) calls.launch([0, 1], 'batched', cursor, 8);
    const expected = calls.outputs();
    calls.close();
    const rig = setUp(context, true);
    rig.graphs!.prepareGroup(rig.program(1) + 1, 4, 2);
    rig.graphs!.prepareGroup(rig.program(1) + 5, 4, 2);
    rig.graphs!.beginRun();
    // Eight steps, the first four of which are recorded.
    rig.launch([0, 1], 'batched', 1, 8);
    rig.launch([0, 1], 'batched', 5, 8);
    expect(rig.outputs()).toEqual(expected);
    rig.close();
  });

  test('a group that runs on one lane is not launched on another', () => {
    const context = openStandIn({lanes: 2, ringSlots: 64});
    const rig = setUp(context, true);
    const at = rig.program(1);
    const found = (lane: number): number => rig.graphs!.group(lane, at, 8, 2);
    expect(found(0)).toBe(0);
    rig.graphs!.prepareGroup(at, 4, 2);
    const only = found(1);
    expect(only).toBeGreaterThan(0);
    expect(rig.graphs!.found).toBe(4);
    withFaults({KERNEL_US: '5000'}, () => {
      const ticket = rig.submit([0, 1], 'batched', 0, 4, 0);
      expect(found(0)).toBe(only);
      expect(found(1)).toBe(0);
      rig.graphs!.prepareGroup(at, 4, 2);
      expect(found(1)).not.toBe(only);
      waitFor(context, 0, ticket);
    });
    expect(found(1)).toBe(only);
    rig.close();
  });

  test('groups are not recorded while a run goes on', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true);
    rig.graphs!.beginRun();
    rig.graphs!.prepareGroup(rig.program(1), 4, 2);
    expect(rig.graphs!.size).toBe(0);
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
    rig.launch([0, 1, 2, 3], 'single', 0, 21);
    rig.graphs!.beginRun();
    const before = rig.graphs!.size;
    // Each reading of the clock is 100 us after the last.
    Object.defineProperty(now, 'ns', {get: () => (clock += 100e3)});
    let clock = 0;
    let launches = 0;
    const recorded = (): number => rig.graphs!.size - before;
    while (recorded() < 4) {
      rig.launch([launches++ % 4], 'single', 5, 16);
      expect(recorded() * 100e3).toBeLessThanOrEqual(0.05 * clock + 100e3);
      expect(launches).toBeLessThan(1000);
    }
    rig.close();
  });

  test('those of a run are dropped for the next one, those from before are kept', () => {
    const now = {ns: 0};
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true, {now});
    rig.launch([0], 'single', 0, 21);
    rig.graphs!.beginRun();
    const ofRun = (): number[] => {
      const sizes: number[] = [];
      const record = (body: () => void): void => {
        now.ns += 1e9;
        body();
        sizes.push(rig.graphs!.size);
      };
      record(() => rig.launch([0], 'single', 0, 21));
      record(() => rig.launch([0], 'single', 5, 16));
      record(() => rig.launch([0, 1], 'batched', 3));
      withFaults({FAIL: 'cuGraphInstantiateWithFlags=801'}, () =>
        record(() => rig.launch([0, 1, 2], 'batched', 3)),
      );
      record(() => rig.launch([0, 1, 2], 'batched', 3));
      return sizes;
    };
    expect(ofRun()).toEqual([1, 2, 3, 3, 3]);
    const outputs = rig.outputs();
    rig.graphs!.rewind();
    expect(rig.graphs!.size).toBe(1);
    rig.graphs!.beginRun();
    // What was refused then may be recorded now.
    expect(ofRun()).toEqual([1, 2, 3, 3, 3]);
    rig.graphs!.rewind();
    now.ns += 1e9;
    rig.launch([0, 1, 2], 'batched', 3);
    expect(rig.graphs!.size).toBe(2);
    expect(rig.outputs()).toHaveLength(outputs.length);
    rig.close();
  });

  test('nothing is recorded in a run for streams whose activations are new', () => {
    const rig = setUp(openStandIn({lanes: 2, ringSlots: 64}), true);
    rig.graphs!.beginRun();
    rig.launch([0], 'single', 0, 21);
    expect(rig.graphs!.size).toBe(0);
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
