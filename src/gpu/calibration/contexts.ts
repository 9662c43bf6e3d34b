// Contexts beside each other in one process: what one takes of memory, and how the device shares its time among them.
import type {Gemm} from '../../scheduler/kernel.ts';
import type {ContextOptions, CudaContext} from '../cuda.ts';
import {Bench} from './bench.ts';
import {OperandPool} from './operandPool.ts';
import {medianOf} from './samples.ts';
import type {Session} from './session.ts';

/** Time slicing between two contexts that both have work. In ns; null where the device did not alternate. */
export interface TimeSlicing {
  /** Completions in a row of one context, from the first to the last. */
  readonly sliceNs: number | null;
  /** From the last completion of one context to the first of the other, less a launch. */
  readonly switchNs: number | null;
  /** Turns that were seen. */
  readonly turns: number;
  readonly launchNs: number;
  /** The length of each turn, in order. */
  readonly slices: readonly number[];
}

export interface ContextCosts {
  /** Bytes that an own context with one lane takes, library code and workspace included. */
  readonly contextBytes: number | null;
  readonly slicing: TimeSlicing | null;
}

/** Opens contexts on the device that is calibrated. */
export type Open = (options: ContextOptions) => CudaContext;

const options: ContextOptions = {context: 'own', lanes: 1, maxMembers: 128, ringSlots: 64, workspaceBytes: 0};

/** Some ten to hundred microseconds on a datacentre GPU, and all of its SMs. */
const load: Gemm = {op: 'gemm', m: 1024, n: 1024, k: 1024, count: 1, dtype: 'fp32'};

/**
 * `free` tells the device's free memory. The two contexts live as long as the measurement.
 */
export async function measureContexts(
  open: Open,
  free: () => number,
  nowNs: () => number,
  session: Session,
  {kernel = load, forNs = 400e6}: {kernel?: Gemm; forNs?: number} = {},
): Promise<ContextCosts> {
  const contextBytes = await session.measure('contexts memory', () => {
    const before = free();
    const bench = openBench(open, kernel, nowNs);
    try {
      // Libraries load their code at first use.
      bench.warmUp({kernel, size: 1, method: 'single'}, 1e6);
      bench.warmUp({kernel, size: 2, method: 'batched'}, 1e6);
      bench.pool.free();
      return before - free();
    } finally {
      bench.context.destroy();
    }
  });
  const slicing = await session.measure('contexts time slicing', () => {
    const benches: Bench[] = [];
    try {
      for (let i = 0; i < 2; i++) benches.push(openBench(open, kernel, nowNs));
      return measureSlicing(benches, kernel, forNs);
    } finally {
      for (const {context} of benches) context.destroy();
    }
  });
  return {contextBytes, slicing};
}

function openBench(open: Open, kernel: Gemm, nowNs: () => number): Bench {
  const context = open(options);
  try {
    const need = OperandPool.needOf(kernel);
    const pool = new OperandPool(context, 2 * need.weights, 4 * need.activations);
    return new Bench({context, nowNs, pool, lanes: 1, maxMembers: 128, ringSlots: 64});
  } catch (error) {
    context.destroy();
    throw error;
  }
}

/** Both contexts hold launches all the time; the order of the completions shows whose turn it was. */
function measureSlicing(benches: readonly Bench[], kernel: Gemm, forNs: number): TimeSlicing {
  const work = {kernel, size: 1, method: 'single'} as const;
  const {nowNs} = benches[0];
  for (const bench of benches) bench.warmUp(work, 20e6);
  const depth = 24;
  const launched = benches.map(() => 0);
  const done = benches.map(() => 0);
  const begin = nowNs();
  const bases = benches.map(({context}) => Atomics.load(context.flags, 0));
  const lasts = [...bases];
  const ends: {at: number; context: number}[] = [];
  while (nowNs() - begin < forNs) {
    benches.forEach((bench, i) => {
      const seen = (Atomics.load(bench.context.flags, 0) - bases[i]) | 0;
      const now = nowNs();
      for (; done[i] < seen; done[i]++) ends.push({at: now, context: i});
      if (launched[i] - done[i] < depth) {
        bench.submit(work, 0, (lasts[i] = bench.ticket(0)));
        launched[i]++;
      }
    });
  }
  benches.forEach((bench, i) => {
    bench.waitFor(0, lasts[i]);
  });
  return turnsOf(ends);
}

/** Cuts a sequence of completions into turns. The first and the last turn are cut off by the measurement. */
export function turnsOf(ends: readonly {at: number; context: number}[]): TimeSlicing {
  const within: number[] = [];
  const between: number[] = [];
  const slices: number[] = [];
  let start = 0;
  for (let i = 1; i < ends.length; i++) {
    const step = ends[i].at - ends[i - 1].at;
    if (ends[i].context === ends[i - 1].context) {
      within.push(step);
      continue;
    }
    between.push(step);
    if (start > 0) slices.push(ends[i - 1].at - ends[start].at);
    start = i;
  }
  const launchNs = medianOf(within);
  // A first completion ends a launch that began with the turn.
  const turns = slices.map((ns) => ns + launchNs);
  return {
    sliceNs: turns.length > 0 ? medianOf(turns) : null,
    switchNs: between.length > 0 ? Math.max(0, medianOf(between) - launchNs) : null,
    turns: turns.length,
    launchNs,
    slices: turns,
  };
}
