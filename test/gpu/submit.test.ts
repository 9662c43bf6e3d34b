// What the addon submits: products by every method and data type, element-wise kernels, and launches of several parts.

import {fc, test} from '@fast-check/vitest';
import {afterAll, describe, expect, it} from 'vitest';

import {type CudaContext, dataTypeCode} from '../../src/gpu/cuda.ts';
import type {DataType} from '../../src/scheduler/kernel.ts';
import {destroyAll, openStandIn, unavailable, waitFor, withFaults} from '../fake-cuda/standIn.ts';
import {error, makeMember, type Member, place, read, resultBytes, type Shape} from './products.ts';

const dtypes: DataType[] = ['fp32', 'tf32', 'fp16', 'bf16'];
const size = fc.integer({min: 1, max: 9});
const shapes: fc.Arbitrary<Shape> = fc.record({m: size, n: size, k: size, count: fc.constantFrom(1, 1, 3)});

describe.skipIf(unavailable)('a context', () => {
  let ticket = 0;
  let shared: CudaContext | undefined;
  const context = () => (shared ??= openStandIn({pointers: 'copy'}));
  afterAll(destroyAll);

  /** Runs `submit` on lane 0 with the members' operands in place; results are then in their C. */
  function run(members: readonly Member[], submit: (ticket: number) => void): void {
    place(context(), members);
    submit(++ticket);
    waitFor(context(), 0, ticket);
  }

  function withMembers(
    shapesOfAll: readonly Shape[],
    dtype: DataType,
    body: (members: Member[]) => void,
  ): void {
    const members = shapesOfAll.map((shape, i) => makeMember(context(), shape, dtype, i));
    body(members);
    for (const {a, b, c} of members) for (const address of [a, b, c]) context().free(address);
  }

  test.prop([shapes, fc.constantFrom(...dtypes)], {numRuns: 40})(
    'submitGemm and submitStrided compute row-major C = A B in each data type',
    ({m, n, k, count}, dtype) => {
      withMembers([{m, n, k, count}], dtype, ([member]) => {
        const {a, b, c} = member;
        const code = dataTypeCode(dtype);
        run([], (t) => {
          if (count === 1) context().submitGemm(0, t, code, m, n, k, a, b, c);
          else context().submitStrided(0, t, code, m, n, k, count, m * k, k * n, m * n, a, b, c);
        });
        expect(error(context(), member, dtype)).toBeLessThanOrEqual(1);
      });
    },
  );

  test.prop([shapes, fc.constantFrom(...dtypes), fc.integer({min: 1, max: 7})], {numRuns: 40})(
    'a batched launch gives every member the bits that it gets alone',
    (shape, dtype, members) => {
      const {m, n, k, count} = shape;
      withMembers(
        Array.from({length: members}, () => shape),
        dtype,
        (all) => {
          const code = dataTypeCode(dtype);
          run(all, (t) => context().submitSequence(0, t, code, m, n, k, count, members));
          const alone = all.map((member) => resultBytes(context(), member, dtype));
          expect(Math.max(...all.map((member) => error(context(), member, dtype)))).toBeLessThanOrEqual(1);
          for (const {c} of all) context().memset(c, 0xff, m * n * count);
          run(all, (t) => context().submitBatched(0, t, code, m, n, k, count, members));
          expect(all.map((member) => resultBytes(context(), member, dtype))).toEqual(alone);
        },
      );
    },
  );

  test.prop(
    [
      fc.array(fc.tuple(shapes, fc.integer({min: 1, max: 4})), {minLength: 1, maxLength: 4}),
      fc.constantFrom(...dtypes),
    ],
    {
      numRuns: 40,
    },
  )('a grouped launch runs members of several shapes', (groups, dtype) => {
    const flat = groups.flatMap(([shape, members]) =>
      Array.from({length: members}, () => ({...shape, count: 1})),
    );
    withMembers(flat, dtype, (all) => {
      for (const [g, [{m, n, k}, members]] of groups.entries())
        context().shapes.set([m, n, k, members], 4 * g);
      run(all, (t) => context().submitGrouped(0, t, dataTypeCode(dtype), groups.length));
      expect(Math.max(...all.map((member) => error(context(), member, dtype)))).toBeLessThanOrEqual(1);
    });
  });

  test('a stride of 0 lets the products share an operand', () => {
    const shape = {m: 3, n: 4, k: 5, count: 1};
    withMembers([shape, shape], 'fp32', ([first, second]) => {
      const both = context().alloc(2 * 4 * 12);
      run([], (t) => context().submitStrided(0, t, 0, 3, 4, 5, 2, 0, 0, 12, first.a, first.b, both));
      run([], (t) => context().submitGemm(0, t, 0, 3, 4, 5, first.a, first.b, second.c));
      const once = read(context(), second.c, 48);
      expect(read(context(), both, 96)).toEqual(Uint8Array.of(...once, ...once));
      context().free(both);
    });
  });

  test('submitElementwise writes the positive part of each member, more members than one kernel takes', () => {
    const wide = openStandIn({maxMembers: 100});
    const floats = 40;
    const members = Array.from({length: 70}, (_, i) => {
      const from = wide.alloc(4 * floats);
      wide.fill(from, floats, 0, i);
      return {from, to: wide.alloc(4 * floats)};
    });
    for (const [i, {from, to}] of members.entries()) wide.operands.set([from, 0, to], 3 * i);
    wide.submitElementwise(1, 1, 2 * 4 * floats, members.length);
    waitFor(wide, 1, 1);
    const floatsAt = (address: number) => new Float32Array(read(wide, address, 4 * floats).buffer);
    for (const {from, to} of members) expect(floatsAt(to)).toEqual(floatsAt(from).map((x) => Math.max(x, 0)));
  });

  test('submits with ticket 0 between begin and finish complete as one launch', () => {
    const shape = {m: 4, n: 4, k: 4, count: 1};
    withMembers([shape, shape], 'fp32', ([first, second]) => {
      // The second product reads what the first wrote, as the transpose of its A.
      const before = Atomics.load(context().flags, 0);
      context().begin(0, ++ticket);
      context().submitGemm(0, 0, 0, 4, 4, 4, first.a, first.b, first.c);
      context().submitGemm(0, 0, 0, 4, 4, 4, first.c, second.b, second.c);
      context().synchronize(0);
      expect(Atomics.load(context().flags, 0)).toBe(before);
      context().finish(0, ticket);
      waitFor(context(), 0, ticket);
      const left = new Float32Array(read(context(), first.c, 64).buffer);
      const right = new Float32Array(read(context(), second.b, 64).buffer);
      const result = new Float32Array(read(context(), second.c, 64).buffer);
      let sum = 0;
      for (let l = 0; l < 4; l++) sum = Math.fround(sum + Math.fround(left[4 * l + 1] * right[4 * l + 2]));
      expect(result[4 + 2]).toBeCloseTo(sum, 5);
    });
  });

  test('a graph repeats a batch, on other operands after updateGraph', () => {
    const shape = {m: 5, n: 2, k: 3, count: 1};
    withMembers(
      Array.from({length: 6}, () => shape),
      'fp32',
      (all) => {
        const [former, latter] = [all.slice(0, 3), all.slice(3)];
        place(context(), former);
        context().captureBegin(0, 3);
        context().submitBatched(0, 0, 0, 5, 2, 3, 1, 3);
        const graph = context().captureEnd(0);
        expect(former.map((member) => error(context(), member, 'fp32')).every((e) => e > 1)).toBe(true);
        run([], (t) => context().launchGraph(0, t, graph));
        expect(Math.max(...former.map((member) => error(context(), member, 'fp32')))).toBeLessThanOrEqual(1);
        place(context(), latter);
        context().updateGraph(graph, 0, 3);
        run([], (t) => context().launchGraph(0, t, graph));
        expect(Math.max(...latter.map((member) => error(context(), member, 'fp32')))).toBeLessThanOrEqual(1);
        context().destroyGraph(graph);
        expect(() => context().launchGraph(0, 0, graph)).toThrow(`unknown graph: ${graph}`);
      },
    );
  });

  test('a group finds every product of its batches from the first ones of each launch', () => {
    // Twice as many as one call may take.
    const many = {m: 3, n: 2, k: 4, count: 16};
    const one = {m: 2, n: 2, k: 2, count: 1};
    withMembers([many, many, one, one, many, many, one, one], 'fp32', (all) => {
      context().captureGroup(0, 2, 3, 64);
      context().submitBatched(0, 0, 0, 3, 2, 4, 16, 2);
      context().submitBatched(0, 0, 0, 2, 2, 2, 1, 2);
      context().submitBatched(0, 0, 0, 3, 2, 4, 16, 2);
      const graph = context().captureEnd(0);
      for (const members of [all.slice(0, 4), all.slice(4)]) {
        for (const [i, {a, b, c}] of [...members, ...members.slice(0, 2)].entries()) {
          const at = 6 * Math.floor(i / 2) + (i % 2);
          context().operands[at] = a;
          context().operands[at + 2] = b;
          context().operands[at + 4] = c;
        }
        context().begin(0, ++ticket);
        context().launchGroup(0, ticket, graph);
        context().finish(0, ticket);
        waitFor(context(), 0, ticket);
        expect(Math.max(...members.map((member) => error(context(), member, 'fp32')))).toBeLessThanOrEqual(1);
      }
      context().destroyGraph(graph);
    });
  });

  test('a recorded batch finds every product of its members from their first ones', () => {
    const shape = {m: 3, n: 2, k: 4, count: 5};
    withMembers([shape, shape, shape], 'fp32', (all) => {
      const graph = context().captureBatched(0, 0, 3, 2, 4, 5, 3);
      run(all, (t) => context().launchBatched(0, t, graph, 3));
      expect(Math.max(...all.map((member) => error(context(), member, 'fp32')))).toBeLessThanOrEqual(1);
      context().destroyGraph(graph);
    });
  });

  it.for(['a group', 'a recorded batch'] as const)(
    'launches of %s that queue behind each other read their own operands, also where one was refused',
    (kind) => {
      const ringSlots = 4;
      const queued = openStandIn({ringSlots});
      const shape = {m: 2, n: 3, k: 4, count: 1};
      let graph: number;
      if (kind === 'a group') {
        queued.captureGroup(0, 2, 1, 0);
        queued.submitBatched(0, 0, 0, 2, 3, 4, 1, 2);
        graph = queued.captureEnd(0);
      } else {
        graph = queued.captureBatched(0, 0, 2, 3, 4, 1, 2);
      }
      const launch = (t: number, [first, second]: readonly Member[]): void => {
        if (kind === 'a group') {
          queued.operands.set([first.a, second.a, first.b, second.b, first.c, second.c]);
          queued.begin(0, t);
          queued.launchGroup(0, t, graph);
          queued.finish(0, t);
        } else {
          place(queued, [first, second]);
          queued.launchBatched(0, t, graph, 2);
        }
      };
      const pairs = Array.from({length: 3 * ringSlots}, (_, i) =>
        [2 * i, 2 * i + 1].map((seed) => makeMember(queued, shape, 'fp32', seed)),
      );
      withFaults({KERNEL_US: '300'}, () => {
        for (const [i, members] of pairs.entries()) {
          while (Atomics.load(queued.flags, 0) < i + 2 - ringSlots) queued.query(0);
          if (i === ringSlots + 1) {
            const refused = () => launch(i + 1, members);
            withFaults({KERNEL_US: '300', FAIL: 'cuGraphLaunch=1@1'}, () =>
              expect(refused).toThrow('cuGraphLaunch'),
            );
            queued.finish(0, i + 1);
          } else {
            launch(i + 1, members);
          }
        }
        waitFor(queued, 0, pairs.length);
      });
      const errors = pairs.map((members) =>
        Math.max(...members.map((member) => error(queued, member, 'fp32'))),
      );
      expect(errors.filter((each) => each <= 1).length).toBe(pairs.length - 1);
      expect(errors[ringSlots + 1]).toBeGreaterThan(1);
    },
  );

  test('a group takes the batches that it was announced', () => {
    context().captureGroup(0, 2, 2, 4);
    const batch = (count: number, size: number) => () =>
      context().submitBatched(0, 0, 0, 2, 2, 2, count, size);
    expect(batch(1, 3)).toThrow('invalid size: 3 members in a batch of the graph (expected 2)');
    expect(batch(3, 2)).toThrow(
      'too many products in the graph (expected at most 4 of members with several)',
    );
    expect(() => context().submitGrouped(0, 0, 0, 1)).toThrow('a group takes batches');
    batch(2, 2)();
    batch(1, 2)();
    expect(batch(1, 2)).toThrow('too many batches in the graph (expected 2)');
    context().destroyGraph(context().captureEnd(0));
  });

  it.for(['copy', 'mapped'] as const)(
    'batches read their pointers right when these are passed by %s',
    (pointers) => {
      const other = openStandIn({pointers, completion: 'memset'});
      expect(other.completion).toBe('memset');
      const shape = {m: 2, n: 3, k: 4, count: 2};
      const members = Array.from({length: 5}, (_, i) => makeMember(other, shape, 'fp32', i));
      place(other, members);
      other.submitBatched(1, 7, 0, 2, 3, 4, 2, 5);
      waitFor(other, 1, 7);
      expect(Math.max(...members.map((member) => error(other, member, 'fp32')))).toBeLessThanOrEqual(1);
    },
  );

  test('fill draws odd multiples of 2^-bits in (-1, 1), the same for a seed', () => {
    const address = context().alloc(4000);
    const draw = (dtype: DataType, seed: number, bytes: number) => {
      context().fill(address, 1000, dataTypeCode(dtype), seed);
      return read(context(), address, bytes);
    };
    const first = new Float32Array(draw('fp32', 7, 4000).buffer);
    expect(new Float32Array(draw('fp32', 7, 4000).buffer)).toEqual(first);
    expect(new Float32Array(draw('fp32', 8, 4000).buffer)).not.toEqual(first);
    expect(first.every((x) => Math.abs(x) < 1 && Math.abs((x * 2 ** 24) % 2) === 1)).toBe(true);
    const mean = first.reduce((sum, x) => sum + x, 0) / 1000;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(3 * 1000)); // four standard errors of a uniform mean
    context().free(address);
  });
});
