// Results that look like a small sweep, made by the real aggregation from a few hand-written runs.
import {aggregate} from '../../src/metrics/aggregate.ts';
import type {CellResult, RequestMetrics, RunSummary} from '../../src/metrics/result.ts';

const requests: RequestMetrics = {
  arrived: 12_000,
  completed: 11_990,
  dropped: 10,
  unfinished: 0,
  arrival_rate_per_s: 1200,
  throughput_per_s: 1199,
  goodput_per_s: 1190,
  slo_attainment: 0.992,
  saturated: false,
  backlog_slope_per_s: {mean: 0.1, half_width: 2},
  latency_mean_ns: 6.4e6,
  latency_p50_ns: 6.1e6,
  latency_p90_ns: 14e6,
  latency_p95_ns: 19e6,
  latency_p99_ns: 31.4e6,
  latency_p999_ns: 58.2e6,
  latency_max_ns: 77e6,
  queueing_mean_ns: 2e6,
};

const lost = {
  saturated: true,
  latency_mean_ns: null,
  latency_p50_ns: null,
  latency_p90_ns: null,
  latency_p95_ns: null,
  latency_p99_ns: null,
  latency_p999_ns: null,
  latency_max_ns: null,
  queueing_mean_ns: null,
};

/** A run that is as given and plausible in all else. */
export function runSummary(fields: Partial<RunSummary> = {}): RunSummary {
  const own = {...requests, ...(fields.saturated === true ? lost : {})};
  const attainment = fields.slo_attainment ?? requests.slo_attainment!;
  const tenants = ['chat/0', 'chat/1', 'batch'].map((tenant, i) => ({
    ...own,
    slo_attainment: Math.min(1, attainment + 0.008 - 0.01 * i),
    tenant,
    model: i < 2 ? 'resnet-50' : 'gnmt-step',
    slo_ns: 25e6,
    slo_quantile: 0.99,
    slo_met: i === 0,
    solo_ns: 4e6,
    slowdown: own.latency_mean_ns === null ? null : own.latency_mean_ns / 4e6,
  }));
  return {
    policy: 'ooo',
    load: 1,
    seed: '1/0',
    gpus: 1,
    ended: 'done',
    window_start_ns: 1e9,
    window_end_ns: 11e9,
    latencies_exact: true,
    ...own,
    backlog_mean: own.saturated ? null : 7.7,
    antt: own.saturated ? null : 1.6,
    stp: own.saturated ? null : 1.9,
    fairness: own.saturated ? null : 0.97,
    gpu_utilisation: 0.231,
    useful_flops_per_s: 3.6e12,
    sm_occupancy: 0.4,
    lane_utilisation: 0.6,
    kernels: 640_000,
    launches: 80_000,
    failed_launches: 0,
    superkernel_size_mean: 8,
    padding_waste: 0.04,
    extrapolated: 0,
    cost_per_million_requests: 0.58,
    stretches: Array.from({length: 20}, () => ({arrived: 500, met: 490})),
    superkernel_sizes: [
      {size: 1, count: 40_000},
      {size: 12, count: 30_000},
      {size: 24, count: 10_000},
    ],
    launches_by_method: {batched: 40_000, single: 40_000},
    latency_cdf: own.saturated
      ? []
      : [
          {p: 0.1, ns: 3e6},
          {p: 0.5, ns: 6.1e6},
          {p: 0.9, ns: 14e6},
          {p: 0.99, ns: 31.4e6},
        ],
    tenants,
    ...fields,
  };
}

/** Replications of one cell that spread by 1 % around `fields`. */
export function cell(policy: string, load: number, fields: Partial<RunSummary> = {}): CellResult {
  const replications = [-1, 0, 1].map((i) => {
    const run = runSummary({...fields, policy, load, seed: `1/${i + 1}`});
    const by = 1 + i / 100;
    return {
      ...run,
      throughput_per_s: run.throughput_per_s * by,
      goodput_per_s: run.goodput_per_s * by,
      slo_attainment: run.slo_attainment! - Math.abs(i) / 1000,
      latency_p99_ns: run.latency_p99_ns === null ? null : Math.round(run.latency_p99_ns * by),
    };
  });
  return {policy, load, replications, aggregate: aggregate(replications)};
}

/** Two policies over three loads, one of them saturated at the last; and one that fits no device. */
export const sweep: CellResult[] = [
  cell('ooo:lanes=2', 0.5, {
    goodput_per_s: 600,
    arrival_rate_per_s: 600,
    slo_attainment: 1,
    gpu_utilisation: 0.12,
  }),
  cell('ooo:lanes=2', 1),
  cell('ooo:lanes=2', 1.5, {
    goodput_per_s: 1500,
    arrival_rate_per_s: 1800,
    slo_attainment: 0.85,
    gpu_utilisation: 0.31,
    latency_p99_ns: 60e6,
  }),
  cell('mps', 0.5, {
    goodput_per_s: 580,
    arrival_rate_per_s: 600,
    slo_attainment: 0.97,
    latency_p99_ns: 45e6,
    superkernel_size_mean: 1,
    padding_waste: 0,
    superkernel_sizes: [{size: 1, count: 640_000}],
  }),
  cell('mps', 1, {
    goodput_per_s: 700,
    slo_attainment: 0.6,
    latency_p99_ns: 90e6,
    superkernel_size_mean: 1,
    padding_waste: 0,
    superkernel_sizes: [{size: 1, count: 640_000}],
  }),
  cell('mps', 1.5, {
    goodput_per_s: 90,
    arrival_rate_per_s: 1800,
    slo_attainment: 0.05,
    saturated: true,
    superkernel_size_mean: 1,
    padding_waste: 0,
    superkernel_sizes: [{size: 1, count: 640_000}],
  }),
  ...[0.5, 1, 1.5].map((load) => ({
    policy: 'time-slice',
    load,
    replications: [],
    aggregate: null,
    error: 'time-slice does not fit in memory: needs 48.2 of 17.2 GB',
  })),
];
