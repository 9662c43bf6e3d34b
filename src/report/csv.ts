import {metricNames, tenantMetricNames} from '../metrics/result.ts';
import type {CellResult} from '../metrics/result.ts';
import type {Estimate} from '../metrics/stats.ts';

type Field = string | number | boolean | null | undefined;

/** Records as comma-separated values (RFC 4180, `\n`), the heads first; what is unknown is empty. */
export function formatCsv(heads: readonly string[], rows: readonly (readonly Field[])[]): string {
  return [heads, ...rows].map((row) => row.map(formatField).join(',') + '\n').join('');
}

/** One record for each policy and load: every metric in full precision, with the half width of its interval. */
export function summaryCsv(results: readonly CellResult[]): string {
  const heads = ['policy', 'load', 'replications', 'saturated', 'arrived', 'completed', 'dropped'];
  return formatCsv(
    [...heads, ...metricNames.flatMap(headsOf), 'error'],
    results.map(({policy, load, aggregate, error}) => [
      policy,
      load,
      aggregate?.replications ?? 0,
      aggregate?.saturated,
      aggregate?.arrived,
      aggregate?.completed,
      aggregate?.dropped,
      ...metricNames.flatMap((name) => fieldsOf(aggregate?.metrics[name])),
      error,
    ]),
  );
}

/** One record for each policy, load and tenant. */
export function tenantCsv(results: readonly CellResult[]): string {
  const heads = ['policy', 'load', 'tenant', 'model', 'slo_ns', 'slo_quantile', 'replications', 'saturated'];
  return formatCsv(
    [...heads, 'arrived', 'completed', 'dropped', ...tenantMetricNames.flatMap(headsOf)],
    results.flatMap(({policy, load, aggregate}) =>
      (aggregate?.tenants ?? []).map((tenant) => [
        policy,
        load,
        tenant.tenant,
        tenant.model,
        tenant.slo_ns,
        tenant.slo_quantile,
        aggregate?.replications,
        tenant.saturated,
        tenant.arrived,
        tenant.completed,
        tenant.dropped,
        ...tenantMetricNames.flatMap((name) => fieldsOf(tenant.metrics[name])),
      ]),
    ),
  );
}

function headsOf(metric: string): string[] {
  return [metric, `${metric}_half_width`];
}

function fieldsOf(estimate: Estimate | null | undefined): Field[] {
  return [estimate?.mean, estimate?.half_width];
}

function formatField(field: Field): string {
  if (field === null || field === undefined) return '';
  const text = String(field);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
