import {kernelKey} from '../../scheduler/kernel.ts';
import type {Gemm} from '../../scheduler/kernel.ts';
import {kernelsOf} from '../../workload/models/kernels.ts';
import {models} from '../../workload/models/zoo.ts';

/** The different GEMMs of all known models, FP32, one input each. */
export function modelGemms(): Gemm[] {
  const found = new Map<string, Gemm>();
  for (const model of models.values()) {
    for (const kernel of kernelsOf(model, {batch: 1, dtype: 'fp32', elementwise: false})) {
      if (kernel.op === 'gemm') found.set(kernelKey(kernel), kernel);
    }
  }
  return [...found.values()];
}
