// Merging tenants' arrivals: the order is (time, tenant), and nothing is lost.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {mergeArrivals} from '../../../src/workload/arrivals/merge.ts';

const times = fc
  .array(fc.integer({min: 0, max: 50}), {maxLength: 30})
  .map((t) => Float64Array.from(t).sort());

describe('mergeArrivals', () => {
  test.prop([fc.array(times, {maxLength: 12})])('sorts by time, ties by tenant', (perTenant) => {
    const expected = perTenant
      .flatMap((at, tenant) => Array.from(at, (time) => ({time, tenant})))
      .toSorted((a, b) => a.time - b.time || a.tenant - b.tenant);
    const {at, tenant} = mergeArrivals(perTenant);
    expect(Array.from(at, (time, i) => ({time, tenant: tenant[i]}))).toEqual(expected);
  });

  test('takes no tenants, and tenants without arrivals', () => {
    expect(mergeArrivals([]).at).toHaveLength(0);
    const {at, tenant} = mergeArrivals([Float64Array.of(), Float64Array.of(5), Float64Array.of()]);
    expect([Array.from(at), Array.from(tenant)]).toEqual([[5], [1]]);
  });

  test('leaves its input as it was', () => {
    const perTenant = [Float64Array.of(1, 3), Float64Array.of(2)];
    mergeArrivals(perTenant);
    expect(perTenant).toEqual([Float64Array.of(1, 3), Float64Array.of(2)]);
  });
});
