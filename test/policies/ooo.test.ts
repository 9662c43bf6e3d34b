// The papers' proposal: as fast as separate streams where there is little to coalesce, more throughput than greedy
// where there is much, and requests in time under overload.
import {describe, expect, test, vi} from 'vitest';
import {Seeds} from '../../src/policies/seeds.ts';
import {stride} from '../../src/policies/strides.ts';
import {methods} from '../../src/scheduler/kernel.ts';
import type {ToyTenant} from '../support/rig.ts';
import {latencies, mean, median, poisson, runPolicy} from './run.ts';

const single = methods.indexOf('single');

/**
 * A device on which two kernels side by side take as long as one, and two in one launch more than twice as long; many in
 * one launch are cheap, as on an H200. A launch takes the host 5 us, and it sees an end after 1.5 us.
 */
const device = {
  durations: [10_000, 14_000],
  batching: (size: number) => (size === 1 ? 1 : 2.3 + size / 20),
  smShare: (_: number, size: number, method: number) => (method === single ? 1 / 8 : Math.min(1, size / 8)),
  submitNs: 5_000,
  detectNs: 1_500,
  decideNs: 500,
};

/** Tenants of one model of twenty kernels, with Poisson arrivals at a rate in requests a second. */
const tenantsAt = (rate: number, count: number, sloNs = 5e6, seed = ''): ToyTenant[] =>
  Array.from({length: count}, (_, i) => ({
    kernels: Array.from({length: 20}, (_, k) => k % 2),
    arrivals: poisson(`tenant ${i}${seed}`, 1e9 / rate, Math.ceil(rate / 20)),
    sloNs,
    model: 'toy',
  }));

describe('ooo, where two side by side are faster than two in one launch', () => {
  test.each([20, 100, 300])('is as fast as streams at %d requests a second and tenant', (rate) => {
    const world = {...device, tenants: tenantsAt(rate, 4)};
    const streams = latencies(runPolicy('streams', world));
    const ooo = latencies(runPolicy('ooo', world));
    expect(median(ooo)).toBeLessThanOrEqual(1.02 * median(streams));
    expect(median(ooo)).toBeLessThan(0.8 * median(latencies(runPolicy('greedy', world))));
  });

  const saturated = {
    ...device,
    tenants: Array.from({length: 60}, () => ({
      kernels: Array.from({length: 20}, (_, k) => k % 2),
      loop: {outstanding: 1, thinkNs: () => 0},
      model: 'toy',
    })),
    limit: 3e8,
  };

  test('serves at least as much as greedy when saturated', () => {
    const served = (text: string) => runPolicy(text, saturated).completed.length;
    const ooo = served('ooo');
    for (const greedy of ['greedy:lanes=1', 'greedy:lanes=2', 'greedy:lanes=4']) {
      expect(ooo, greedy).toBeGreaterThanOrEqual(served(greedy));
    }
    expect(ooo).toBeGreaterThan(2 * served('streams:lanes=8,host-threads=shared'));
  });

  test('coalesces when saturated and hardly at low load', () => {
    const size = (world: Parameters<typeof runPolicy>[1]) =>
      mean(runPolicy('ooo', world).launches.map(({size}) => size));
    expect(size({...device, tenants: tenantsAt(20, 4)})).toBeLessThan(1.05);
    expect(size(saturated)).toBeGreaterThan(8);
  });

  test('keeps requests in time under overload, where least slack first loses nearly all', () => {
    const inTime = (text: string) =>
      ['a', 'b', 'c'].reduce((sum, seed) => {
        const {arrived, completed} = runPolicy(text, {
          ...device,
          tenants: tenantsAt(2_000, 40, 4e6, seed),
          limit: 2e8,
        });
        return sum + completed.filter(({arrivalAt, at}) => at - arrivalAt <= 4e6).length / arrived / 3;
      }, 0);
    const slo = inTime('slo');
    expect(slo).toBeLessThan(0.25);
    expect(inTime('ooo')).toBeGreaterThan(1.2 * slo);
    // Late ones have less of the device.
    expect(inTime('ooo:late-share=0.2')).toBeGreaterThan(1.8 * slo);
  });
});

