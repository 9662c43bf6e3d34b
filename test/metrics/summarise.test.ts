import {describe, expect, test} from 'vitest';
import {aggregate} from '../../src/metrics/aggregate.ts';
import {compare} from '../../src/metrics/compare.ts';
import {RunRecorder} from '../../src/metrics/runRecorder.ts';
import {summarise} from '../../src/metrics/summarise.ts';
import type {RunFacts} from '../../src/metrics/summarise.ts';
import type {RunSummary} from '../../src/metrics/result.ts';
import {queueRun, tenant} from './queue.ts';

const ms = 1e6;

/** Two tenants with an SLO of 10 ms; a window of one second. Requests are [tenant, arrival, start, end] in ms. */
function summaryOf(
  requests: [number, number, number, number][],
  {
    dropped = [],
    waiting = [],
    ...facts
  }: Partial<RunFacts> & {dropped?: [number, number][]; waiting?: [number, number][]} = {},
): RunSummary {
  const record = new RunRecorder({
    tenants: [tenant('fast', 10 * ms), tenant('slow', 10 * ms)],
    kernels: [],
    lanes: 1,
    window: {startNs: 0, endNs: 1000 * ms},
  });
  for (const [tenant, at] of [...requests, ...dropped, ...waiting].sort((a, b) => a[1] - b[1]))
    record.arrived(tenant, at * ms);
  for (const [tenant, at] of dropped) record.dropped(tenant, at * ms, at * ms);
  for (const [tenant, at, start, end] of requests) record.completed(tenant, at * ms, start * ms, end * ms);
  return summarise(record, {policy: 'test', seed: 1, ended: 'done', endedAtNs: 1000 * ms, ...facts});
}

const several: [number, number, number, number][] = [
  [0, 0, 1, 5],
  [0, 100, 102, 110],
  [1, 200, 204, 220],
  [1, 300, 300, 308],
];

describe('a summary', () => {
  test('has the figures that a person would work out', () => {
    const summary = summaryOf(several, {soloNs: [5 * ms, 8 * ms], pricePerHour: 3.6, gpus: 2});
    expect(summary).toMatchObject({
      arrived: 4,
      completed: 4,
      throughput_per_s: 4,
      goodput_per_s: 3,
      slo_attainment: 0.75,
      latency_mean_ns: 10.75 * ms,
      latency_max_ns: 20 * ms,
      queueing_mean_ns: 1.75 * ms,
      // 7.2 an hour for 4 a second: 0.0005 each.
      cost_per_million_requests: 500,
    });
    const [fast, slow] = summary.tenants;
    expect(fast).toMatchObject({tenant: 'fast', slo_met: true, slo_attainment: 1, slowdown: 1.5});
    expect(slow).toMatchObject({tenant: 'slow', slo_met: false, slo_attainment: 0.5, slowdown: 1.75});
    expect(summary.antt).toBeCloseTo((1.5 + 1.75) / 2, 12);
    expect(summary.stp).toBeCloseTo(1 / 1.5 + 1 / 1.75, 12);
    expect(summary.fairness).toBeCloseTo((2 / 3 + 4 / 7) ** 2 / (2 * ((2 / 3) ** 2 + (4 / 7) ** 2)), 12);
  });

  test('has no quantile of four requests, and nothing that it was not told of', () => {
    expect(summaryOf(several)).toMatchObject({
      latency_p50_ns: null,
      latency_p99_ns: null,
      gpu_utilisation: null,
      sm_occupancy: null,
      cost_per_million_requests: null,
      antt: null,
      stp: null,
      fairness: null,
      superkernel_size_mean: null,
      padding_waste: null,
      extrapolated: null,
      latency_cdf: [],
    });
  });

  test('counts as missed what was dropped, and what is unfinished past its deadline', () => {
    const summary = summaryOf(several, {
      dropped: [[0, 50]],
      // At 1,000 ms the first two are overdue, the third may still be in time.
      waiting: [
        [1, 600],
        [1, 989],
        [1, 995],
      ],
      ended: 'limit',
    });
    expect(summary).toMatchObject({arrived: 8, completed: 4, dropped: 1, unfinished: 3});
    expect(summary.slo_attainment).toBe(3 / (4 + 1 + 2));
    const {stretches} = summary;
    expect(stretches).toHaveLength(20);
    expect(stretches.reduce((sum, {arrived}) => sum + arrived, 0)).toBe(8);
    expect(stretches.reduce((sum, {met}) => sum + met, 0)).toBe(3);
    // The last twentieth of the second, in which two arrive.
    expect(stretches.at(-1)).toEqual({arrived: 2, met: 0});
    expect(summary.tenants.map((each) => each.slo_attainment)).toEqual([2 / 3, 1 / 4]);
  });

  test('leaves out quantiles that unfinished requests could move', () => {
    const many = Array.from({length: 1000}, (_, i): [number, number, number, number] => [
      0,
      i / 2,
      i / 2,
      i / 2 + 1,
    ]);
    const waiting = Array.from({length: 20}, (_, i): [number, number] => [0, 600 + i]);
    const summary = summaryOf(many, {waiting, ended: 'limit'});
    expect(summary.latency_p95_ns).toBe(ms);
    expect(summary.latency_p99_ns).toBeNull();
  });

  test('of a run that nobody visited is empty and finite', () => {
    const summary = summaryOf([]);
    expect(summary).toMatchObject({arrived: 0, slo_attainment: null, latency_mean_ns: null, backlog_mean: 0});
    expect(JSON.stringify(summary)).not.toContain('NaN');
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
  });

  test('of a run that was stopped measures as far as it came', () => {
    const summary = summaryOf(several, {ended: 'stopped', endedAtNs: 400 * ms});
    expect(summary.window_end_ns).toBe(400 * ms);
    expect(summary.throughput_per_s).toBe(10);
  });
});

