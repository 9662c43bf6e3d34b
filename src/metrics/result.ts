// What a run, and a cell of a sweep, came to. JSON-ready: keys carry their units, and what is unknown is null.
import type {RunEnd} from '../scheduler/scheduler.ts';
import type {Estimate, Stretch} from './stats.ts';

/** Of one tenant's requests, or of all. Requests count by their arrival inside the window. */
export interface RequestMetrics {
  arrived: number;
  completed: number;
  dropped: number;
  /** Neither completed nor dropped when the run ended. */
  unfinished: number;
  arrival_rate_per_s: number;
  /** Completions inside the window, whenever the request arrived. */
  throughput_per_s: number;
  /** Completions inside the window that were within the SLO. */
  goodput_per_s: number;
  /** Share within the SLO of the requests whose fate is known: dropped, and unfinished past the deadline, are missed. */
  slo_attainment: number | null;
  /** The backlog grows for as long as the run goes on: latencies, and all that is made of them, are null. */
  saturated: boolean;
  /** Growth of the backlog with the half width of its 99.9 % interval. */
  backlog_slope_per_s: Estimate | null;
  /** Completion less intended arrival, of completed requests. */
  latency_mean_ns: number | null;
  /** Quantiles by the R-7 rule; null with fewer than 10 / (1 - p) requests. */
  latency_p50_ns: number | null;
  latency_p90_ns: number | null;
  latency_p95_ns: number | null;
  latency_p99_ns: number | null;
  latency_p999_ns: number | null;
  latency_max_ns: number | null;
  /** From the arrival to the launch of the first kernel. */
  queueing_mean_ns: number | null;
}

export interface TenantSummary extends RequestMetrics {
  tenant: string;
  model: string;
  slo_ns: number;
  slo_quantile: number;
  /** Whether at least the SLO's quantile of the requests was within it. */
  slo_met: boolean | null;
  /** Latency alone on the device; null where the run was not told. */
  solo_ns: number | null;
  /** Mean latency over the latency alone on the device. */
  slowdown: number | null;
}

/** Of the device and of the tenants together. */
export interface SystemMetrics {
  /** Mean requests in the system, over time. */
  backlog_mean: number | null;
  /** Average normalised turnaround time: the tenants' mean slowdown (Eyerman and Eeckhout 2008). 1 is best. */
  antt: number | null;
  /** System throughput: the sum of the tenants' progress relative to running alone (same source). */
  stp: number | null;
  /** Jain's index of the tenants' progress relative to running alone: 1/tenants to 1. */
  fairness: number | null;
  /** Useful FLOP/s over the device's peak, 0 to 1. */
  gpu_utilisation: number | null;
  /** Useful FLOPs a second, padding left out. */
  useful_flops_per_s: number;
  /** Mean share of the device's resident-block capacity in use, 0 to 1. */
  sm_occupancy: number | null;
  /** Mean share of the time that a lane has a launch running, 0 to 1. */
  lane_utilisation: number;
  kernels: number;
  launches: number;
  failed_launches: number;
  /** Kernels that run as one, on average; members that are launched one by one count alone. */
  superkernel_size_mean: number | null;
  /** Share of the executed FLOPs that padding added, 0 to 1. */
  padding_waste: number | null;
  /**
   * Share of the kernels' predicted time that is extrapolated, 0 to 1: their shapes or sizes lie outside what the
   * profile was fitted on or measured. Null where the run was not told.
   */
  extrapolated: number | null;
  /** Price of the devices' time over the requests completed in it; null without a price. */
  cost_per_million_requests: number | null;
}

/** One run. */
export interface RunSummary extends RequestMetrics, SystemMetrics {
  policy: string;
  /** The offered load in the sweep's own unit; null where the scenario has one load only. */
  load: number | null;
  seed: number | string;
  /** Devices that served the run. */
  gpus: number;
  ended: RunEnd;
  window_start_ns: number;
  window_end_ns: number;
  /** False where there were so many requests that quantiles come from a histogram, within 0.4 %. */
  latencies_exact: boolean;
  tenants: TenantSummary[];
  /** Of each of twenty equal stretches of the window: requests that arrived in it, and those of them completed within the SLO. */
  stretches: Stretch[];
  /** How many superkernels had how many members. */
  superkernel_sizes: {size: number; count: number}[];
  /** Launches by method, those that occurred. */
  launches_by_method: Record<string, number>;
  /** Points of the latency distribution, as far as the sample supports them; empty where saturated. */
  latency_cdf: {p: number; ns: number}[];
}

/** The metrics of a run that are averaged over replications, in the order they are reported. */
export const metricNames = [
  'arrival_rate_per_s',
  'throughput_per_s',
  'goodput_per_s',
  'slo_attainment',
  'latency_mean_ns',
  'latency_p50_ns',
  'latency_p90_ns',
  'latency_p95_ns',
  'latency_p99_ns',
  'latency_p999_ns',
  'queueing_mean_ns',
  'backlog_mean',
  'antt',
  'stp',
  'fairness',
  'gpu_utilisation',
  'sm_occupancy',
  'lane_utilisation',
  'superkernel_size_mean',
  'padding_waste',
  'extrapolated',
  'cost_per_million_requests',
] as const satisfies readonly (keyof RunSummary)[];
export type MetricName = (typeof metricNames)[number];

/** The metrics of a tenant that are averaged over replications. */
export const tenantMetricNames = [
  'arrival_rate_per_s',
  'throughput_per_s',
  'goodput_per_s',
  'slo_attainment',
  'latency_mean_ns',
  'latency_p50_ns',
  'latency_p90_ns',
  'latency_p95_ns',
  'latency_p99_ns',
  'latency_p999_ns',
  'queueing_mean_ns',
  'slowdown',
] as const satisfies readonly (keyof TenantSummary)[];
export type TenantMetricName = (typeof tenantMetricNames)[number];

/** A metric's mean over replications with the half width of its 95 % interval; null where a replication has none. */
export type Estimates<Name extends string> = Record<Name, Estimate | null>;

export interface TenantAggregate {
  tenant: string;
  model: string;
  slo_ns: number;
  slo_quantile: number;
  saturated: boolean;
  /** Requests that arrived, completed and were dropped, in all replications. */
  arrived: number;
  completed: number;
  dropped: number;
  metrics: Estimates<TenantMetricName>;
}

/** The replications of one cell together. */
export interface Aggregate {
  replications: number;
  /** Devices that served each run. */
  gpus: number;
  saturated: boolean;
  arrived: number;
  completed: number;
  dropped: number;
  metrics: Estimates<MetricName>;
  tenants: TenantAggregate[];
  /** Summed over the replications. */
  superkernel_sizes: {size: number; count: number}[];
  /** Mean over the replications of each point that all of them support. */
  latency_cdf: {p: number; ns: number}[];
}

/** One cell of a sweep: a policy at a load. A cell that could not run has an error, and nothing else. */
export interface CellResult {
  policy: string;
  load: number | null;
  replications: RunSummary[];
  aggregate: Aggregate | null;
  /** Why the cell could not run, e.g. that the tenants do not fit in the device's memory. */
  error?: string;
}
