import type {DataType, Method} from '../scheduler/kernel.ts';

/** One measured GEMM launch: `batch` products C[m,n] = A[m,k] B[k,n]. */
export interface Measurement {
  /** Who measured, e.g. `neusight`. */
  readonly source: string;
  /** Library call and kernel as the source names them. */
  readonly kind: string;
  readonly gpu?: string;
  readonly method: Method;
  readonly dtype: DataType;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly ns: number;
  /** The time holds something else too, so that it is only an upper bound. */
  readonly isUpperBound?: boolean;
  /** The tile of the kernel that ran, by name, and into how many parts it split k. */
  readonly tile?: string;
  readonly splits?: number;
}
