import type {DeviceContext} from '../scheduler/device.ts';
import {InputError} from '../scheduler/errors.ts';
import {bytesOf} from '../scheduler/kernel.ts';
import type {DataType, Kernel} from '../scheduler/kernel.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import {ActivationPairs} from './activationPairs.ts';
import type {CudaContext} from './cuda.ts';
import {dataTypeCode} from './cuda.ts';

/** cuMemAlloc aligns to 256 bytes, and so do we inside an allocation: cuBLAS picks its fastest kernels by alignment. */
const alignment = 256;

/** A sixteenth of the memory stays free for cuBLAS, the driver and fragmentation. */
const usableShare = 15 / 16;

/** Most streams that get activations of their own; beyond, streams share them. */
const mostActivations = 512;
/** More than these take no more than a small part of the memory: other hosts need some too. */
const fewActivations = 64;
const moreShare = 16;

/** What a run keeps in device memory, in bytes. */
export interface OperandPlan {
  readonly weights: number;
  /** Pairs of activation buffers: streams take them in turn. */
  readonly activations: number;
  readonly activationBytes: number;
  readonly total: number;
}

export interface OperandOptions {
  readonly context: CudaContext;
  /** By class; may grow while the run forms batches. */
  readonly kernels: readonly Kernel[];
  readonly tenants: readonly Tenant[];
  readonly run: DeviceContext;
  /** The most streams whose kernels are on the device at once. */
  readonly streams: number;
  /** The tenants that need weights here; all by default. */
  readonly served?: readonly number[];
  /** The most requests in one batch, as far as known. Larger ones find room while the run goes on, which takes time. */
  readonly largestBatch?: number;
}

/**
 * Where the operands of every kernel lie: weights of each tenant in a block of its own, and for every stream a buffer
 * that its kernels read and one that they write. Values are random, and results are never read: in a chain of products
 * without normalisation they would soon be infinite or zero, and a GPU multiplies zeros at less power, so faster.
 *
 * Streams share activation buffers where there are more streams than memory for them.
 */
export class Operands {
  readonly plan: OperandPlan;
  private readonly context: CudaContext;
  private readonly kernels: readonly Kernel[];
  private readonly run: DeviceContext;
  private readonly streams: number;
  private readonly dtype: DataType;
  private readonly weightsAt: Float64Array;
  private readonly weightBytes: Float64Array;
  /** Readable bytes behind each tenant's block: a padded launch reads the common shape from where a member's start. */
  private readonly slack: number;
  /** Weights that are larger than the slack: of batches that nobody announced. */
  private farAt = 0;
  private farBytes = 0;
  private activationAt = 0;
  private tensorBytes = 0;
  private pairs = 0;
  /** By cursor: where the kernel's weights start within the tenant's block; NaN before its program was looked at. */
  private offsets = new Float64Array(0);
  private readonly allocated: number[] = [];
  private assignment!: ActivationPairs;

  /** Rises when operands have moved: addresses from before are still good memory, but no longer in use. */
  version = 0;

  /** Allocates and fills. Throws an InputError when the plan does not fit in the memory that is free. */
  constructor({context, kernels, tenants, run, streams, served, largestBatch}: OperandOptions) {
    this.context = context;
    this.kernels = kernels;
    this.run = run;
    this.streams = streams;
    const isServed = (tenant: number): boolean => served === undefined || served.includes(tenant);
    const largest = tenants.flatMap((tenant, i) =>
      isServed(i) && largestBatch !== undefined ? this.kernelsFrom(tenant.program(largestBatch)) : [],
    );
    const known =
      served === undefined
        ? kernels
        : [...served.flatMap((tenant) => this.kernelsFrom(tenants[tenant].program(1))), ...largest];
    this.dtype = known.every(({dtype}) => dtype === known[0].dtype) ? known[0].dtype : 'fp32';
    this.weightBytes = Float64Array.from(tenants, (tenant, i) =>
      isServed(i) ? sum(this.kernelsFrom(tenant.program(1)).map(weightBytesOf)) : 0,
    );
    this.slack = most(known.map(weightBytesOf));
    const weights = this.weightBytes.reduce(
      (total, bytes) => total + (bytes > 0 ? bytes + this.slack : 0),
      0,
    );
    this.planActivations(most(known.map(tensorBytesOf)), weights);
    const activationBytes = 2 * this.tensorBytes * this.pairs;
    this.plan = {
      weights,
      activations: this.pairs,
      activationBytes,
      total: weights + activationBytes,
    };
    this.weightsAt = new Float64Array(tenants.length);
    let at = this.allocate(weights);
    this.weightBytes.forEach((bytes, tenant) => {
      this.weightsAt[tenant] = at;
      if (bytes > 0) at += bytes + this.slack;
    });
    this.activationAt = this.allocate(activationBytes);
  }

