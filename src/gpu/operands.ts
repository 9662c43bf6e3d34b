import type {DeviceContext} from '../scheduler/device.ts';
import {InputError} from '../scheduler/errors.ts';
import {bytesOf} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import type {CudaContext} from './cuda.ts';
import {dataTypeCode} from './cuda.ts';

/** cuMemAlloc aligns to 256 bytes, and so do we inside an allocation: cuBLAS picks its fastest kernels by alignment. */
const alignment = 256;

/** A sixteenth of the memory stays free for cuBLAS, the driver and fragmentation. */
const usableShare = 15 / 16;

/** Most streams that get activations of their own; beyond, streams share them. */
const mostActivations = 256;

/** What a run keeps in device memory, in bytes. */
export interface OperandPlan {
  readonly weights: number;
  /** Pairs of activation buffers: streams take them in turn. */
  readonly activations: number;
  readonly activationBytes: number;
  readonly total: number;
}

/**
 * Where the operands of every kernel lie: weights of each tenant in a block of its own, and for every stream a pair of
 * activation buffers that its kernels read and write in turn. Values are random; shapes alone decide what a GEMM costs.
 *
 * Streams share activation buffers where there are more streams than memory for them.
 */
export class Operands {
  readonly plan: OperandPlan;
  private readonly weightsAt: Float64Array;
  private readonly weightBytes: Float64Array;
  private readonly activationAt: number;
  private readonly tensorBytes: number;
  private readonly pairs: number;
  /** By cursor: where the kernel's weights start within the tenant's block. */
  private offsets = new Float64Array(0);
  private readonly allocated: number[] = [];
  private readonly kernels: readonly Kernel[];
  private readonly context: CudaContext;

  /** Allocates and fills, for all tenants or for one. Throws an InputError when the plan does not fit in the memory that is free. */
  constructor(
    context: CudaContext,
    kernels: readonly Kernel[],
    tenants: readonly Tenant[],
    {programs}: DeviceContext,
    only?: number,
    seed = 1,
  ) {
    this.context = context;
    this.kernels = kernels;
    this.tensorBytes = Math.max(...kernels.map(tensorBytesOf));
    this.offsets = offsetsOf(programs.classes, kernels);
    this.weightBytes = Float64Array.from(tenants, (tenant, i) => {
      let total = 0;
      if (only !== undefined && i !== only) return total;
      for (let cursor = tenant.program(1); programs.classes[cursor] >= 0; cursor++) {
        total += weightBytesOf(kernels[programs.classes[cursor]]);
      }
      return total;
    });
    // A padded launch reads the common shape from where a smaller member's weights start.
    const slack = Math.max(...kernels.map(weightBytesOf));
    const weights = this.weightBytes.reduce((sum, bytes) => sum + (bytes === 0 ? 0 : bytes + slack), 0);
    const {free} = context.memoryInfo();
    const room = free * usableShare - weights;
    this.pairs = Math.min(mostActivations, Math.floor(room / (2 * this.tensorBytes)));
    if (this.pairs < 1) {
      const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
      throw new InputError(
        `does not fit in the GPU's memory: weights ${gb(weights)} GB and activations ${gb(2 * this.tensorBytes)} GB of ${gb(free)} GB free`,
      );
    }
    const activationBytes = 2 * this.tensorBytes * this.pairs;
    this.plan = {
      weights,
      activations: this.pairs,
      activationBytes,
      total: weights + activationBytes,
    };
    const block = this.allocate(weights, seed);
    this.weightsAt = new Float64Array(tenants.length);
    let at = block;
    this.weightBytes.forEach((bytes, tenant) => {
      this.weightsAt[tenant] = at;
      if (bytes > 0) at += bytes + slack;
    });
    this.activationAt = this.allocate(activationBytes, seed + 1);
  }

  /** Address of the weights that the tenant's kernel at `cursor` reads. */
  weights(tenant: number, cursor: number): number {
    const offset = this.offsets[cursor];
    // A batch's attention reads more than one request's: it starts over, inside the block.
    return this.weightsAt[tenant] + (offset < this.weightBytes[tenant] ? offset : 0);
  }

  /** Addresses of what a stream's kernel reads and writes: its two buffers, in turn from kernel to kernel. */
  input(slot: number, cursor: number): number {
    return this.activationAt + (2 * (slot % this.pairs) + (cursor & 1)) * this.tensorBytes;
  }

  output(slot: number, cursor: number): number {
    return this.input(slot, cursor + 1);
  }

  /** Follows programs that were added since, e.g. for batches. Their tensors have to fit the buffers. */
  follow({programs}: DeviceContext): void {
    const largest = Math.max(...this.kernels.map(tensorBytesOf));
    if (largest > this.tensorBytes) {
      throw new InputError(
        `a batch needs activations of ${largest} bytes, and ${this.tensorBytes} were allocated: form the batches before the run`,
      );
    }
    this.offsets = offsetsOf(programs.classes, this.kernels);
  }

  /** How many cursors have an address. */
  get known(): number {
    return this.offsets.length;
  }

  free(): void {
    for (const address of this.allocated.splice(0)) this.context.free(address);
  }

  private allocate(bytes: number, seed: number): number {
    const address = this.context.alloc(Math.max(alignment, bytes));
    this.allocated.push(address);
    this.context.fill(address, Math.floor(bytes / 4), dataTypeCode('fp32'), seed);
    return address;
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

function weightBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return 0;
  return aligned(kernel.m * kernel.k * kernel.count * bytesOf[kernel.dtype]);
}

/** The larger of what a kernel reads besides weights and what it writes. */
function tensorBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return aligned(kernel.bytes / 2 + 16);
  const {m, n, k, count, dtype} = kernel;
  return aligned(Math.max(k * n, m * n) * count * bytesOf[dtype]);
}

function offsetsOf(classes: Int32Array, kernels: readonly Kernel[]): Float64Array<ArrayBuffer> {
  const offsets = new Float64Array(classes.length);
  let offset = 0;
  for (let cursor = 0; cursor < classes.length; cursor++) {
    const cls = classes[cursor];
    offsets[cursor] = offset;
    offset = cls < 0 ? 0 : offset + weightBytesOf(kernels[cls]);
  }
  return offsets;
}
