// Contexts that take turns on one device, and what changing them costs.
import {describe, expect, test} from 'vitest';
import {runToy} from '../support/rig.ts';
import type {ToyTenant} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';

/** A context per tenant, first come, first served. */
const contexts = (lanes: number): Policy => ({
  name: 'contexts',
  setup: {sharing: 'time-slice', lanes: 'per-tenant'},
  decide(s) {
    for (let slot = 0; slot < s.streams.capacity && s.ready.total > 0; slot++) {
      const tenant = s.streams.tenant[slot];
      if (s.ready.list(slot) < 0 || s.lanes.outstanding[tenant] > 0) continue;
      s.take(slot);
      s.launch(tenant % lanes);
    }
  },
});

const switchNs = 50_000;
const yieldNs = 5000;

function run(tenants: ToyTenant[], durations: number[], sliceNs = 1e6) {
  return runToy({
    policy: contexts(tenants.length),
    tenants,
    durations,
    device: {
      sharing: {
        scheme: 'time-slice',
        sliceNs,
        switchNs,
        yieldNs,
        interference: 0,
        crowding: 0,
        crowdedInterference: 0,
        mixing: 0,
        maxConcurrent: 128,
      },
    },
  });
}

const endOf = (result: ReturnType<typeof run>, tenant: number): number =>
  result.completed.find((request) => request.tenant === tenant)!.at;

describe('contexts that take turns', () => {
  test('run one at a time', () => {
    const result = run(
      [
        {kernels: [0], arrivals: [0]},
        {kernels: [0], arrivals: [0]},
      ],
      [400_000],
    );
    expect(endOf(result, 0)).toBe(400_000);
    expect(endOf(result, 1)).toBe(400_000 + yieldNs + 400_000);
  });

  test('change at the price of a yield where the context on the device has nothing left to run', () => {
    const result = run(
      [
        {kernels: [0], arrivals: [0]},
        {kernels: [0], arrivals: [300_000]},
      ],
      [100_000],
    );
    // The device has been idle since 100 000; the other context has to be loaded all the same.
    expect(endOf(result, 1)).toBe(300_000 + yieldNs + 100_000);
  });

  test('change at the price of a switch where a slice ends before its work', () => {
    const result = run(
      [
        {kernels: [0], arrivals: [0]},
        {kernels: [1], arrivals: [0]},
      ],
      [1_500_000, 100_000],
    );
    expect(endOf(result, 1)).toBe(1e6 + switchNs + 100_000);
    expect(endOf(result, 0)).toBe(1e6 + switchNs + 100_000 + yieldNs + 500_000);
  });

  test('share the device evenly, less a switch a slice, while all have work', () => {
    const result = run(
      [
        {kernels: [0], arrivals: [0]},
        {kernels: [0], arrivals: [0]},
      ],
      [10e6],
    );
    // Slices of 1 ms: the first context ends in the tenth of its own, which is the nineteenth in all.
    expect(endOf(result, 0)).toBe(19e6 + 18 * switchNs);
    expect(endOf(result, 1)).toBe(20e6 + 18 * switchNs + yieldNs);
  });

  test('change for nothing while only one of them has work', () => {
    const result = run([{kernels: [0], arrivals: [0]}, {kernels: [0]}], [5e6]);
    expect(endOf(result, 0)).toBe(5e6);
  });
});
