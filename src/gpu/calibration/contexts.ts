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

/** What the device needs to change contexts when the active one has run dry. In ns. */
export interface Yielding {
  /**
   * The next context has launches waiting: from the last completion of one to the first of the other, less a launch. Null
   * where the first context's slice was over before its work.
   */
  readonly queuedNs: number | null;
  /** The next context gets a launch when nothing runs: what that takes longer than by the context that ran last. */
  readonly idleNs: number;
  /** Of `queuedNs`, each change, in order. */
  readonly changes: readonly number[];
}

export interface ContextCosts {
  /** Bytes that an own context with one lane takes, library code and workspace included. */
  readonly contextBytes: number | null;
  readonly slicing: TimeSlicing | null;
  readonly yielding: Yielding | null;
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
  const inTwo = <T>(measure: (benches: readonly Bench[]) => T): T => {
    const benches: Bench[] = [];
    try {
      for (let i = 0; i < 2; i++) benches.push(openBench(open, kernel, nowNs));
      return measure(benches);
    } finally {
      for (const {context} of benches) context.destroy();
    }
  };
  const slicing = await session.measure('contexts time slicing', () =>
    inTwo((benches) => measureSlicing(benches, kernel, forNs)),
  );
  const yielding = await session.measure('contexts yielding', () =>
    inTwo((benches) => measureYielding(benches, kernel, slicing?.launchNs ?? unknownNs)),
  );
  return {contextBytes, slicing, yielding};
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

/** Work of one turn: long beside its submission, short beside a slice of a millisecond or two. */
const turnNs = 200e3;
const longestTurn = 16;
const changes = 41;
const unknownNs = 100e3;

/** One context is given work, then the other: it can begin when the first has nothing left. */
function measureYielding(benches: readonly Bench[], kernel: Gemm, launchNs: number): Yielding {
  const work = {kernel, size: 1, method: 'single'} as const;
  const {nowNs} = benches[0];
  const launches = Math.max(2, Math.min(longestTurn, Math.round(turnNs / launchNs)));
  const submitTurn = (bench: Bench): number[] =>
    Array.from({length: launches}, () => {
      const ticket = bench.ticket(0);
      bench.submit(work, 0, ticket);
      return ticket;
    });
  for (const bench of benches) bench.warmUp(work, 20e6);
  const queued: number[] = [];
  for (let i = 0; i < changes; i++) {
    const [first, second] = i % 2 === 0 ? benches : benches.toReversed();
    const firsts = submitTurn(first);
    const seconds = submitTurn(second);
    first.waitFor(0, firsts[launches - 1]);
    const endedAt = nowNs();
    if (((Atomics.load(second.context.flags, 0) - seconds[0]) | 0) >= 0) {
      // The slice of the first was over before its work: no yield to be seen.
      second.waitFor(0, seconds[launches - 1]);
      continue;
    }
    second.waitFor(0, seconds[0]);
    const begunAt = nowNs();
    second.waitFor(0, seconds[launches - 1]);
    queued.push(begunAt - endedAt - (nowNs() - begunAt) / (launches - 1));
  }
  const round = (bench: Bench): number => {
    const sent = nowNs();
    const ticket = bench.ticket(0);
    bench.submit(work, 0, ticket);
    bench.waitFor(0, ticket);
    return nowNs() - sent;
  };
  const same: number[] = [];
  const other: number[] = [];
  for (let i = 0; i < changes; i++) {
    const bench = benches[i % 2];
    other.push(round(bench));
    same.push(round(bench));
  }
  return {
    queuedNs: queued.length === 0 ? null : Math.max(0, medianOf(queued)),
    idleNs: Math.max(0, medianOf(other) - medianOf(same)),
    changes: queued,
  };
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
