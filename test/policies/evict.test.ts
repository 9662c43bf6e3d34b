// Stragglers are told from those they run with, kept apart, probed, and let back in.
import {describe, expect, test} from 'vitest';
import seedrandom from 'seedrandom';
import {Stragglers} from '../../src/policies/stragglers.ts';
import {runToy} from '../support/rig.ts';
import {latencies, makePolicy, mean, poisson, runPolicy} from './run.ts';

/** Eight tenants of one model; what tenant 3 runs takes five times as long between 2 and 6 ms. */
const straggler = 3;
const from = 2e6;
const to = 6e6;
const world = {
  tenants: Array.from({length: 8}, (_, i) => ({
    kernels: [0, 0, 0, 0],
    arrivals: poisson(`tenant ${i}`, 20_000, 500),
    sloNs: 1e6,
    model: 'toy',
  })),
  durations: [1_000],
  smShare: 0.5,
};
const slow = {
  ...world,
  device: {
    tenantFactor: (tenant: number, now: number) => (tenant === straggler && now >= from && now < to ? 5 : 1),
  },
};
const parameters = 'probe-every=100us';

describe.each(['greedy', 'slo', 'ooo', 'delay'])('evict(%s)', (inner) => {
  const evicted = runPolicy(`evict(${inner}):${parameters}`, slow);
  const kept = runPolicy(inner, slow);
  const during = (at: number): boolean => at >= from + 2e5 && at < to;

  test('runs the kernels of a straggler alone', () => {
    const shared = (launches: typeof kept.launches) =>
      launches.filter(
        ({tenants, size, startedAt}) => during(startedAt) && size > 1 && tenants.includes(straggler),
      ).length;
    expect(shared(kept.launches)).toBeGreaterThan(20);
    expect(shared(evicted.launches)).toBeLessThan(0.1 * shared(kept.launches));
  });

  test('spares the other tenants', () => {
    const others = (result: typeof kept) =>
      mean(
        result.completed
          .filter(({tenant, arrivalAt}) => tenant !== straggler && during(arrivalAt))
          .map(({arrivalAt, at}) => at - arrivalAt),
      );
    expect(others(evicted)).toBeLessThan(0.8 * others(kept));
  });

  test('holds nobody else for long', () => {
    const held = new Float64Array(8);
    const policy = makePolicy(`evict(${inner}):${parameters}`, 8);
    runToy({
      ...slow,
      policy: {
        ...policy,
        decide(situation) {
          policy.decide(situation);
          if (!during(situation.now)) return;
          for (let tenant = 0; tenant < 8; tenant++) held[tenant] += situation.isHeld(tenant) ? 1 : 0;
        },
      },
    });
    for (let tenant = 0; tenant < 8; tenant++) {
      if (tenant !== straggler) expect(held[tenant]).toBeLessThan(0.05 * held[straggler]);
    }
  });

  test('readmits a tenant that has recovered', () => {
    const back = evicted.launches.filter(
      ({tenants, size, startedAt}) => startedAt > to + 5e5 && size > 1 && tenants.includes(straggler),
    );
    expect(back.length).toBeGreaterThan(0);
  });

  test('loses no request', () => {
    expect(evicted.dropped).toEqual([]);
    expect(evicted.completed.length).toBe(evicted.arrived);
  });

  test('holds nobody where nobody is slow, however noisy the device', () => {
    const random = seedrandom.alea('noise');
    const policy = makePolicy(`evict(${inner}):${parameters}`, 8);
    let held = 0;
    runToy({
      ...world,
      residual: () => 0.8 + 0.4 * random(),
      policy: {
        ...policy,
        decide(situation) {
          policy.decide(situation);
          for (let tenant = 0; tenant < 8; tenant++) held += situation.isHeld(tenant) ? 1 : 0;
        },
      },
    });
    expect(held).toBe(0);
  });
});

test('drops the requests of an evicted tenant where it is told to, and of nobody else', () => {
  const {dropped, completed} = runPolicy(`evict(greedy):${parameters},action=drop`, slow);
  expect(dropped.length).toBeGreaterThan(100);
  expect(new Set(dropped.map(({tenant}) => tenant))).toEqual(new Set([straggler]));
  expect(dropped.every(({at}) => at >= from && at < to + 1e6)).toBe(true);
  expect(
    completed.filter(({tenant, arrivalAt}) => tenant === straggler && arrivalAt > to + 1e6).length,
  ).toBeGreaterThan(50);
});

test('keeps a straggler apart under a policy that forms batches', () => {
  const kept = runPolicy('exclusive', {...slow, maxSize: 1});
  const evicted = runPolicy(`evict(exclusive):${parameters}`, {...slow, maxSize: 1});
  expect(evicted.completed.length).toBe(evicted.arrived);
  const others = (result: typeof kept) =>
    mean(latencies(result).slice(0, -latencies(result, straggler).length));
  expect(others(evicted)).toBeLessThanOrEqual(others(kept));
});

describe('a monitor', () => {
  const monitor = () => new Stragglers(2, 1.5, 4, 3);

  test('suspects a tenant whose launches take longer than the class does, several times in a row', () => {
    const stragglers = monitor();
    for (let i = 0; i < 200; i++) stragglers.observe(0, stragglers.residual(0, 100, 100, true));
    const verdicts = [1, 2, 3, 4, 5, 6].map(() =>
      stragglers.observe(1, stragglers.residual(0, 300, 100, true)),
    );
    expect(verdicts[0]).toBe(false);
    expect(verdicts.at(-1)).toBe(true);
  });

  test('blames nobody for a class that the profile predicts too short', () => {
    const stragglers = monitor();
    for (let i = 0; i < 200; i++) {
      for (const tenant of [0, 1]) {
        expect(stragglers.observe(tenant, stragglers.residual(i % 3, 500, 100, true))).toBe(false);
      }
    }
  });

  test('forgives one slow launch', () => {
    const stragglers = monitor();
    for (let i = 0; i < 300; i++) {
      const actual = i % 40 === 39 ? 1_000 : 100;
      expect(stragglers.observe(0, stragglers.residual(0, actual, 100, true))).toBe(false);
    }
  });
});
