import {describe, expect, test} from 'vitest';
import {aggregate} from '../../src/metrics/aggregate.ts';
import {testSaturation} from '../../src/metrics/saturation.ts';
import {queueRun} from './queue.ts';

const flagged = (rho: number, requests: number, runs: number): number =>
  Array.from({length: runs}, (_, seed) => queueRun({seed, rho, requests})).filter((run) => run.saturated)
    .length;

describe('a queue is taken as saturated', () => {
  test('never while it has capacity to spare', () => {
    expect(flagged(0.5, 5000, 60)).toBe(0);
    expect(flagged(0.8, 5000, 60)).toBe(0);
  });

  test('hardly ever while it is busy but stable', () => {
    expect(flagged(0.9, 20_000, 60)).toBeLessThanOrEqual(2);
  });

  test('always when more arrives than it can serve', () => {
    expect(flagged(1.2, 5000, 40)).toBe(40);
    expect(flagged(1.1, 20_000, 20)).toBe(20);
  });

  test('not where it drops what it cannot serve', () => {
    const run = queueRun({seed: 1, rho: 1.5, requests: 5000, room: 10});
    expect(run.saturated).toBe(false);
    expect(run.dropped).toBeGreaterThan(1000);
    expect(run.latency_p99_ns).toBeGreaterThan(0);
  });
});

test('the slope of the backlog is arrivals less departures, and its interval is narrow against it', () => {
  const run = queueRun({seed: 3, rho: 1.25, requests: 20_000, drainNs: 0});
  const excess = run.arrival_rate_per_s - run.throughput_per_s;
  const {mean, half_width} = run.backlog_slope_per_s!;
  expect(mean / excess).toBeCloseTo(1, 1);
  expect(half_width).toBeLessThan(0.3 * mean);
});

test('a saturated run prints no number that depends on how long it was', () => {
  const run = queueRun({seed: 5, rho: 1.3, requests: 5000});
  expect(run.saturated).toBe(true);
  expect(run).toMatchObject({
    latency_mean_ns: null,
    latency_p50_ns: null,
    latency_p99_ns: null,
    latency_max_ns: null,
    queueing_mean_ns: null,
    backlog_mean: null,
    antt: null,
    stp: null,
    fairness: null,
    latency_cdf: [],
  });
  expect(run.tenants[0]).toMatchObject({latency_p50_ns: null, slowdown: null});
  // What the system can do does not depend on it.
  expect(run.throughput_per_s / 1000).toBeCloseTo(1, 1);
});

test('replications that each leave a doubt are sure together', () => {
  const runs = Array.from({length: 20}, (_, seed) => queueRun({seed, rho: 1.01, requests: 20_000}));
  const alone = runs.filter((run) => run.saturated);
  const doubtful = runs.filter((run) => !run.saturated);
  expect(alone.length).toBeLessThan(20);
  expect(doubtful.length).toBeGreaterThan(2);
  expect(aggregate(runs).saturated).toBe(true);
});

test('growth that ends is no saturation, nor is a handful of requests', () => {
  const filling = Array.from({length: 20}, (_, i) => 100 * (1 - Math.exp(-2 * i)));
  expect(testSaturation(filling, 1e9).saturated).toBe(false);
  const few = Array.from({length: 20}, (_, i) => i / 4);
  expect(testSaturation(few, 1e9).saturated).toBe(false);
  expect(
    testSaturation(
      few.map((n) => 10 * n),
      1e9,
    ).saturated,
  ).toBe(true);
  expect(testSaturation([1, 2], 1e9)).toEqual({saturated: false, slope: null});
});
