import type {GemmKind, Layer} from './layer.ts';

/** A square feature map of one image. */
export interface FeatureMap {
  readonly channels: number;
  /** Height and width in pixels. */
  readonly size: number;
}

/** A convolution's own parameters; what is left out is 1, padding that of a same-sized output, no bias, no norm. */
export interface Convolution {
  readonly filters: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** A batch norm follows and is folded into the weights. */
  readonly norm?: boolean;
}

/** A pooling window; `ceil` rounds the output size up, as Caffe does. */
export interface Pooling {
  readonly kernel: number;
  readonly stride: number;
  readonly pad?: number;
  readonly ceil?: boolean;
}

/** Elements of a feature map. */
export function volume({channels, size}: FeatureMap): number {
  return channels * size * size;
}

/**
 * Writes down a network layer by layer, as an inference engine would run it. What is fused costs no kernel: biases,
 * ReLU, sigmoid and tanh in the GEMM before them, batch norms folded into its weights, and chains of element-wise
 * operations with each other (a residual add with the ReLU after it). GELU and the reductions (pooling, softmax, layer
 * norm) are kernels of their own. Networks end at the logits.
 */
export class LayerList {
  readonly layers: Layer[] = [];

  conv(name: string, input: FeatureMap, convolution: Convolution): FeatureMap {
    const {filters, kernel = 1, stride = 1, groups = 1, bias = false, norm = false} = convolution;
    const pad = convolution.pad ?? (kernel - 1) / 2;
    const output = {channels: filters, size: Math.floor((input.size + 2 * pad - kernel) / stride) + 1};
    const m = filters / groups;
    const k = (input.channels / groups) * kernel * kernel;
    this.layers.push({
      name,
      kind: convolutionKind(groups, input.channels),
      m,
      n: output.size * output.size,
      k,
      count: groups,
      scales: 'n',
      elements: volume(input) + volume(output),
      weights: m * k * groups + (bias ? filters : 0) + (norm ? 2 * filters : 0),
    });
    return output;
  }

  /** A fully connected layer with bias on one vector. */
  fc(name: string, inputs: number, outputs: number): void {
    this.dense('fc', name, 1, inputs, outputs, true);
  }

  /** The same projection of each of `tokens` vectors. */
  linear(name: string, tokens: number, inputs: number, outputs: number, bias = true): void {
    this.dense('gemm', name, tokens, inputs, outputs, bias);
  }

  /** `count` products of two activations. */
  multiply(name: string, m: number, n: number, k: number, count: number): void {
    const elements = (m * k + k * n + m * n) * count;
    this.layers.push({name, kind: 'bgemm', m, n, k, count, scales: 'count', elements, weights: 0});
  }

  /** A memory-bound kernel that reads and writes `elements` in all. */
  pass(name: string, elements: number, weights = 0): void {
    this.layers.push({name, kind: 'elementwise', elements, weights});
  }

  pool(name: string, input: FeatureMap, {kernel, stride, pad = 0, ceil = false}: Pooling): FeatureMap {
    const steps = (input.size + 2 * pad - kernel) / stride;
    const output = {channels: input.channels, size: (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1};
    this.pass(name, volume(input) + volume(output));
    return output;
  }

  /** Averages each channel to one value. */
  globalPool(name: string, input: FeatureMap): void {
    this.pass(name, volume(input) + input.channels);
  }

  /** A residual add, with the activation after it if there is one: reads two maps, writes one. */
  add(name: string, map: FeatureMap): void {
    this.pass(name, 3 * volume(map));
  }

  private dense(kind: GemmKind, name: string, n: number, k: number, m: number, bias: boolean): void {
    const weights = m * k + (bias ? m : 0);
    this.layers.push({name, kind, m, n, k, count: 1, scales: 'n', elements: (k + m) * n, weights});
  }
}

function convolutionKind(groups: number, channels: number): GemmKind {
  if (groups === 1) return 'conv';
  return groups === channels ? 'dwconv' : 'gconv';
}
