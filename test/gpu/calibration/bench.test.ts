// The bench on a stand-in that takes a known time per kernel: each way of timing sees at least that.
import {afterAll, describe, expect, test} from 'vitest';
import {Bench} from '../../../src/gpu/calibration/bench.ts';
import type {Work} from '../../../src/gpu/calibration/work.ts';
import {measureEquivalence} from '../../../src/gpu/calibration/equivalence.ts';
import {Journal} from '../../../src/gpu/calibration/journal.ts';
import {runLanes} from '../../../src/gpu/calibration/lanes.ts';
import {OperandPool} from '../../../src/gpu/calibration/operandPool.ts';
import {Session} from '../../../src/gpu/calibration/session.ts';
import {loadAddon} from '../../../src/gpu/cuda.ts';
import type {CudaContext} from '../../../src/gpu/cuda.ts';
import type {Gemm} from '../../../src/scheduler/kernel.ts';
import {openStandIn, unavailable, withFaults} from '../../fake-cuda/standIn.ts';

const kernel: Gemm = {op: 'gemm', m: 6, n: 4, k: 8, count: 1, dtype: 'fp32'};
const single: Work = {kernel, size: 1, method: 'single'};

describe.skipIf(unavailable)('a bench', () => {
  const opened: CudaContext[] = [];
  const make = (poolBytes = 1 << 16): Bench => {
    const context = openStandIn({lanes: 3, ringSlots: 16});
    opened.push(context);
    const pool = new OperandPool(context, poolBytes, poolBytes);
    return new Bench({
      context,
      nowNs: () => loadAddon().nowNs(),
      pool,
      lanes: 3,
      maxMembers: 32,
      ringSlots: 16,
    });
  };
  afterAll(() => {
    for (const context of opened) context.destroy();
  });

  test('times no launch shorter than its kernel: alone, queued, in a graph, beside others', () => {
    const bench = make();
    const kernelNs = 2e6;
    withFaults({KERNEL_US: '2000'}, () => {
      const {submit, round} = bench.roundTrips(single, {least: 3, most: 3, forNs: 0});
      expect(round).toHaveLength(3);
      expect(Math.min(...round)).toBeGreaterThanOrEqual(kernelNs);
      expect(Math.max(...submit)).toBeLessThan(Math.min(...round));
      // A difference of two times: a pause of the host's in the first of them shortens it.
      const longest = (time: () => number) => Math.max(time(), time(), time());
      expect(longest(() => bench.queuedNs(single))).toBeGreaterThan(0.9 * kernelNs);
      expect(longest(() => bench.stepNs(single, 3))).toBeGreaterThan(0.9 * kernelNs);
      const lanes = runLanes(bench, [single, {...single, size: 2}], [kernelNs, 2 * kernelNs]);
      expect(lanes[0]).toBeGreaterThan(0.9 * kernelNs);
      expect(lanes[1]).toBeGreaterThan(0.9 * 2 * kernelNs);
    });
  });

  test('executes every method, with operands that lie inside its memory', () => {
    // So small that operands wrap around within one launch.
    const bench = make(2048);
    for (const method of ['single', 'batched', 'strided', 'grouped', 'padded'] as const) {
      for (let size = 1; size <= 9; size++) {
        const work = {kernel, size, method};
        if (bench.isPossible(work)) bench.warmUp(work, 0);
      }
    }
    bench.context.synchronize();
  });

  test('knows what is not possible', () => {
    const bench = make();
    expect(bench.isPossible({kernel, size: 33, method: 'batched'})).toBe(false);
    expect(bench.isPossible({kernel: {...kernel, count: 4}, size: 9, method: 'batched'})).toBe(false);
    expect(bench.isPossible({kernel: {...kernel, count: 4}, size: 1, method: 'grouped'})).toBe(false);
    expect(bench.isPossible({kernel: {...kernel, k: 100_000}, size: 1, method: 'single'})).toBe(false);
    expect(bench.isPossible({kernel, size: 8, method: 'batched'})).toBe(true);
  });

  test('a capture that fails leaves the lane usable', () => {
    const bench = make();
    const wide = {kernel, size: 4, method: 'batched'} as const;
    expect(() => withFaults({FAIL: 'cublasGemmBatchedEx=15@2'}, () => bench.capture(wide, 4, 0))).toThrow(
      'cublasGemmBatchedEx failed',
    );
    expect(bench.stepNs(wide, 4, 1)).toSatisfy(Number.isFinite);
  });

  test('a superkernel that computes something else is found out', async () => {
    const bench = make();
    const session = (): Session =>
      new Session({journal: new Journal(null, {}), nowNs: bench.nowNs, budgetNs: 1e9, log: () => undefined});
    const right = await measureEquivalence(bench, [kernel], [3], session());
    expect(right.map(({method, equal, elements}) => [method, equal === elements])).toEqual([
      ['batched', true],
      ['grouped', true],
      ['padded', true],
    ]);
    const {context} = bench;
    // The first operand of the first member is another's.
    const wrong = new Proxy(context, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'launchBatched') {
          return (...args: Parameters<CudaContext['launchBatched']>) => {
            target.operands[0] = target.operands[3];
            target.launchBatched(...args);
          };
        }
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const broken = Object.create(bench, {context: {value: wrong}}) as Bench;
    const [batched] = await measureEquivalence(broken, [kernel], [3], session());
    expect(batched.worst).toBeGreaterThan(1);
    expect(batched.equalMembers).toBe(2);
  });
});
