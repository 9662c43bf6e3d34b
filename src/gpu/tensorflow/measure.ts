// The measurements of a calibration through TensorFlow.js, in the order in which they tell most.
import {setImmediate} from 'node:timers/promises';
import type {Elementwise, Gemm} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Session} from '../calibration/session.ts';
import type {TensorFlow} from './library.ts';
import {elementwise, passes, product, productBytes} from './operations.ts';
import type {Operation, Pass} from './operations.ts';
import {timeOf} from './timing.ts';
import type {Timing, TimingOptions} from './timing.ts';

/** Of `size` members of a kernel in one operation. */
export interface ProductTime extends Timing {
  readonly kernel: Gemm;
  readonly size: number;
}

export interface PassTime extends Timing {
  readonly pass: Pass;
  readonly bytes: number;
}

/** What the host takes at least to hand over one operation: the times of operations with next to no work. */
export interface HostFloors {
  readonly single: number;
  readonly strided: number;
  readonly elementwise: number;
}

export interface TensorFlowMeasurements {
  readonly floors: HostFloors;
  readonly products: readonly ProductTime[];
  readonly passes: readonly PassTime[];
  /** Measurements that there was no time for. */
  readonly left: number;
}

/** What to measure. Sizes count members of one operation, and go from 1 on. */
export interface TensorFlowPlan {
  /** Every size of these comes before more than one member of the others. */
  readonly papers: readonly Gemm[];
  readonly kernels: readonly Gemm[];
  readonly sizes: readonly number[];
  readonly elementwise: readonly Elementwise[];
  /** No operation holds more. */
  readonly mostBytes: number;
}

/** Runs out of one part's share of the budget leave the rest to the next. */
const elementwiseUntil = 0.25;

/**
 * Measures what there is time for. What went wrong is in the session's journal; without the floors there is nothing to
 * compare with, and what failed there is thrown.
 */
export async function measureTensorFlow(
  tf: TensorFlow,
  plan: TensorFlowPlan,
  session: Session,
  timing: TimingOptions,
): Promise<TensorFlowMeasurements> {
  const time = async (make: () => Operation): Promise<Timing> => {
    const operation = make();
    try {
      return await timeOf(tf, operation.run, timing);
    } finally {
      operation.dispose();
    }
  };
  const floors = await session.measure('floors', () => measureFloors(tf, time));
  if (floors === null) {
    throw new Error(`nothing can be measured: ${session.journal.failed.get('floors')}`);
  }
  session.log(
    `host floor of an operation: ${[floors.single, floors.strided, floors.elementwise].map((ns) => (ns / 1e3).toFixed(1)).join(', ')} us (product, products, pass)`,
  );
  let left = 0;
  const passTimes: PassTime[] = [];
  for (const {bytes} of plan.elementwise) {
    for (const pass of passes) {
      if (session.used > elementwiseUntil) {
        left++;
        continue;
      }
      const key = `${pass} ${bytes}`;
      const found = await session.measure(key, () =>
        time(() => elementwise(tf, {op: 'elementwise', bytes, dtype: 'fp32'}, pass)),
      );
      if (found !== null) passTimes.push({pass, bytes, ...found});
    }
  }
  const products: ProductTime[] = [];
  const works = worksOf(plan);
  for (const [i, {kernel, size}] of works.entries()) {
    if (session.used > 1) {
      left += works.length - i;
      break;
    }
    const key = `product ${kernelKey(kernel)} R=${size}`;
    const found = await session.measure(key, () => time(() => product(tf, kernel, size)));
    if (found !== null) products.push({kernel, size, ...found});
    if ((i + 1) % 25 === 0) session.log(`  ${i + 1} of ${works.length} products`);
    // A backend on this thread leaves no time to timers and signals.
    await setImmediate();
  }
  return {floors, products, passes: passTimes, left};
}

async function measureFloors(
  tf: TensorFlow,
  time: (make: () => Operation) => Promise<Timing>,
): Promise<HostFloors> {
  const tiny: Gemm = {op: 'gemm', m: 1, n: 1, k: 1, count: 1, dtype: 'fp32'};
  const single = await time(() => product(tf, tiny, 1));
  const strided = await time(() => product(tf, tiny, 2));
  const pass = await time(() => elementwise(tf, {op: 'elementwise', bytes: 8, dtype: 'fp32'}, 'relu'));
  return {single: single.ns, strided: strided.ns, elementwise: pass.ns};
}

/** Papers' shapes at every size, then all kernels alone, then size by size those that fit. */
function worksOf({papers, kernels, sizes, mostBytes}: TensorFlowPlan): {kernel: Gemm; size: number}[] {
  const known = new Set(papers.map(kernelKey));
  const others = kernels.filter((kernel) => !known.has(kernelKey(kernel)));
  const works = [
    ...papers.flatMap((kernel) => sizes.map((size) => ({kernel, size}))),
    ...sizes.flatMap((size) => others.map((kernel) => ({kernel, size}))),
  ];
  return works.filter(({kernel, size}) => productBytes(kernel, size) <= mostBytes);
}
