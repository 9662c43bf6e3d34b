import type {MetricName} from '../metrics/result.ts';

/** How a metric is called where people read it, its unit, and the factor from the stored value to that unit. */
export interface MetricLabel {
  readonly name: string;
  readonly unit: string;
  readonly scale: number;
}

const perSecond = {unit: '/s', scale: 1};
const milliseconds = {unit: 'ms', scale: 1e-6};
const percent = {unit: '%', scale: 100};
const plain = {unit: '', scale: 1};

export const metricLabels: Record<MetricName, MetricLabel> = {
  arrival_rate_per_s: {name: 'arrivals', ...perSecond},
  throughput_per_s: {name: 'throughput', ...perSecond},
  goodput_per_s: {name: 'goodput', ...perSecond},
  slo_attainment: {name: 'in SLO', ...percent},
  latency_mean_ns: {name: 'mean latency', ...milliseconds},
  latency_p50_ns: {name: 'p50', ...milliseconds},
  latency_p90_ns: {name: 'p90', ...milliseconds},
  latency_p95_ns: {name: 'p95', ...milliseconds},
  latency_p99_ns: {name: 'p99', ...milliseconds},
  latency_p999_ns: {name: 'p99.9', ...milliseconds},
  queueing_mean_ns: {name: 'queueing', ...milliseconds},
  backlog_mean: {name: 'requests in system', ...plain},
  antt: {name: 'ANTT', ...plain},
  stp: {name: 'STP', ...plain},
  fairness: {name: 'fairness', ...plain},
  gpu_utilisation: {name: 'GPU use', ...percent},
  sm_occupancy: {name: 'SM occupancy', ...percent},
  lane_utilisation: {name: 'lanes busy', ...percent},
  superkernel_size_mean: {name: 'superkernel size', ...plain},
  padding_waste: {name: 'padding', ...percent},
  extrapolated: {name: 'extrapolated', ...percent},
  cost_per_million_requests: {name: 'cost of 1M requests', ...plain},
};
