import {InputError} from '../../scheduler/errors.ts';
import {bytesOf, type DataType, type Kernel} from '../../scheduler/kernel.ts';
import type {GemmLayer, Layer, Model} from './layer.ts';

/** How a model is run. */
export interface Inference {
  /** Inputs (images, sequences, steps) a request, 1 or more. */
  readonly batch: number;
  readonly dtype: DataType;
  /** Whether the memory-bound kernels between the GEMMs are included; the papers leave them out. */
  readonly elementwise: boolean;
}

/** The kernels of one inference of `batch` inputs, in order of execution. */
export function kernelsOf(model: Model, {batch, dtype, elementwise}: Inference): Kernel[] {
  checkBatch(batch);
  const layers = elementwise ? model.layers : model.layers.filter(isGemm);
  return layers.map((layer) => kernelOf(layer, batch, dtype));
}

/** Tells GEMMs from memory-bound layers. */
export function isGemm(layer: Layer): layer is GemmLayer {
  return layer.kind !== 'elementwise';
}

/** Throws an `InputError` unless `batch` is a whole number of at least 1. */
export function checkBatch(batch: number): void {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new InputError(`invalid batch: ${batch} (expected a whole number of at least 1)`);
  }
}

function kernelOf(layer: Layer, batch: number, dtype: DataType): Kernel {
  if (!isGemm(layer)) return {op: 'elementwise', bytes: layer.elements * batch * bytesOf[dtype], dtype};
  const {m, k, scales} = layer;
  const n = scales === 'n' ? layer.n * batch : layer.n;
  const count = scales === 'count' ? layer.count * batch : layer.count;
  return {op: 'gemm', m, n, k, count, dtype};
}