test('ooo keeps the launches of chains of two shapes in strides, whatever single plans say', () => {
  const {launches} = runPolicy('ooo', {
    tenants: Array.from({length: 20}, (_, tenant) => ({
      kernels: new Array<number>(20).fill(tenant % 2),
      arrivals: poisson(`tenant ${tenant}`, 7.6e5, 100),
      sloNs: 1e7,
    })),
    durations: [10_000, 6_000],
    batching: (size) => 1 + size / 8,
    smShare: (_, size, method) => (method === single ? 1 / 16 : Math.min(1, size / 16)),
    submitNs: 8_000,
    detectNs: 3_000,
    decideNs: 1_000,
  });
  const later = launches.slice(launches.length / 2);
  expect(later.filter(({steps}) => steps % stride !== 0)).toEqual([]);
  expect(later.filter(({steps}) => steps === stride).length).toBeGreaterThan(later.length / 2);
});

describe('ooo', () => {
  test('runs a stream ahead to its end when it is alone', () => {
    const {launches} = runPolicy('ooo', {...device, tenants: [{kernels: [0, 1, 0, 1], arrivals: [0]}]});
    expect(launches.map(({steps, method}) => [steps, method])).toEqual([[4, 'single']]);
  });

  test('asks again after its quantum', () => {
    const {launches} = runPolicy('ooo:quantum=20us', {
      ...device,
      tenants: [{kernels: [0, 0, 0, 0, 0, 0], arrivals: [0]}],
    });
    expect(launches.map(({steps}) => steps)).toEqual([2, 2, 2]);
  });

  test('takes the request with the least slack first', () => {
    const {launches} = runPolicy('ooo:lanes=1', {
      tenants: [
        {kernels: [0], arrivals: [0], sloNs: 50_000},
        {kernels: [1], arrivals: [0], sloNs: 20_000},
      ],
      durations: [1_000, 1_000],
    });
    expect(launches.map(({tenants}) => tenants)).toEqual([[1], [0]]);
  });

  test('lets a request that is lost wait for one that is not', () => {
    const {launches} = runPolicy('ooo:lanes=1', {
      tenants: [
        {kernels: [0], arrivals: [0], sloNs: 500},
        {kernels: [1], arrivals: [0], sloNs: 20_000},
      ],
      durations: [1_000, 1_000],
    });
    expect(launches.map(({tenants}) => tenants)).toEqual([[1], [0]]);
  });

  test('serves a request that is lost although others that are not keep coming', () => {
    const {completed} = runPolicy('ooo:lanes=1', {
      tenants: [
        {kernels: [0], arrivals: [0], sloNs: 500},
        {kernels: [1], arrivals: Array.from({length: 300}, (_, i) => 950 * i), sloNs: 1e6},
      ],
      durations: [1_000, 1_000],
      batching: (size) => size,
    });
    const lost = completed.find(({tenant}) => tenant === 0)!;
    expect(lost.at).toBeLessThan(0.1 * completed.at(-1)!.at);
  });

  test('delays a kernel while the device is full, and what is ready by then runs with it', () => {
    const {launches} = runPolicy('ooo:lanes=4,quantum=1us', {
      tenants: [0, 100, 200, 300].map((at) => ({kernels: [0, 0, 0], arrivals: [at], sloNs: 1e6})),
      durations: [1_000],
      batching: () => 1,
    });
    expect(launches.map(({size}) => size)).toEqual([1, 4, 4, 3]);
  });

  test('waits for those in flight who come back, and not for those who complete', () => {
    const {launches: whole} = runPolicy('ooo', {...device, tenants: chains()});
    expect(whole.slice(0, 2).map(({size, steps}) => [size, steps])).toEqual([
      [1, 20],
      [1, 20],
    ]);
    expect(whole[1].decidedAt).toBeLessThan(whole[0].finishedAt);
    // The host takes far less time than a launch, so that two side by side gain nothing.
    const {launches: parts} = runPolicy('ooo:quantum=400us', {
      ...device,
      durations: [200_000],
      batching: () => 1,
      smShare: () => 1,
      tenants: chains(),
    });
    expect(parts.slice(0, 2).map(({size}) => size)).toEqual([1, 3]);
  });

  test('waits for those in flight who come back although others with them, the most urgent too, do not', () => {
    const {launches} = runPolicy('ooo:lanes=4,quantum=1us', {
      // The third arrives while the first runs its last kernel, with the second behind it.
      tenants: [0, 100, 4_000].map((at) => ({
        kernels: [0, 0, 0],
        arrivals: [at],
        sloNs: 1e6 + 100 * at,
        model: 'toy',
      })),
      durations: [1_500],
      batching: () => 1,
    });
    expect(launches.map(({tenants}) => tenants)).toEqual([[0], [0, 1], [0, 1], [1, 2], [2], [2]]);
  });

  const chains = () =>
    [0, 1_000, 2_000].map((at) => ({
      kernels: Array.from({length: 20}, () => 0),
      arrivals: [at],
      model: 'toy',
    }));

  test('makes one launch a decision, so that what happens while the host submits is seen by the next', () => {
    const {launches} = runPolicy('ooo:lanes=4', {
      tenants: [
        {kernels: [0], arrivals: [0], sloNs: 1e6},
        {kernels: [1], arrivals: [0], sloNs: 2e6},
        {kernels: [0], arrivals: [3_000], sloNs: 1e6},
      ],
      durations: [1_000, 1_000],
      smShare: () => 0.1,
      submitNs: 5_000,
    });
    expect(launches.map(({tenants}) => tenants)).toEqual([[0], [2], [1]]);
    expect(new Set(launches.map(({decidedAt}) => decidedAt)).size).toBe(3);
  });

  test('has most full launches follow their predecessors without a gap, though others use the device', () => {
    const {launches} = runPolicy('ooo:max-size=8', {
      ...device,
      durations: [100_000, 90_000],
      batching: (size) => 1 + size / 8,
      smShare: (_, size) => (size === 1 ? 0.3 : Math.min(1, (3 + size) / 8)),
      tenants: Array.from({length: 120}, (_, i) => ({
        kernels: Array.from({length: 20}, () => i % 2),
        loop: {outstanding: 1, thinkNs: () => 0},
        sloNs: 1e9,
      })),
      limit: 1e8,
    });
    const gaps = [0, 1].flatMap((cls) => {
      const own = launches.filter((launch) => launch.cls === cls).slice(20, -1);
      return own.slice(1).map(({releasedAt}, i) => releasedAt - own[i].finishedAt);
    });
    expect(gaps.length).toBeGreaterThan(100);
    expect(gaps.filter((ns) => ns <= 0).length).toBeGreaterThan(0.5 * gaps.length);
  });

  test('pads within a cluster, one kernel at a time', () => {
    const {launches} = runPolicy('ooo:coalesce=cluster', {
      tenants: [0, 1, 0, 1].map((id) => ({kernels: [id, 2], arrivals: [0], sloNs: 1e6})),
      durations: [1_000, 1_000, 1_000],
      batching: () => 1,
      groups: {count: 2, of: Int32Array.of(0, 0, 1), common: Int32Array.of(1, 2)},
    });
    expect(launches.map(({size, method, steps, cls}) => [size, method, steps, cls])).toEqual([
      [4, 'padded', 1, 1],
      [4, 'batched', 1, 2],
    ]);
  });

  test('looks again, while it waits with many ready, only when an eighth more are or a launch has ended', () => {
    const choose = vi.spyOn(Seeds.prototype, 'choose');
    const {launches} = runPolicy('ooo:max-size=8', {
      durations: [100_000],
      batching: () => 1,
      submitNs: 1_000,
      tenants: Array.from({length: 200}, (_, i) => ({
        kernels: [0],
        arrivals: [500 * i],
        sloNs: 1e9,
        model: 'toy',
      })),
    });
    const looks = choose.mock.calls.length;
    choose.mockRestore();
    // 200 arrive one by one during the first launch.
    expect(launches[0].finishedAt).toBeGreaterThan(500 * 200);
    expect(looks).toBeGreaterThanOrEqual(launches.length - 1);
    expect(looks).toBeLessThan(130);
  });

  test('plans once for what it meets again and again', () => {
    const asked = (requests: number) => {
      let times = 0;
      runPolicy('ooo', {
        ...device,
        smShare: () => (times++, 0.1),
        tenants: [{kernels: [0, 1, 0], arrivals: Array.from({length: requests}, (_, i) => i * 100_000)}],
      });
      return times;
    };
    expect(asked(500)).toBe(asked(250));
  });
});
