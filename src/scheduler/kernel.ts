// What the scheduler schedules: GPU kernels as shapes, interned into shape classes.

/** Operand and accumulation type of a kernel. `tf32` holds FP32 operands and multiplies in TF32. */
export type DataType = 'fp32' | 'tf32' | 'fp16' | 'bf16';

/** Bytes of one stored element of a data type. */
export const bytesOf: Record<DataType, number> = {fp32: 4, tf32: 4, fp16: 2, bf16: 2};

/**
 * `count` independent products C[m,n] = A[m,k] B[k,n] that always run together: 1 for a layer, the number of heads for
 * attention, the number of groups for a grouped convolution. A holds the weights (or an activation, for attention).
 */
export interface Gemm {
  readonly op: 'gemm';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly count: number;
  readonly dtype: DataType;
}

/** A memory-bound kernel (activation, normalisation, pooling, residual add) that reads and writes `bytes` in all. */
export interface Elementwise {
  readonly op: 'elementwise';
  readonly bytes: number;
  readonly dtype: DataType;
}

/** One GPU kernel by shape: what it computes, not whose operands it reads. */
export type Kernel = Gemm | Elementwise;

/** How a superkernel is executed. `single` launches its members one after another on one lane. */
export const methods = ['single', 'batched', 'strided', 'grouped', 'padded'] as const;
export type Method = (typeof methods)[number];

/** Whether a launch by this method reads arrays of pointers to its members' operands. */
export function takesPointers(method: Method): boolean {
  return method === 'batched' || method === 'grouped' || method === 'padded';
}

/** Floating-point operations of one kernel: 2mnk per product; element-wise kernels count none. */
export function flopsOf(kernel: Kernel): number {
  return kernel.op === 'gemm' ? 2 * kernel.m * kernel.n * kernel.k * kernel.count : 0;
}

/** Bytes that one kernel must move at least: every operand read once, every result written once. */
export function trafficOf(kernel: Kernel): number {
  if (kernel.op === 'elementwise') return kernel.bytes;
  const {m, n, k, count, dtype} = kernel;
  return (m * k + k * n + m * n) * count * bytesOf[dtype];
}

/** A key that two kernels share exactly when they are of one shape class, e.g. `gemm 256x128x1152 fp32`. */
export function kernelKey(kernel: Kernel): string {
  if (kernel.op === 'elementwise') return `elementwise ${kernel.bytes}B ${kernel.dtype}`;
  const {m, n, k, count, dtype} = kernel;
  return `gemm ${m}x${n}x${k}${count === 1 ? '' : ` x${count}`} ${dtype}`;
}

/** The shape classes of a run: kernels of one class may share a launch with no padding. */
export class KernelClasses {
  /** The kernels by class id. */
  readonly kernels: Kernel[] = [];
  private readonly ids = new Map<string, number>();

  /** The id of the class that holds `kernel`, made on first use; ids are dense and start at 0. */
  intern(kernel: Kernel): number {
    const key = kernelKey(kernel);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.kernels.length;
      this.ids.set(key, id);
      this.kernels.push(kernel);
    }
    return id;
  }

  get size(): number {
    return this.kernels.length;
  }
}