  /** Address of the weights that the tenant's kernel at `cursor` reads. */
  weights(tenant: number, cursor: number): number {
    const offset = this.offsetOf(cursor);
    if (offset < 0) return this.farAt;
    // A batch's attention reads more than one request's: it starts over, inside the block.
    return this.weightsAt[tenant] + (offset < this.weightBytes[tenant] ? offset : 0);
  }

  /** The pair of activation buffers of the stream in `slot`, whose request is `tenant`'s. */
  pair(slot: number, tenant: number): number {
    return this.assignment.of(slot, tenant);
  }

  /** The request of the stream in `slot` is over: its pair is its tenant's next request's. */
  releasePair(slot: number): void {
    this.assignment.release(slot);
  }

  /** All requests are over. */
  releasePairs(): void {
    this.assignment.releaseAll();
  }

  /** A pair for the tenant's streams to come; -1 where there is none left. */
  reservePair(tenant: number): number {
    return this.assignment.reserve(tenant);
  }

  /** Whether no other stream uses the slot's pair. */
  isOwnPair(slot: number): boolean {
    return this.assignment.isOwn(slot);
  }

  /** Address of what kernels on a pair read. */
  input(pair: number): number {
    return this.activationAt + 2 * pair * this.tensorBytes;
  }

  /** Address of what kernels on a pair write. */
  output(pair: number): number {
    return this.input(pair) + this.tensorBytes;
  }

  free(): void {
    for (const address of this.allocated.splice(0)) this.context.free(address);
  }

  private kernelsFrom(start: number): Kernel[] {
    const {classes} = this.run.programs;
    const found: Kernel[] = [];
    for (let cursor = start; classes[cursor] >= 0; cursor++) found.push(this.kernels[classes[cursor]]);
    return found;
  }

  private offsetOf(cursor: number): number {
    const offset = this.offsets[cursor];
    // Neither NaN, where the program is new, nor undefined, beyond the end.
    return offset >= -1 ? offset : this.placeProgram(cursor);
  }

  /** Lays out the weights of the program that `cursor` is in, and makes room for its tensors where they need more. */
  private placeProgram(cursor: number): number {
    const {classes} = this.run.programs;
    if (this.offsets.length < classes.length) {
      const larger = new Float64Array(classes.length).fill(NaN);
      larger.set(this.offsets);
      this.offsets = larger;
    }
    let start = cursor;
    while (start > 0 && classes[start - 1] >= 0) start--;
    const program = this.kernelsFrom(start);
    this.makeRoom(program);
    let offset = 0;
    program.forEach((kernel, i) => {
      const bytes = weightBytesOf(kernel);
      this.offsets[start + i] = bytes > this.slack ? -1 : offset;
      offset += bytes;
    });
    return this.offsets[cursor];
  }

  /** Buffers that become too small stay until the end, as kernels in flight may use them. */
  private makeRoom(program: readonly Kernel[]): void {
    const weights = most(program.map(weightBytesOf));
    if (weights > Math.max(this.slack, this.farBytes)) {
      this.farAt = this.allocate(weights);
      this.farBytes = weights;
      this.version++;
    }
    const tensor = most(program.map(tensorBytesOf));
    if (tensor > this.tensorBytes) {
      this.planActivations(tensor, 0);
      this.activationAt = this.allocate(2 * this.tensorBytes * this.pairs);
      this.version++;
    }
  }

  private planActivations(tensorBytes: number, weights: number): void {
    const {free} = this.context.memoryInfo();
    const room = free * usableShare - weights;
    const fitting = Math.floor(room / (2 * tensorBytes));
    const pairs = Math.min(
      this.streams,
      mostActivations,
      Math.max(Math.min(fewActivations, fitting), Math.floor(fitting / moreShare)),
    );
    if (pairs < 1) {
      const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
      throw new InputError(
        `does not fit in the GPU's memory: weights ${gb(weights)} GB and activations ${gb(2 * tensorBytes)} GB of ${gb(free)} GB free`,
      );
    }
    this.tensorBytes = tensorBytes;
    this.pairs = pairs;
    this.assignment = new ActivationPairs(pairs);
  }

  private allocate(bytes: number): number {
    const size = Math.max(alignment, bytes);
    const address = this.context.alloc(size);
    this.allocated.push(address);
    this.context.fill(
      address,
      Math.floor(size / bytesOf[this.dtype]),
      dataTypeCode(this.dtype),
      this.allocated.length,
    );
    return address;
  }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** What an element-wise launch is told to move: whole vectors of 16 bytes each way, at least one. */
export function elementwiseBytes(bytes: number): number {
  return Math.max(32, Math.ceil(bytes / 32) * 32);
}

function weightBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return 0;
  return aligned(kernel.m * kernel.k * kernel.count * bytesOf[kernel.dtype]);
}

/** The larger of what a kernel reads besides weights and what it writes. */
function tensorBytesOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return aligned(elementwiseBytes(kernel.bytes) / 2);
  const {m, n, k, count, dtype} = kernel;
  return aligned(Math.max(k * n, m * n) * count * bytesOf[dtype]);
}
