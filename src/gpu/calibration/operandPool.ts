import {InputError} from '../../scheduler/errors.ts';
import {bytesOf} from '../../scheduler/kernel.ts';
import type {Kernel} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {CudaContext} from '../cuda.ts';

/** As in a run (src/gpu/operands.ts): cuMemAlloc's alignment. */
const alignment = 256;

/** Streams whose activations are used in turn: few, as a kernel reads what the one before it has just written. */
const streams = 4;

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/**
 * Operands as a run has them: every member of every launch reads the weights of another tenant, which a cache no longer
 * holds, and an activation that a launch shortly before has written, which it does. Random values.
 */
export class OperandPool {
  private readonly context: CudaContext;
  private readonly weights: number;
  private readonly weightBytes: number;
  private readonly activations: number;
  private readonly activationBytes: number;
  private cursor = 0;
  private turn = 0;

  /** Allocates and fills; `free` gives the memory back. */
  constructor(context: CudaContext, weightBytes: number, activationBytes: number) {
    this.context = context;
    this.weightBytes = aligned(weightBytes);
    this.activationBytes = aligned(activationBytes);
    this.weights = context.alloc(this.weightBytes);
    this.activations = context.alloc(this.activationBytes);
    const fp32 = dataTypeCode('fp32');
    context.fill(this.weights, this.weightBytes / 4, fp32, 1);
    context.fill(this.activations, this.activationBytes / 4, fp32, 2);
    context.synchronize();
  }

  /** Bytes of weights and of activations that a kernel needs at least. */
  static needOf(kernel: Kernel): {weights: number; activations: number} {
    return {weights: aligned(weightBytesOf(kernel)), activations: 2 * tensorBytesOf(kernel)};
  }

  fits(kernel: Kernel): boolean {
    const {weights, activations} = OperandPool.needOf(kernel);
    return weights <= this.weightBytes && activations <= this.activationBytes;
  }

  /** Writes the addresses of a launch of `size` members to the context's `operands`. */
  place(kernel: Kernel, size: number): void {
    const {operands} = this.context;
    const weight = aligned(weightBytesOf(kernel));
    const tensor = tensorBytesOf(kernel);
    const slots = Math.min(Math.max(streams, size), Math.floor(this.activationBytes / (2 * tensor)));
    if (weight > this.weightBytes || slots < 1)
      throw new InputError('operands do not fit the memory set aside for them');
    const parity = Math.floor(this.turn / slots) & 1;
    for (let i = 0; i < size; i++) {
      if (this.cursor + weight > this.weightBytes) this.cursor = 0;
      const at = this.activations + 2 * ((this.turn + i) % slots) * tensor;
      const input = at + parity * tensor;
      operands[3 * i] = kernel.op === 'gemm' ? this.weights + this.cursor : input;
      operands[3 * i + 1] = input;
      operands[3 * i + 2] = at + (1 - parity) * tensor;
      this.cursor += weight;
    }
    this.turn += size;
  }

  /**
   * Writes the addresses of an element-wise launch over every activation that launches of `kernel` use: what they read,
   * and where they write. Says how many bytes each member moves, and how many there are, at most `most`.
   */
  placeActivations(kernel: Kernel, most: number): {bytes: number; members: number} {
    const {operands} = this.context;
    const tensor = tensorBytesOf(kernel);
    const members = Math.min(streams, most, Math.floor(this.activationBytes / (2 * tensor)));
    for (let i = 0; i < members; i++) {
      const at = this.activations + 2 * i * tensor;
      operands[3 * i] = operands[3 * i + 1] = at;
      operands[3 * i + 2] = at + tensor;
    }
    return {bytes: 2 * tensor, members};
  }

  free(): void {
    this.context.free(this.weights);
    this.context.free(this.activations);
  }
}

function weightBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return 0;
  return kernel.m * kernel.k * kernel.count * bytesOf[kernel.dtype];
}

/** The larger of what a kernel reads besides weights and what it writes. */
function tensorBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return aligned(kernel.bytes / 2 + 16);
  const {m, n, k, count, dtype} = kernel;
  return aligned(Math.max(k * n, m * n) * count * bytesOf[dtype]);
}
