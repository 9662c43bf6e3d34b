// Matrices on the device for the tests of the addon, and the products that they should have.

import {type CudaContext, dataTypeCode} from '../../src/gpu/cuda.ts';
import {bytesOf, type DataType} from '../../src/scheduler/kernel.ts';

export interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly count: number;
}

/** One member of a launch: device addresses of A, B and C, and its own copy of what C should be. */
export interface Member {
  readonly shape: Shape;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly expected: Float64Array;
}

/** Stored values as numbers. */
export function decode(bytes: Uint8Array, dtype: DataType): Float64Array {
  if (bytesOf[dtype] === 4) return Float64Array.from(new Float32Array(bytes.buffer));
  const bits = new Uint16Array(bytes.buffer);
  if (dtype === 'bf16')
    return Float64Array.from(new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer));
  return Float64Array.from(bits, (b) => {
    const exponent = (b >> 10) & 31;
    const fraction = (b & 1023) / 1024;
    const magnitude = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
    return b & 0x8000 ? -magnitude : magnitude;
  });
}

/** The device's bytes at an address. */
export function read(context: CudaContext, address: number, bytes: number): Uint8Array {
  const result = new Uint8Array(bytes);
  context.download(address, result);
  return result;
}

/** FP32 rounded to 10 bits of mantissa, as a TF32 product sees it. */
function toTf32(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] + 0xfff + ((bits[0] >>> 13) & 1)) & ~0x1fff;
  return new Float32Array(bits.buffer)[0];
}

function product(a: Float64Array, b: Float64Array, {m, n, k, count}: Shape): Float64Array {
  const c = new Float64Array(m * n * count);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a[p * m * k + l * m + i] * b[p * k * n + l * n + j];
        c[p * m * n + i * n + j] = sum;
      }
    }
  }
  return c;
}

/** Random operands of one kernel, C left unwritten. */
export function makeMember(context: CudaContext, shape: Shape, dtype: DataType, seed: number): Member {
  const {m, n, k, count} = shape;
  const width = bytesOf[dtype];
  const [a, b, c] = [m * k, k * n, m * n].map((size) => context.alloc(size * count * width));
  const code = dataTypeCode(dtype);
  context.fill(a, m * k * count, code, 2 * seed);
  context.fill(b, k * n * count, code, 2 * seed + 1);
  const seen = dtype === 'tf32' ? toTf32 : (value: number) => value;
  const expected = product(
    decode(read(context, a, m * k * count * width), dtype).map(seen),
    decode(read(context, b, k * n * count * width), dtype).map(seen),
    shape,
  );
  return {shape, a, b, c, expected};
}

/** Lays the members' addresses into `operands`. */
export function place(context: CudaContext, members: readonly Member[]): void {
  for (const [i, {a, b, c}] of members.entries()) context.operands.set([a, b, c], 3 * i);
}

/** The bytes of a member's result. */
export function resultBytes(context: CudaContext, {c, shape}: Member, dtype: DataType): Uint8Array {
  return read(context, c, shape.m * shape.n * shape.count * bytesOf[dtype]);
}

// Half a unit in the last place of the stored type, and FP32 accumulation over k terms below 1.
const storedError: Record<DataType, number> = {fp32: 2 ** -24, tf32: 2 ** -24, fp16: 2 ** -11, bf16: 2 ** -8};

/** The largest difference from the expected result, in units of what rounding allows: right where it is at most 1. */
export function error(context: CudaContext, member: Member, dtype: DataType): number {
  const result = decode(resultBytes(context, member, dtype), dtype);
  const accumulated = member.shape.k ** 2 * 2 ** -24;
  let worst = 0;
  for (const [i, value] of member.expected.entries()) {
    const allowed = accumulated + Math.abs(value) * storedError[dtype];
    // A NaN must not pass as small.
    worst = Math.max(worst, Number.isNaN(result[i]) ? Infinity : Math.abs(result[i] - value) / allowed);
  }
  return worst;
}
