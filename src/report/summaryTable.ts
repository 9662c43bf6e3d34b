import type {Aggregate, CellResult, TenantAggregate} from '../metrics/result.ts';
import type {Estimate} from '../metrics/stats.ts';
import {formatEstimate, formatNumber, formatPercent, formatShort, none, unitFor} from './format.ts';
import type {Column, Row, Table} from './table.ts';

/** What only the experiment knows: how its figures are named for people. */
export interface Naming {
  /** The name and unit of the load axis, e.g. `{name: 'load', unit: '× capacity'}`. */
  readonly load?: {readonly name: string; readonly unit?: string};
  /** The currency of prices; `$` by default. */
  readonly currency?: string;
}

/** A column of figures, and how a row's is written. */
interface Figure<Item> {
  readonly column: Column;
  readonly text: (item: Item) => string;
}

/** One row for each policy and load: what it served, how well, and what it made of the device. */
export function summaryTable(results: readonly CellResult[], naming: Naming = {}): Table {
  const aggregates = results.map((result) => result.aggregate).filter((aggregate) => aggregate !== null);
  const withLoad = results.some((result) => result.load !== null);
  const figures = summaryFigures(aggregates, naming.currency ?? '$');
  return {
    columns: [
      {name: 'policy', align: 'left'},
      ...(withLoad ? [{...(naming.load ?? {name: 'load'}), align: 'right'} as const] : []),
      ...figures.map((figure) => figure.column),
    ],
    rows: summaryRows(results).map(({policy, load, aggregate, error}): Row => {
      const lead = withLoad ? [policy, load === null ? none : formatShort(load)] : [policy];
      return aggregate === null
        ? {cells: lead, message: problemOf(policy, error)}
        : {cells: [...lead, ...figures.map((figure) => figure.text(aggregate))]};
    }),
    notes: [
      ...legend(
        aggregates,
        aggregates.some((aggregate) => aggregate.saturated),
      ),
      ...(aggregates.length === 0
        ? []
        : ['GPU use: useful FLOP/s, of the peak. Superkernel: kernels that run as one, on average.']),
      ...extrapolationNote(aggregates),
    ],
  };
}

/** Below this share of the kernel time the user need not know. */
const tellingShare = 0.01;

/** How much of what was predicted rests on no measurement near it. */
function extrapolationNote(aggregates: readonly Aggregate[]): string[] {
  const percents = aggregates
    .map(({metrics}) => metrics.extrapolated?.mean ?? 0)
    .filter((share) => share >= tellingShare)
    .map((share) => Math.round(100 * share));
  if (percents.length === 0) return [];
  const [least, most] = [Math.min(...percents), Math.max(...percents)];
  const [lead, range] =
    percents.length < aggregates.length
      ? ['Up to ', `${most}`]
      : ['', least === most ? `${most}` : `${least} to ${most}`];
  return [
    `${lead}${range} % of kernel time extrapolated: predicted for shapes or sizes outside the profile’s measurements.`,
  ];
}

/** Why a policy did not run, without its name in front. */
export function problemOf(policy: string, error: string | undefined): string {
  if (error === undefined) return 'did not run';
  return error.startsWith(`${policy} `) ? error.slice(policy.length + 1) : error;
}

/** The results that get a row: a policy that could not run at any load, always for the same reason, gets one. */
export function summaryRows(results: readonly CellResult[]): CellResult[] {
  return results.flatMap((result) => {
    const {policy, error} = result;
    const all = results.filter((other) => other.policy === policy);
    const hopeless = all.every((other) => other.aggregate === null && other.error === error);
    if (!hopeless || all.length === 1) return [result];
    return all[0] === result ? [{...result, load: null}] : [];
  });
}

/** One row for each tenant of one cell. */
export function tenantTable({aggregate}: CellResult): Table {
  const tenants = aggregate?.tenants ?? [];
  const figures = tenantFigures(tenants);
  return {
    columns: [
      {name: 'tenant', align: 'left'},
      {name: 'model', align: 'left'},
      ...figures.map((figure) => figure.column),
    ],
    rows: tenants.map((tenant) => ({
      cells: [tenant.tenant, tenant.model, ...figures.map((figure) => figure.text(tenant))],
    })),
    notes:
      aggregate === null
        ? []
        : legend(
            [aggregate],
            tenants.some((tenant) => tenant.saturated),
          ),
  };
}

