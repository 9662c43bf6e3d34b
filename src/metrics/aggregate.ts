import {InputError} from '../scheduler/errors.ts';
import {metricNames, tenantMetricNames} from './result.ts';
import type {Aggregate, Estimates, RequestMetrics, RunSummary, TenantAggregate} from './result.ts';
import {growsInAll} from './saturation.ts';
import {estimate, mean} from './stats.ts';
import type {Estimate} from './stats.ts';

/** The replications of one cell together: every metric's mean with its 95 % interval over them. */
export function aggregate(summaries: readonly RunSummary[]): Aggregate {
  if (summaries.length === 0) throw new InputError('missing summaries: cannot aggregate no replications');
  const saturated = isSaturated(summaries);
  return {
    replications: summaries.length,
    gpus: Math.max(...summaries.map((summary) => summary.gpus)),
    saturated,
    ...countsOf(summaries),
    metrics: estimatesOf(summaries, metricNames, saturated),
    tenants: summaries[0].tenants.map((first, i): TenantAggregate => {
      const runs = summaries.map((summary) => summary.tenants[i]);
      const saturated = isSaturated(runs);
      return {
        tenant: first.tenant,
        model: first.model,
        slo_ns: first.slo_ns,
        slo_quantile: first.slo_quantile,
        saturated,
        ...countsOf(runs),
        metrics: estimatesOf(runs, tenantMetricNames, saturated),
      };
    }),
    superkernel_sizes: sumSizes(summaries),
    latency_cdf: saturated ? [] : meanCdf(summaries),
  };
}

/** Metrics that a saturated system has none of: they depend on how long the run was. */
const unboundedMetrics = new Set<string>([
  'queueing_mean_ns',
  'backlog_mean',
  'antt',
  'stp',
  'fairness',
  'slowdown',
]);

function estimatesOf<Name extends string>(
  runs: readonly Record<Name, number | null>[],
  names: readonly Name[],
  saturated: boolean,
): Estimates<Name> {
  const of = (name: Name): Estimate | null => {
    const values = runs.map((run) => run[name]).filter((value) => value !== null);
    // A mean over those replications only that have a value would be of the luckier ones.
    const known = values.length === runs.length && !(saturated && isUnbounded(name));
    return known ? estimate(values) : null;
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the names
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Estimates<Name>;
}

function isUnbounded(name: string): boolean {
  return name.startsWith('latency_') || unboundedMetrics.has(name);
}

/** Saturated where a replication is, or where the backlog grows in all of them together. */
function isSaturated(runs: readonly RequestMetrics[]): boolean {
  if (runs.some((run) => run.saturated)) return true;
  const growth = runs.map((run) => {
    const seconds = run.arrived / run.arrival_rate_per_s;
    return run.backlog_slope_per_s === null ? NaN : run.backlog_slope_per_s.mean * seconds;
  });
  return growth.length >= 3 && growsInAll(growth);
}

interface Counts {
  arrived: number;
  completed: number;
  dropped: number;
}

function countsOf(runs: readonly Counts[]): Counts {
  const sum = (name: keyof Counts): number => runs.reduce((total, run) => total + run[name], 0);
  return {arrived: sum('arrived'), completed: sum('completed'), dropped: sum('dropped')};
}

function sumSizes(summaries: readonly RunSummary[]): {size: number; count: number}[] {
  const counts = new Map<number, number>();
  for (const {superkernel_sizes} of summaries) {
    for (const {size, count} of superkernel_sizes) counts.set(size, (counts.get(size) ?? 0) + count);
  }
  return [...counts].sort(([a], [b]) => a - b).map(([size, count]) => ({size, count}));
}

function meanCdf(summaries: readonly RunSummary[]): {p: number; ns: number}[] {
  const least = summaries.reduce((a, b) => (b.latency_cdf.length < a.latency_cdf.length ? b : a));
  return least.latency_cdf.map(({p}, i) => ({
    p,
    ns: Math.round(mean(summaries.map((summary) => summary.latency_cdf[i].ns))),
  }));
}
