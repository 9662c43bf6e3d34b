// Superkernels compute what their members compute alone: how close, and in how many elements bit for bit.
import type {Gemm, Method} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {CudaContext} from '../cuda.ts';
import type {Bench} from './bench.ts';
import type {Session} from './session.ts';

/** A superkernel's results beside those of its members alone. */
export interface Equivalence {
  readonly kernel: Gemm;
  readonly method: Method;
  readonly size: number;
  readonly elements: number;
  /** Elements that agree bit for bit. */
  readonly equal: number;
  /** Members whose every element does. */
  readonly equalMembers: number;
  /** Largest difference relative to what rounding k products of values below 1 may cost: below 1 is rounding alone. */
  readonly worst: number;
}

/** Padded launches take each side up to this much further. */
const padding = 8;

/** As live runs launch them. FP32 kernels only: others round their results to a type that hides the sums. */
export async function measureEquivalence(
  bench: Bench,
  kernels: readonly Gemm[],
  sizes: readonly number[],
  session: Session,
): Promise<Equivalence[]> {
  const results: Equivalence[] = [];
  for (const kernel of kernels) {
    if (kernel.dtype !== 'fp32' || kernel.count !== 1) continue;
    for (const size of sizes) {
      for (const method of ['batched', 'grouped', 'padded'] as const) {
        if (!bench.isPossible({kernel, size, method})) continue;
        const result = await session.measure(`equivalence ${kernelKey(kernel)} ${method} R=${size}`, () =>
          compare(bench, kernel, method, size),
        );
        if (result !== null) results.push(result);
      }
    }
  }
  return results;
}

interface Member {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

function compare(
  bench: Bench,
  kernel: Gemm,
  method: 'batched' | 'grouped' | 'padded',
  size: number,
): Equivalence {
  const {context} = bench;
  const {m, n, k} = kernel;
  const launched = method === 'padded' ? {m: m + padding, n: n + padding, k: k + padding} : kernel;
  const allocated: number[] = [];
  const recorded: number[] = [];
  const allocate = (floats: number): number => {
    const address = context.alloc(4 * floats);
    allocated.push(address);
    return address;
  };
  const code = dataTypeCode('fp32');
  try {
    const alone: Member[] = [];
    const together: Member[] = [];
    for (let i = 0; i < size; i++) {
      const [a, b, c] = [allocate(m * k), allocate(k * n), allocate(m * n)];
      context.fill(a, m * k, code, 1000 + 2 * i);
      context.fill(b, k * n, code, 1001 + 2 * i);
      alone.push({a, b, c});
      if (method === 'padded') {
        together.push({
          // A is stored as its transpose.
          a: padded(context, a, k, m, allocate(launched.m * launched.k)),
          b: padded(context, b, k, n, allocate(launched.k * launched.n)),
          c: allocate(launched.m * launched.n),
        });
      } else {
        together.push({a, b, c: allocate(m * n)});
      }
    }
    context.synchronize();
    const run = (members: readonly Member[], submit: (ticket: number) => void): void => {
      members.forEach(({a, b, c}, i) => {
        context.operands.set([a, b, c], 3 * i);
      });
      const ticket = bench.ticket(0);
      submit(ticket);
      bench.waitFor(0, ticket);
    };
    run(alone, (ticket) => {
      context.submitSequence(0, ticket, code, m, n, k, 1, size);
    });
    run(together, (ticket) => {
      if (method === 'grouped') {
        context.shapes.set([m, n, k, size]);
        context.submitGrouped(0, ticket, code, 1);
        return;
      }
      const shape = [code, launched.m, launched.n, launched.k, 1, size] as const;
      if (context.graphs) {
        const graph = context.captureBatched(0, ...shape);
        recorded.push(graph);
        context.launchBatched(0, ticket, graph, size);
      } else {
        context.submitBatched(0, ticket, ...shape);
      }
    });
    context.synchronize();
    return {kernel, method, size, ...differences(context, kernel, alone, together, launched.n)};
  } finally {
    for (const graph of recorded) context.destroyGraph(graph);
    for (const address of allocated) context.free(address);
  }
}

/** A copy of a matrix with `padding` more rows and columns of zeros. */
function padded(context: CudaContext, from: number, rows: number, columns: number, to: number): number {
  const small = new Float32Array(rows * columns);
  context.download(from, small);
  const width = columns + padding;
  const large = new Float32Array((rows + padding) * width);
  for (let row = 0; row < rows; row++)
    large.set(small.subarray(row * columns, (row + 1) * columns), row * width);
  context.upload(to, large);
  return to;
}

function differences(
  context: CudaContext,
  {m, n, k}: Gemm,
  alone: readonly Member[],
  together: readonly Member[],
  width: number,
): Pick<Equivalence, 'elements' | 'equal' | 'equalMembers' | 'worst'> {
  // Sums of k products below 1 in any order: each addition rounds a partial sum of at most k.
  const allowed = k * Math.sqrt(k) * 2 ** -24;
  let equal = 0;
  let equalMembers = 0;
  let worst = 0;
  const one = new Float32Array(m * n);
  const other = new Float32Array(width === n ? m * n : (m + padding) * width);
  alone.forEach(({c}, i) => {
    context.download(c, one);
    context.download(together[i].c, other);
    let same = 0;
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        const x = one[row * n + column];
        const y = other[row * width + column];
        if (x === y) same++;
        // A NaN must not pass as small.
        else worst = Math.max(worst, Number.isNaN(x - y) ? Infinity : Math.abs(x - y) / allowed);
      }
    }
    equal += same;
    if (same === m * n) equalMembers++;
  });
  return {elements: alone.length * m * n, equal, equalMembers, worst};
}
