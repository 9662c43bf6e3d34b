import {InputError} from '../scheduler/errors.ts';
import {metricNames} from './result.ts';
import type {MetricName, RunSummary} from './result.ts';
import {pairedDifference} from './stats.ts';
import type {PairedDifference} from './stats.ts';

/** A metric of two systems that met the same arrivals, replication by replication. */
export interface Comparison {
  metric: MetricName;
  /** Replications; values are pairs of one seed. */
  n: number;
  base: number;
  candidate: number;
  /** Candidate less base, with its 95 % half width and the p value of no difference. */
  difference: PairedDifference;
  /** Candidate over base, less 1; null where the base is 0. */
  change: number | null;
  /** Whether the difference is one at the 5 % level. */
  significant: boolean;
  /** Whether the candidate is better; null where the metric has no better, or the difference is not significant. */
  better: boolean | null;
}

/** Which way is better. Metrics that describe rather than judge are left out. */
const goals: Partial<Record<MetricName, 'more' | 'less'>> = {
  throughput_per_s: 'more',
  goodput_per_s: 'more',
  slo_attainment: 'more',
  latency_mean_ns: 'less',
  latency_p50_ns: 'less',
  latency_p90_ns: 'less',
  latency_p95_ns: 'less',
  latency_p99_ns: 'less',
  latency_p999_ns: 'less',
  queueing_mean_ns: 'less',
  antt: 'less',
  stp: 'more',
  fairness: 'more',
  gpu_utilisation: 'more',
  padding_waste: 'less',
  cost_per_million_requests: 'less',
};

/**
 * Compares two sets of replications with common random numbers: the paired difference of every metric that all of them
 * have. Throws an InputError where the seeds differ, as unpaired runs would be compared as if they were pairs.
 */
export function compare(base: readonly RunSummary[], candidate: readonly RunSummary[]): Comparison[] {
  const bySeed = new Map(candidate.map((run) => [run.seed, run]));
  const pairs = base.map((run) => {
    const other = bySeed.get(run.seed);
    if (other === undefined || base.length !== candidate.length)
      throw new InputError(
        `invalid comparison: the seeds of ${run.policy} (${seedsOf(base)}) and its candidate (${seedsOf(candidate)}) differ`,
      );
    return [run, other] as const;
  });
  return metricNames.flatMap((metric) => {
    // Results of an earlier version may lack a metric.
    const values = pairs.map(([a, b]) => [a[metric] ?? null, b[metric] ?? null] as const);
    const known = values.filter(
      (pair): pair is readonly [number, number] => pair[0] !== null && pair[1] !== null,
    );
    return known.length === 0 || known.length < pairs.length ? [] : [compareValues(metric, known)];
  });
}

function compareValues(metric: MetricName, pairs: readonly (readonly [number, number])[]): Comparison {
  const a = pairs.map(([base]) => base);
  const b = pairs.map(([, candidate]) => candidate);
  const n = pairs.length;
  const base = a.reduce((sum, value) => sum + value, 0) / n;
  const candidate = b.reduce((sum, value) => sum + value, 0) / n;
  const difference = pairedDifference(a, b);
  const significant = difference.p_value !== null && difference.p_value < 0.05;
  const goal = goals[metric];
  return {
    metric,
    n,
    base,
    candidate,
    difference,
    change: base === 0 ? null : candidate / base - 1,
    significant,
    better: significant && goal !== undefined ? difference.mean > 0 === (goal === 'more') : null,
  };
}

function seedsOf(runs: readonly RunSummary[]): string {
  return runs.map((run) => run.seed).join(', ') || 'none';
}
