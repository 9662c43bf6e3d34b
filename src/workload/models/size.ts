// How large a model is: parameters, memory, arithmetic.

import {bytesOf, flopsOf, kernelKey, type DataType} from '../../scheduler/kernel.ts';
import {checkBatch, isGemm, kernelsOf} from './kernels.ts';
import type {Model} from './layer.ts';

/** Parameters as published: weights, biases, norms and embeddings. */
export function parametersOf(model: Model): number {
  return sum(model.layers.map((layer) => layer.weights));
}

/**
 * Bytes of the resident parameters, once however many requests share them. Counts a folded batch norm's scale and
 * shift, of which an engine keeps one bias: at most 0.5 % too much for the known models.
 */
export function weightBytes(model: Model, dtype: DataType): number {
  return parametersOf(model) * bytesOf[dtype];
}

/**
 * Bytes of activations that an inference needs at least: the largest total of the tensors that a single layer reads and
 * writes. Buffers are reused from layer to layer; im2col copies and library workspaces are not counted.
 */
export function activationBytes(model: Model, batch: number, dtype: DataType): number {
  checkBatch(batch);
  let most = 0;
  for (const layer of model.layers) {
    const inputs = isGemm(layer) && layer.scales === 'none' ? 1 : batch;
    most = Math.max(most, layer.elements * inputs);
  }
  return most * bytesOf[dtype];
}

/** Multiply-accumulates of the GEMMs of one inference; half its floating-point operations. */
export function macsOf(model: Model, batch = 1): number {
  return sum(kernelsOf(model, {batch, dtype: 'fp32', elementwise: false}).map(flopsOf)) / 2;
}

/** A model in numbers, at one batch size and data type. */
export interface ModelSummary {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  /** GEMM kernels of an inference, and how many different shapes they have. */
  readonly gemms: number;
  readonly shapes: number;
  readonly macs: number;
  readonly parameters: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  /** Memory-bound kernels of an inference, and the bytes that they read and write. */
  readonly elementwise: number;
  readonly elementwiseBytes: number;
}

export function describeModel(model: Model, batch = 1, dtype: DataType = 'fp32'): ModelSummary {
  const {name, title, description, source} = model;
  const kernels = kernelsOf(model, {batch, dtype, elementwise: true});
  const gemms = kernels.filter((kernel) => kernel.op === 'gemm');
  const passes = kernels.filter((kernel) => kernel.op === 'elementwise');
  return {
    name,
    title,
    description,
    source,
    gemms: gemms.length,
    shapes: new Set(gemms.map(kernelKey)).size,
    macs: macsOf(model, batch),
    parameters: parametersOf(model),
    weightBytes: weightBytes(model, dtype),
    activationBytes: activationBytes(model, batch, dtype),
    elementwise: passes.length,
    elementwiseBytes: sum(passes.map((kernel) => kernel.bytes)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
