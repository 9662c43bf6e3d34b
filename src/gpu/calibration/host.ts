// What the host's part of a launch costs: submitting by method and size, writing a flag, seeing it.
import type {Gemm, Method} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {Bench} from './bench.ts';
import {spreadOf} from './samples.ts';
import type {Spread} from './samples.ts';
import type {Session} from './session.ts';

/** So small that the device is never waited for. */
const tiny: Gemm = {op: 'gemm', m: 16, n: 16, k: 16, count: 1, dtype: 'fp32'};
const sizes = [1, 2, 4, 8, 16, 32, 64, 128];

/** Host time of submitting one launch. */
export interface SubmitCost {
  readonly method: Method;
  readonly size: number;
  /** To an idle lane; to a lane that holds launches already. */
  readonly idle: Spread;
  readonly busy: Spread;
}

export interface HostCosts {
  /** A launch of nothing: host time to enqueue the flag's write, and from then until it is seen. */
  readonly empty: {submit: Spread; after: Spread} | null;
  readonly submit: readonly SubmitCost[];
  /** Round trips of one small product, by a loop in JavaScript and by one in C++. */
  readonly loops: {javascript: Spread; native: Spread} | null;
  /** ns of one look at a flag, and of one reading of the clock. */
  readonly look: {flag: number; clock: number} | null;
}

export async function measureHost(bench: Bench, session: Session): Promise<HostCosts> {
  bench.warmUp({kernel: tiny, size: 1, method: 'single'}, 200e6);
  const empty = await session.measure('host empty', () => measureEmpty(bench, 300));
  const submit: SubmitCost[] = [];
  for (const method of ['single', 'batched', 'strided', 'grouped'] as const) {
    for (const size of sizes) {
      if (!bench.isPossible({kernel: tiny, size, method})) continue;
      const cost = await session.measure(`host submit ${method} R=${size}`, () =>
        measureSubmit(bench, method, size),
      );
      if (cost !== null) submit.push(cost);
    }
  }
  const loops = await session.measure('host loops', () => measureLoops(bench, 2000));
  const look = await session.measure('host look', () => measureLook(bench, 100_000));
  return {empty, submit, loops, look};
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

function measureSubmit(bench: Bench, method: Method, size: number): SubmitCost {
  const work = {kernel: tiny, size, method};
  const {submit} = bench.roundTrips(work, {least: 20, most: 200, forNs: 15e6});
  const busy: number[] = [];
  for (let round = 0; round < 20; round++) {
    let last = 0;
    for (let i = 0; i < 6; i++) {
      last = bench.ticket(0);
      const sent = bench.nowNs();
      bench.submit(work, 0, last);
      // The first of a round finds the lane idle.
      if (i > 0) busy.push(bench.nowNs() - sent);
    }
    bench.waitFor(0, last);
  }
  return {method, size, idle: spreadOf(submit), busy: spreadOf(busy)};
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
