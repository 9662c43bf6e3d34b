import type {Nanoseconds} from '../scheduler/clock.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import {methods} from '../scheduler/kernel.ts';
import type {RunEnd} from '../scheduler/scheduler.ts';
import type {Durations} from './latencies.ts';
import {supportsQuantile} from './quantile.ts';
import type {RequestMetrics, RunSummary, SystemMetrics, TenantSummary} from './result.ts';
import {TenantCounts} from './runRecorder.ts';
import type {RunRecorder} from './runRecorder.ts';
import {testSaturation} from './saturation.ts';
import type {Saturation} from './saturation.ts';
import {jainIndex, mean} from './stats.ts';

/** What the recorder cannot know of a run. */
export interface RunFacts {
  readonly policy: string;
  readonly load?: number | null;
  readonly seed: number | string;
  readonly ended: RunEnd;
  /** When the run ended, on its own clock. */
  readonly endedAtNs: Nanoseconds;
  /** By tenant: the latency of one request alone on the device. */
  readonly soloNs?: ArrayLike<Nanoseconds>;
  /** Of one device, in FLOP/s, for the data type that the kernels use. */
  readonly peakFlops?: number;
  /** Mean share of the resident-block capacity in use, 0 to 1, where the device can tell. */
  readonly smOccupancy?: number;
  /** Of one device, in the currency that the report names. */
  readonly pricePerHour?: number;
  /** Devices that served the run; 1 by default. */
  readonly gpus?: number;
}

/** Points of the latency distribution that a summary keeps. */
// prettier-ignore
const cdfPoints = [
  0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999,
];

/** Turns what a run recorded into its summary. Throws a SuperkernelError for a run that was stopped in its warm-up. */
export function summarise(recorder: RunRecorder, run: RunFacts): RunSummary {
  const {tenants, window, latencies, backlog} = recorder;
  // Nothing more could happen in a run that is done, so its window is whole.
  const endNs = run.ended === 'done' ? window.endNs : Math.min(window.endNs, run.endedAtNs);
  const seenUntil = run.ended === 'done' ? Infinity : run.endedAtNs;
  const seconds = (endNs - window.startNs) / 1e9;
  if (!(seconds > 0)) {
    throw new SuperkernelError(
      `nothing measured: the run ended at ${run.endedAtNs} ns, and its warm-up lasts until ${window.startNs} ns`,
    );
  }
  backlog.advance(Math.max(endNs, run.endedAtNs));

  const {byTenant, all} = latencies.durations();
  const ofTenants = tenants.map((tenant, i): TenantSummary => {
    const growth = testSaturation(backlog.of(i), backlog.stretchNs, tenants.length);
    const counts = recorder.counts[i];
    const overdue = counts.outstanding.countBetween(0, seenUntil - tenant.sloNs);
    const requests = requestMetrics(counts, overdue, seconds, growth, byTenant[i]);
    const soloNs = run.soloNs?.[i] ?? null;
    return {
      tenant: tenant.name,
      model: tenant.model,
      slo_ns: tenant.sloNs,
      slo_quantile: tenant.sloQuantile,
      slo_met: requests.slo_attainment === null ? null : requests.slo_attainment >= tenant.sloQuantile,
      solo_ns: soloNs,
      slowdown:
        soloNs === null || requests.latency_mean_ns === null ? null : requests.latency_mean_ns / soloNs,
      ...requests,
    };
  });

  const growth = testSaturation(backlog.ofAll(), backlog.stretchNs);
  // A tenant that starves makes the whole depend on the length of the run.
  const saturated = growth.saturated || ofTenants.some((tenant) => tenant.saturated);
  const overdue = recorder.counts.reduce(
    (sum, counts, i) => sum + counts.outstanding.countBetween(0, seenUntil - tenants[i].sloNs),
    0,
  );
  const total = requestMetrics(totalOf(recorder.counts), overdue, seconds, {...growth, saturated}, all);
  return {
    policy: run.policy,
    load: run.load ?? null,
    seed: run.seed,
    gpus: run.gpus ?? 1,
    ended: run.ended,
    window_start_ns: window.startNs,
    window_end_ns: endNs,
    latencies_exact: latencies.exact,
    ...total,
    ...systemMetrics(recorder, run, seconds, total, ofTenants),
    backlog_mean: saturated || backlog.ofAll().length === 0 ? null : mean(backlog.ofAll()),
    stretches: Array.from(recorder.arrivedIn, (arrived, i) => ({arrived, met: recorder.metIn[i]})),
    superkernel_sizes: sizesOf(recorder.superkernels),
    launches_by_method: Object.fromEntries(
      methods
        .map((method, i) => [method, recorder.launchesByMethod[i]] as const)
        .filter(([, count]) => count > 0),
    ),
    latency_cdf: saturated
      ? []
      : cdfPoints
          .filter((p) => supportsQuantile(all.count, p))
          .map((p) => ({p, ns: Math.round(all.quantile(p))})),
    tenants: ofTenants,
  };
}