describe('M/M/1', () => {
  test('waits, and is as full, as theory says', () => {
    const rho = 0.7;
    const runs = Array.from({length: 20}, (_, seed) => queueRun({seed, rho, requests: 20_000}));
    const {metrics} = aggregate(runs);
    const within = (
      name: 'latency_mean_ns' | 'queueing_mean_ns' | 'backlog_mean',
      expected: number,
    ): void => {
      const {mean, half_width} = metrics[name]!;
      expect(half_width).toBeLessThan(0.1 * expected);
      // 99.9 % interval from the 95 % one, at 19 degrees of freedom.
      expect(Math.abs(mean - expected)).toBeLessThan((3.883 / 2.093) * half_width!);
    };
    within('latency_mean_ns', ms / (1 - rho));
    within('queueing_mean_ns', (rho * ms) / (1 - rho));
    within('backlog_mean', rho / (1 - rho));
    // Latency is exponential: its median is ln 2 of the mean, its p99 is ln 100.
    expect(metrics.latency_p50_ns!.mean / (Math.LN2 * (ms / (1 - rho)))).toBeCloseTo(1, 1);
    expect(metrics.latency_p99_ns!.mean / (Math.log(100) * (ms / (1 - rho)))).toBeCloseTo(1, 1);
  });
});

describe('replications together', () => {
  const runs = [1, 2, 3].map((seed) => queueRun({seed, rho: 0.5, requests: 3000}));

  test('have the mean of each metric and its interval', () => {
    const {metrics, replications, arrived} = aggregate(runs);
    expect(replications).toBe(3);
    expect(arrived).toBe(runs.reduce((sum, run) => sum + run.arrived, 0));
    const values = runs.map((run) => run.throughput_per_s);
    const mean = values.reduce((a, b) => a + b) / 3;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
    expect(metrics.throughput_per_s!.mean).toBeCloseTo(mean, 9);
    expect(metrics.throughput_per_s!.half_width).toBeCloseTo((4.303 * deviation) / Math.sqrt(3), 2);
  });

  test('have no metric that one of them lacks', () => {
    const short = queueRun({seed: 4, rho: 0.5, requests: 500});
    expect(short.latency_p99_ns).toBeNull();
    const {metrics} = aggregate([...runs, short]);
    expect(metrics.latency_p99_ns).toBeNull();
    expect(metrics.latency_p50_ns).not.toBeNull();
  });

  test('are saturated where one is', () => {
    const {saturated, metrics, latency_cdf} = aggregate([
      ...runs,
      queueRun({seed: 9, rho: 1.4, requests: 3000}),
    ]);
    expect(saturated).toBe(true);
    expect(metrics.latency_mean_ns).toBeNull();
    expect(metrics.backlog_mean).toBeNull();
    expect(metrics.throughput_per_s).not.toBeNull();
    expect(latency_cdf).toEqual([]);
  });

  test('of one run have no interval', () => {
    expect(aggregate([runs[0]]).metrics.goodput_per_s).toEqual({
      mean: runs[0].goodput_per_s,
      half_width: null,
    });
    expect(() => aggregate([])).toThrow('missing summaries');
  });
});

describe('a comparison', () => {
  const at = (meanServiceNs: number): RunSummary[] =>
    [1, 2, 3, 4, 5].map((seed) =>
      queueRun({seed, rho: (0.5 * meanServiceNs) / ms, requests: (3000 * meanServiceNs) / ms, meanServiceNs}),
    );
  const base = at(ms);

  test('finds a difference that the noise between seeds would hide', () => {
    const candidate = at(0.95 * ms);
    const latency = compare(base, candidate).find(({metric}) => metric === 'latency_mean_ns')!;
    expect(latency).toMatchObject({n: 5, significant: true, better: true});
    // Shorter service and less waiting: (0.95 / (1 - 0.475)) / (1 / (1 - 0.5)) - 1.
    expect(latency.change).toBeCloseTo(-0.095, 2);
    expect(latency.difference.mean).toBeCloseTo(latency.candidate - latency.base, 3);
    const spread = aggregate(base).metrics.latency_mean_ns!.half_width!;
    expect(latency.difference.half_width).toBeLessThan(0.5 * spread);
  });

  test('finds none between equals, and does not say which is better', () => {
    for (const {significant, better, difference} of compare(base, at(ms))) {
      expect(significant).toBe(false);
      expect(better).toBeNull();
      expect(difference.mean).toBe(0);
    }
  });

  test('says nothing of metrics that a run lacks', () => {
    const names = compare(base, base).map(({metric}) => metric);
    expect(names).toContain('latency_p99_ns');
    expect(names).not.toContain('latency_p999_ns');
    expect(names).not.toContain('gpu_utilisation');
  });

  test('refuses runs that did not meet the same arrivals', () => {
    const other = base.map((run) => ({...run, seed: Number(run.seed) + 1}));
    expect(() => compare(base, other)).toThrow(
      'invalid comparison: the seeds of fcfs (1, 2, 3, 4, 5) and its candidate (2, 3, 4, 5, 6) differ',
    );
    expect(() => compare(base, base.slice(1))).toThrow('invalid comparison');
  });
});
