import {kernelKey} from '../../scheduler/kernel.ts';
import type {Kernel, Method} from '../../scheduler/kernel.ts';

/** What one launch executes: `size` members of one shape. */
export interface Work {
  readonly kernel: Kernel;
  readonly size: number;
  readonly method: Method;
}

/** The same for equal works, e.g. `gemm 256x128x1152 fp32 batched R=8`. */
export function workKey({kernel, size, method}: Work): string {
  return `${kernelKey(kernel)} ${method} R=${size}`;
}
