// What is measured: products and memory-bound passes as operations of TensorFlow.js, with their operands.
import type {Elementwise, Gemm} from '../../scheduler/kernel.ts';
import type {Tensor, TensorFlow} from './library.ts';

/** An operation with its operands on the device, which it holds until it is disposed. */
export interface Operation {
  run(): Tensor;
  dispose(): void;
}

const floatBytes = 4;

/** Bytes that `size` such products hold: operands and results. */
export const productBytes = ({m, n, k, count}: Gemm, size: number): number =>
  floatBytes * size * count * (m * k + k * n + m * n);

/**
 * `size` members of a GEMM at once, FP32. TensorFlow's matrices are row-major, so that C' = B' A' is asked for: then the
 * library's call is that of `C = A B` in the column-major order of cuBLAS, as our own device makes it. Several products
 * lie one behind the other, at equal distances.
 */
export function product(tf: TensorFlow, {m, n, k, count}: Gemm, size: number): Operation {
  const products = count * size;
  const beside = products === 1 ? [] : [products];
  const weights = tf.randomUniform([...beside, k, m], -1, 1);
  const input = tf.randomUniform([...beside, n, k], -1, 1);
  return {
    run: () => tf.matMul(input, weights),
    dispose() {
      weights.dispose();
      input.dispose();
    },
  };
}

/** Passes that are measured: of one operand, and of two. */
export const passes = ['relu', 'add'] as const;
export type Pass = (typeof passes)[number];

/** Elements of each operand of a pass that moves so many bytes in all: reads every operand, writes the result. */
const elementsOf = (pass: Pass, bytes: number): number =>
  Math.max(1, Math.round(bytes / (floatBytes * (pass === 'relu' ? 2 : 3))));

/** A memory-bound pass over `bytes`, FP32. */
export function elementwise(tf: TensorFlow, {bytes}: Elementwise, pass: Pass): Operation {
  const shape = [elementsOf(pass, bytes)];
  const a = tf.randomUniform(shape, -1, 1);
  if (pass === 'relu') return {run: () => tf.relu(a), dispose: () => a.dispose()};
  const b = tf.randomUniform(shape, -1, 1);
  return {
    run: () => tf.add(a, b),
    dispose() {
      a.dispose();
      b.dispose();
    },
  };
}
