/** The arrivals of all tenants in order: arrival i comes at `at[i]` (whole nanoseconds) from `tenant[i]`. */
export interface MergedArrivals {
  readonly at: Float64Array;
  readonly tenant: Int32Array;
}

/**
 * Merges sorted arrivals, one array a tenant; equal times in order of the tenants. A binary heap holds each tenant's
 * next arrival, and the root is replaced in place, so that n arrivals of k tenants cost O(n log k).
 */
export function mergeArrivals(perTenant: readonly Float64Array[]): MergedArrivals {
  const k = perTenant.length;
  const total = perTenant.reduce((sum, {length}) => sum + length, 0);
  const at = new Float64Array(total);
  const tenant = new Int32Array(total);
  const heapAt = new Float64Array(k);
  const heapTenant = new Int32Array(k);
  const cursor = new Uint32Array(k).fill(1);
  let size = 0;

  const settle = (i: number, time: number, owner: number) => {
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size) {
        const difference = heapAt[right] - heapAt[child];
        if (difference < 0 || (difference === 0 && heapTenant[right] < heapTenant[child])) child = right;
      }
      const difference = heapAt[child] - time;
      if (difference > 0 || (difference === 0 && heapTenant[child] > owner)) break;
      heapAt[i] = heapAt[child];
      heapTenant[i] = heapTenant[child];
      i = child;
    }
    heapAt[i] = time;
    heapTenant[i] = owner;
  };

  for (let t = 0; t < k; t++) {
    if (perTenant[t].length === 0) continue;
    heapAt[size] = perTenant[t][0];
    heapTenant[size++] = t;
  }
  for (let i = (size >> 1) - 1; i >= 0; i--) settle(i, heapAt[i], heapTenant[i]);

  for (let n = 0; n < total; n++) {
    const owner = heapTenant[0];
    at[n] = heapAt[0];
    tenant[n] = owner;
    const times = perTenant[owner];
    if (cursor[owner] < times.length) settle(0, times[cursor[owner]++], owner);
    else if (--size > 0) settle(0, heapAt[size], heapTenant[size]);
  }
  return {at, tenant};
}