function requestMetrics(
  counts: TenantCounts,
  overdue: number,
  seconds: number,
  {saturated, slope}: Saturation,
  latencies: Durations,
): RequestMetrics {
  const {arrived, completed, dropped} = counts;
  const unfinished = arrived - completed - dropped;
  const resolved = completed + dropped + overdue;
  const known = completed > 0 && !saturated;
  // Unfinished requests may be the longest: no quantile where more of them are left than lie beyond it.
  const quantile = (p: number): number | null =>
    known && supportsQuantile(completed, p) && unfinished <= (1 - p) * arrived
      ? Math.round(latencies.quantile(p))
      : null;
  return {
    arrived,
    completed,
    dropped,
    unfinished,
    arrival_rate_per_s: arrived / seconds,
    throughput_per_s: counts.completions / seconds,
    goodput_per_s: counts.goodCompletions / seconds,
    slo_attainment: resolved === 0 ? null : counts.met / resolved,
    saturated,
    backlog_slope_per_s: slope,
    latency_mean_ns: known ? counts.latencySum / completed : null,
    latency_p50_ns: quantile(0.5),
    latency_p90_ns: quantile(0.9),
    latency_p95_ns: quantile(0.95),
    latency_p99_ns: quantile(0.99),
    latency_p999_ns: quantile(0.999),
    latency_max_ns: known ? counts.latencyMax : null,
    queueing_mean_ns: known ? counts.queueingSum / completed : null,
  };
}

function systemMetrics(
  recorder: RunRecorder,
  run: RunFacts,
  seconds: number,
  total: RequestMetrics,
  tenants: TenantSummary[],
): Omit<SystemMetrics, 'backlog_mean'> {
  const {gpus = 1, peakFlops, pricePerHour} = run;
  const {kernelTime} = recorder;
  const {useful, executed} = recorder.flops();
  const sizes = sizesOf(recorder.superkernels);
  const kernels = sizes.reduce((sum, {size, count}) => sum + size * count, 0);
  const superkernels = sizes.reduce((sum, {count}) => sum + count, 0);
  // Tenants without requests have no progress to speak of.
  const active = tenants.filter((tenant) => tenant.arrived > 0);
  const slowdowns = active.map((tenant) => tenant.slowdown).filter((slowdown) => slowdown !== null);
  const comparable = !total.saturated && slowdowns.length > 0 && slowdowns.length === active.length;
  const progress = slowdowns.map((slowdown) => 1 / slowdown);
  const {throughput_per_s} = total;
  return {
    antt: comparable ? mean(slowdowns) : null,
    stp: comparable ? progress.reduce((a, b) => a + b, 0) : null,
    fairness: comparable ? jainIndex(progress) : null,
    gpu_utilisation: peakFlops === undefined ? null : useful / seconds / (peakFlops * gpus),
    useful_flops_per_s: useful / seconds,
    sm_occupancy: run.smOccupancy ?? null,
    lane_utilisation: mean(recorder.laneBusyNs) / 1e9 / seconds,
    kernels,
    launches: recorder.launches,
    failed_launches: recorder.failedLaunches,
    superkernel_size_mean: superkernels === 0 ? null : kernels / superkernels,
    padding_waste: executed === 0 ? null : 1 - useful / executed,
    extrapolated:
      kernelTime === null || kernelTime.totalNs === 0 ? null : kernelTime.extrapolatedNs / kernelTime.totalNs,
    cost_per_million_requests:
      pricePerHour === undefined || throughput_per_s === 0
        ? null
        : ((pricePerHour * gpus) / 3600 / throughput_per_s) * 1e6,
  };
}

function totalOf(counts: TenantCounts[]): TenantCounts {
  const total = new TenantCounts();
  for (const each of counts) {
    total.arrived += each.arrived;
    total.completed += each.completed;
    total.dropped += each.dropped;
    total.met += each.met;
    total.latencySum += each.latencySum;
    total.latencyMax = Math.max(total.latencyMax, each.latencyMax);
    total.queueingSum += each.queueingSum;
    total.completions += each.completions;
    total.goodCompletions += each.goodCompletions;
  }
  return total;
}

function sizesOf(superkernels: Float64Array): {size: number; count: number}[] {
  return Array.from(superkernels, (count, size) => ({size, count})).filter(({count}) => count > 0);
}
