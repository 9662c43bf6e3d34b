// What the host's calls cost one by one: submitting a tiny kernel by every method and size, writing a flag, seeing it.
import type {Elementwise, Gemm, Method} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {Bench} from './bench.ts';
import {measureGroups, measureProduct} from './groups.ts';
import type {StepCost} from './groups.ts';
import {spreadOf} from './samples.ts';
import type {Spread} from './samples.ts';
import type {Session} from './session.ts';
import type {Work} from './work.ts';

/** So small that the device is never waited for. */
export const tiny: Gemm = {op: 'gemm', m: 16, n: 16, k: 16, count: 1, dtype: 'fp32'};
const tinyPass: Elementwise = {op: 'elementwise', bytes: 4096, dtype: 'fp32'};
const sizes = [1, 2, 4, 8, 16, 32, 64, 128];

/** What the host tells launches apart by: the method, and element-wise kernels by any method. */
export type LaunchKind = Method | 'elementwise';

/** Host time of submitting one launch to an idle lane, in ns. */
export interface CallCost {
  readonly kind: LaunchKind;
  readonly size: number;
  readonly ns: Spread;
}

export interface HostCalls {
  /** A launch of nothing: host time to enqueue the flag's write, and from then until it is seen. */
  readonly empty: {submit: Spread; after: Spread} | null;
  readonly submit: readonly CallCost[];
  /** Of each further step of batched launches. */
  readonly steps: readonly StepCost[];
  /** Of each further product of a member of those, in ns; null where it was not measured. */
  readonly productNs: number | null;
  /** Round trips of one small product, by a loop in JavaScript with recorded graphs and by one in C++ with plain calls. */
  readonly loops: {javascript: Spread; native: Spread} | null;
  /** ns of one look at a flag, and of one reading of the clock. */
  readonly look: {flag: number; clock: number} | null;
}

/** Submissions back to back, in a loop that does nothing else: a live run finds its code and data less at hand. */
export async function measureCalls(bench: Bench, session: Session): Promise<HostCalls> {
  bench.warmUp({kernel: tiny, size: 1, method: 'single'}, 200e6);
  const empty = await session.measure('host empty', () => measureEmpty(bench, 300));
  const submit: CallCost[] = [];
  for (const kind of ['single', 'batched', 'strided', 'grouped', 'elementwise'] as const) {
    for (const size of sizes) {
      const work = workOf(kind, size);
      if (!bench.isPossible(work)) continue;
      const cost = await session.measure(`host submit ${kind} R=${size}`, (): CallCost => {
        const {submit} = bench.roundTrips(work, {least: 20, most: 200, forNs: 10e6});
        return {kind, size, ns: spreadOf(submit)};
      });
      if (cost !== null) submit.push(cost);
    }
  }
  const steps = await measureGroups(bench, tiny, session);
  const productNs = await measureProduct(bench, tiny, session);
  const loops = await session.measure('host loops', () => measureLoops(bench, 2000));
  const look = await session.measure('host look', () => measureLook(bench, 100_000));
  return {empty, submit, steps, productNs, loops, look};
}

function workOf(kind: LaunchKind, size: number): Work {
  if (kind !== 'elementwise') return {kernel: tiny, size, method: kind};
  return {kernel: tinyPass, size, method: size === 1 ? 'single' : 'batched'};
}

function measureEmpty(bench: Bench, repeats: number): {submit: Spread; after: Spread} {
  const {context, nowNs} = bench;
  const submit: number[] = [];
  const after: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const ticket = bench.ticket(0);
    const sent = nowNs();
    context.begin(0, ticket);
    context.finish(0, ticket);
    const released = nowNs();
    bench.waitFor(0, ticket);
    after.push(nowNs() - released);
    submit.push(released - sent);
  }
  return {submit: spreadOf(submit), after: spreadOf(after)};
}

function measureLoops(bench: Bench, iterations: number): {javascript: Spread; native: Spread} {
  const {round} = bench.roundTrips(
    {kernel: tiny, size: 1, method: 'single'},
    {least: Math.min(50, iterations), most: iterations, forNs: 100e6},
  );
  bench.pool.place(tiny, 1);
  const [a, b, c] = bench.context.operands;
  const {m, n, k, dtype} = tiny;
  const native = bench.context.benchLoop(0, round.length, dataTypeCode(dtype), m, n, k, a, b, c);
  return {javascript: spreadOf(round), native: spreadOf(native)};
}

function measureLook(bench: Bench, repeats: number): {flag: number; clock: number} {
  const {context, nowNs} = bench;
  const {flags} = context;
  const begin = nowNs();
  let sum = 0;
  for (let i = 0; i < repeats; i++) sum += Atomics.load(flags, 0);
  const middle = nowNs();
  for (let i = 0; i < repeats; i++) sum += nowNs();
  const end = nowNs();
  // The sum keeps the loops from being dropped as dead code.
  return {flag: (middle - begin) / repeats, clock: Number.isNaN(sum) ? NaN : (end - middle) / repeats};
}
