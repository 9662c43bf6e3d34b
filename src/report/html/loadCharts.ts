// The charts of a sweep over loads: one line a policy.
import type {CellResult, MetricName} from '../../metrics/result.ts';
import {lineChart} from '../charts/lineChart.ts';
import type {Line, LineChart} from '../charts/lineChart.ts';
import {formatDuration, formatEstimate, formatPercent, formatShort} from '../format.ts';
import type {Naming} from '../summaryTable.ts';
import {ranCells} from './findings.ts';
import type {RanCell} from './findings.ts';
import type {Card} from './card.ts';
import type {ShownPolicy} from './policies.ts';

/** SLO attainment, goodput, tail latency and use of the device against the load. */
export function loadCards(
  results: readonly CellResult[],
  policies: readonly ShownPolicy[],
  naming: Naming,
): Card[] {
  const cells = ranCells(results).filter((cell) => cell.load !== null);
  const loads = [...new Set(cells.map((cell) => cell.load!))].sort((a, b) => a - b);
  const {name, unit} = naming.load ?? {name: 'load'};
  const x = {
    name: unit === undefined ? name : `${name} (${unit})`,
    ...(loads.length <= 8 ? {ticks: loads} : {}),
  };
  const linesOf = (metric: MetricName, scale: number, text: (cell: RanCell) => string): Line[] =>
    policies.map((policy) => ({
      name: policy.name,
      look: policy.look,
      points: cells
        .filter((cell) => cell.policy === policy.policy)
        .sort((a, b) => a.load! - b.load!)
        .map((cell) => ({
          x: cell.load!,
          y: scaled(cell.aggregate.metrics[metric], scale),
          saturated: cell.aggregate.saturated,
          text: `${text(cell)} at ${name} ${cell.load}`,
        })),
    }));
  const chart = (options: Omit<LineChart, 'x'>): string => lineChart({...options, x});
  const quantiles = new Set(
    cells.flatMap((cell) => cell.aggregate.tenants.map((tenant) => tenant.slo_quantile)),
  );
  const goal = quantiles.size === 1 ? [...quantiles][0] : null;
  return [
    {
      title: 'Requests within their SLO',
      text: 'Share of requests answered in time. Hollow: the backlog grows.',
      chart: chart({
        title: 'SLO attainment against load',
        lines: linesOf(
          'slo_attainment',
          100,
          (cell) => `${formatPercent(cell.aggregate.metrics.slo_attainment)} %`,
        ),
        y: {name: 'in time', domain: [0, 100], format: percent},
        ...(goal === null ? {} : {reference: {y: 100 * goal, text: `SLO: ${formatShort(100 * goal)} %`}}),
      }),
    },
    {
      title: 'Goodput',
      text: 'Requests answered in time each second. Dashed: all that arrived.',
      chart: chart({
        title: 'Goodput against load',
        lines: linesOf(
          'goodput_per_s',
          1,
          (cell) => `${formatEstimate(cell.aggregate.metrics.goodput_per_s)} /s`,
        ),
        y: {name: 'requests/s in time', format: formatShort},
        ceiling: {points: offered(cells, loads), text: 'offered'},
      }),
    },
    {
      title: '99th percentile latency',
      text: 'Leaves through the top where the backlog grows without end.',
      chart: chart({
        title: 'p99 latency against load',
        lines: linesOf('latency_p99_ns', 1, (cell) => {
          const p99 = cell.aggregate.metrics.latency_p99_ns;
          return p99 === null ? '–' : formatDuration(p99.mean);
        }),
        y: {name: 'p99, logarithmic', log: true, format: durationTick},
      }),
    },
    {
      title: 'Use of the GPU',
      text: 'Useful FLOP/s, padding left out, as a share of the device’s peak.',
      chart: chart({
        title: 'GPU utilisation against load',
        lines: linesOf(
          'gpu_utilisation',
          100,
          (cell) => `${formatEstimate(cell.aggregate.metrics.gpu_utilisation, 100)} %`,
        ),
        y: {name: 'of peak FLOP/s', format: percent},
      }),
    },
  ];
}

function percent(value: number): string {
  return `${formatShort(value)} %`;
}

function scaled(estimate: RanCell['aggregate']['metrics'][MetricName], scale: number): typeof estimate {
  if (estimate === null) return null;
  const {mean, half_width} = estimate;
  return {mean: mean * scale, half_width: half_width === null ? null : half_width * scale};
}

function offered(cells: readonly RanCell[], loads: readonly number[]): {x: number; y: number}[] {
  return loads.flatMap((load) => {
    // Closed loops offer what the policy lets them: the most that any policy got.
    const rates = cells
      .filter((cell) => cell.load === load)
      .map((cell) => cell.aggregate.metrics.arrival_rate_per_s?.mean ?? 0);
    return rates.length === 0 ? [] : [{x: load, y: Math.max(...rates)}];
  });
}

/** A round duration, so without decimals: `20 ms`. */
export function durationTick(ns: number): string {
  if (ns >= 1e9) return `${formatShort(ns / 1e9)} s`;
  if (ns >= 1e6) return `${formatShort(ns / 1e6)} ms`;
  return ns >= 1e3 ? `${formatShort(ns / 1e3)} µs` : `${formatShort(ns)} ns`;
}
