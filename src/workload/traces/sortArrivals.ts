/** Times and keys of arrivals, side by side. */
export interface Arrivals {
  readonly at: Float64Array;
  readonly key: Int32Array;
}

const digitBits = 16;
const buckets = 2 ** digitBits;

/**
 * Sorts arrivals by time, ties by key; returns new arrays. Times are whole and span less than 2^64 ns. A radix sort from
 * the last digit to the first, each pass stable.
 */
export function sortArrivals(at: Float64Array, key: Int32Array): Arrivals {
  const n = at.length;
  let first = Infinity;
  for (let i = 0; i < n; i++) if (at[i] < first) first = at[i];
  const keys = new Uint32Array(key);
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const time = at[i] - first;
    high[i] = time / 2 ** 32;
    low[i] = time - high[i] * 2 ** 32;
    order[i] = i;
  }
  let spare = new Uint32Array(n);
  for (const digits of [keys, low, high]) {
    for (let shift = 0; shift < 32; shift += digitBits) {
      if (!moveByDigit(digits, shift, order, spare)) continue;
      [order, spare] = [spare, order];
    }
  }
  const sorted = {at: new Float64Array(n), key: new Int32Array(n)};
  for (let i = 0; i < n; i++) {
    sorted.at[i] = at[order[i]];
    sorted.key[i] = key[order[i]];
  }
  return sorted;
}

/** Moves `from` to `to` in order of one digit; false, and nothing is moved, where all have the same. */
function moveByDigit(digits: Uint32Array, shift: number, from: Uint32Array, to: Uint32Array): boolean {
  const starts = new Uint32Array(buckets + 1);
  for (let i = 0; i < digits.length; i++) starts[((digits[i] >>> shift) & (buckets - 1)) + 1]++;
  if (from.length === 0 || starts[((digits[0] >>> shift) & (buckets - 1)) + 1] === from.length) return false;
  for (let i = 1; i <= buckets; i++) starts[i] += starts[i - 1];
  for (let i = 0; i < from.length; i++) to[starts[(digits[from[i]] >>> shift) & (buckets - 1)]++] = from[i];
  return true;
}
