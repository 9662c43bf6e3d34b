import type {Kernel} from '../scheduler/kernel.ts';
import {dataTypeCode} from './cuda.ts';
import type {CudaContext} from './cuda.ts';
import {elementwiseBytes} from './operands.ts';
import type {Operands} from './operands.ts';
import {following} from './ticket.ts';

/** The sizes at which superkernels run before a run: libraries choose their kernels by size. */
const sizes = [2, 8, 32, 128];

/** Before a run, each class runs by itself and batched: drivers load the code of a kernel when it is first used. */
export function warmUp({
  context,
  lanes,
  maxSize,
  maxMembers,
  classes,
  kernels,
  operands,
}: {
  readonly context: CudaContext;
  readonly lanes: number;
  readonly maxSize: number;
  readonly maxMembers: number;
  /** A place in a program for each class. */
  readonly classes: ReadonlyMap<number, {readonly tenant: number; readonly cursor: number}>;
  readonly kernels: readonly Kernel[];
  readonly operands: Operands;
}): void {
  const run = (lane: number, kernel: Kernel, size: number, at: {tenant: number; cursor: number}): void => {
    const addresses = context.operands;
    // Completed tickets give back what a launch took of the lane's ring of pointers.
    const ticket = following(Atomics.load(context.flags, lane));
    for (let i = 0; i < size; i++) {
      const weights = operands.weights(at.tenant, at.cursor);
      addresses[3 * i + 1] = operands.input(i % operands.plan.activations);
      addresses[3 * i + 2] = operands.output(i % operands.plan.activations);
      addresses[3 * i] = kernel.op === 'elementwise' ? addresses[3 * i + 1] : weights;
    }
    if (kernel.op === 'elementwise') {
      context.submitElementwise(lane, ticket, elementwiseBytes(kernel.bytes), size);
    } else {
      const {m, n, k, count, dtype} = kernel;
      const code = dataTypeCode(dtype);
      if (size === 1) context.submitSequence(lane, ticket, code, m, n, k, count, 1);
      else context.submitBatched(lane, ticket, code, m, n, k, count, size);
    }
    context.synchronize(lane);
  };
  for (const [cls, at] of classes) {
    const kernel = kernels[cls];
    run(0, kernel, 1, at);
    for (const size of sizes) {
      if (size > maxSize || (kernel.op === 'gemm' && size * kernel.count > maxMembers)) break;
      run(0, kernel, size, at);
    }
  }
  // Every lane has a handle of its own, which is set up at its first call.
  const first = classes.entries().next().value;
  if (first !== undefined) {
    for (let lane = 1; lane < lanes; lane++) run(lane, kernels[first[0]], 1, first[1]);
  }
}
