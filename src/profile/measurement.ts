import {DeviceError} from '../scheduler/errors.ts';
import type {DataType, Method} from '../scheduler/kernel.ts';
import type {GemmModel, LaunchKind} from './gemmModel.ts';

/** One measured GEMM launch: `batch` products C[m,n] = A[m,k] B[k,n]. */
export interface Measurement {
  /** Who measured, e.g. `neusight`. */
  readonly source: string;
  /** Library call and kernel as the source names them. */
  readonly kind: string;
  readonly gpu?: string;
  /** Which of a source's sessions measured it, where not its usual one, e.g. as the GPU held its clock there. */
  readonly session?: string;
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

/** Which terms of the model predict a launch by `method`. */
export function launchKindOf(method: Method): LaunchKind {
  return method === 'single' || method === 'grouped' ? method : 'batched';
}

/** The time in ns that a model predicts of a measured launch. */
export function predictedNs(model: GemmModel, row: Measurement): number {
  switch (row.method) {
    case 'single':
      if (row.batch !== 1)
        throw new DeviceError(`invalid measurement: ${row.batch} products in a single launch`);
      return model.singleNs(row);
    case 'strided':
      return model.stridedNs(row);
    case 'batched':
    case 'padded':
      return model.batchedNs(row);
    case 'grouped':
      // Equal problems: one with all of their products has the same blocks.
      return model.groupedNs([row]);
    default:
      return row.method satisfies never;
  }
}