function summaryFigures(aggregates: readonly Aggregate[], currency: string): Figure<Aggregate>[] {
  const time = timeUnit(aggregates);
  const figures = [
    estimates('throughput', (a: Aggregate) => a.metrics.throughput_per_s, '/s'),
    estimates('goodput', (a: Aggregate) => a.metrics.goodput_per_s, '/s'),
    attainment<Aggregate>(),
    estimates('p50', (a: Aggregate) => a.metrics.latency_p50_ns, time.unit, 1 / time.ns),
    estimates('p99', (a: Aggregate) => a.metrics.latency_p99_ns, time.unit, 1 / time.ns),
    estimates('GPU use', (a: Aggregate) => a.metrics.gpu_utilisation, '%', 100),
    estimates('superkernel', (a: Aggregate) => a.metrics.superkernel_size_mean),
  ];
  if (aggregates.some(({metrics}) => (metrics.padding_waste?.mean ?? 0) > 0))
    figures.push(estimates('padding', (a) => a.metrics.padding_waste, '%', 100));
  if (aggregates.some(({gpus}) => gpus !== 1))
    figures.unshift({column: {name: 'GPUs', align: 'right'}, text: ({gpus}) => formatShort(gpus)});
  if (aggregates.some(({metrics}) => metrics.cost_per_million_requests !== null))
    figures.push(estimates('cost', (a) => a.metrics.cost_per_million_requests, `${currency}/1M`));
  return figures;
}

function tenantFigures(tenants: readonly TenantAggregate[]): Figure<TenantAggregate>[] {
  const time = timeUnit(tenants);
  const figures: Figure<TenantAggregate>[] = [
    {column: {name: 'requests', align: 'right'}, text: ({arrived}) => formatNumber(arrived, 0)},
    {column: {name: 'dropped', align: 'right'}, text: ({dropped}) => formatNumber(dropped, 0)},
    estimates('throughput', ({metrics}) => metrics.throughput_per_s, '/s'),
    estimates('p50', ({metrics}) => metrics.latency_p50_ns, time.unit, 1 / time.ns),
    estimates('p99', ({metrics}) => metrics.latency_p99_ns, time.unit, 1 / time.ns),
    {
      column: {name: 'SLO', unit: time.unit, align: 'right'},
      text: ({slo_ns, slo_quantile}) =>
        `${formatShort(slo_ns / time.ns)} at ${formatShort(100 * slo_quantile)} %`,
    },
    attainment<TenantAggregate>(),
  ];
  if (tenants.some(({metrics}) => metrics.slowdown !== null))
    figures.push(estimates('slowdown', ({metrics}) => metrics.slowdown));
  return figures;
}

function estimates<Item>(
  name: string,
  of: (item: Item) => Estimate | null,
  unit?: string,
  scale = 1,
): Figure<Item> {
  return {
    column: {name, ...(unit === undefined ? {} : {unit}), align: 'right'},
    text: (item) => formatEstimate(of(item), scale),
  };
}

/** The share of requests within the SLO, with an asterisk where the run's length decides it. */
function attainment<
  Item extends {saturated: boolean; metrics: {slo_attainment: Estimate | null}},
>(): Figure<Item> {
  return {
    column: {name: 'in SLO', unit: '%', align: 'right'},
    text: ({saturated, metrics}) => formatPercent(metrics.slo_attainment) + (saturated ? '*' : ''),
  };
}

/** One unit of time for a whole table, so that rows compare at a glance: the one that suits the middle p99, or p50. */
function timeUnit(
  rows: readonly {metrics: Pick<Aggregate['metrics'], 'latency_p50_ns' | 'latency_p99_ns'>}[],
): {
  unit: string;
  ns: number;
} {
  const known = (name: 'latency_p50_ns' | 'latency_p99_ns'): number[] =>
    rows
      .map(({metrics}) => metrics[name]?.mean)
      .filter((value) => value !== undefined)
      .sort((a, b) => a - b);
  const tails = known('latency_p99_ns');
  const values = tails.length > 0 ? tails : known('latency_p50_ns');
  const [unit, ns] = unitFor(values.length === 0 ? 1e6 : values[values.length >> 1]);
  return {unit, ns};
}

function legend(aggregates: readonly Aggregate[], saturated: boolean): string[] {
  if (aggregates.length === 0) return [];
  const counts = aggregates.map(({replications}) => replications);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const over = least === most ? `${most}` : `${least} to ${most}`;
  return [
    most > 1
      ? `± is the 95 % confidence interval over ${over} replications.`
      : 'One replication: no intervals.',
    `${none} stands where the requests are too few for the quantile, or the backlog keeps growing.`,
    ...(saturated
      ? ['* Requests arrive faster than they are served: the share depends on how long the run is.']
      : []),
  ];
}
