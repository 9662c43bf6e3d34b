// The charts of results at one load: one bar a policy.
import type {CellResult, MetricName} from '../../metrics/result.ts';
import {barChart} from '../charts/barChart.ts';
import type {Bar} from '../charts/barChart.ts';
import {formatEstimate, formatPercent} from '../format.ts';
import {ranCells} from './findings.ts';
import type {RanCell} from './findings.ts';
import type {Card} from './card.ts';
import type {ShownPolicy} from './policies.ts';

/** SLO attainment, goodput, tail latency and use of the device as bars. */
export function barCards(results: readonly CellResult[], policies: readonly ShownPolicy[]): Card[] {
  const cells = ranCells(results);
  const barsOf = (metric: MetricName, scale: number, text: (cell: RanCell) => string): Bar[] =>
    policies.map(({policy, name, look}) => {
      const cell = cells.find((each) => each.policy === policy);
      const estimate = cell?.aggregate.metrics[metric] ?? null;
      if (cell === undefined || estimate === null)
        return {name, look, value: null, text: cell?.aggregate.saturated === true ? 'backlog grows' : '–'};
      const {mean, half_width} = estimate;
      const value = {mean: mean * scale, half_width: half_width === null ? null : half_width * scale};
      return {name, look, value, text: text(cell)};
    });
  return [
    {
      title: 'Requests within their SLO',
      text: 'Share of requests answered in time.',
      chart: barChart({
        title: 'SLO attainment by policy',
        bars: barsOf(
          'slo_attainment',
          100,
          (cell) => `${formatPercent(cell.aggregate.metrics.slo_attainment)} %`,
        ),
        most: 100,
      }),
    },
    {
      title: 'Goodput',
      text: 'Requests answered in time each second.',
      chart: barChart({
        title: 'Goodput by policy',
        bars: barsOf(
          'goodput_per_s',
          1,
          (cell) => `${formatEstimate(cell.aggregate.metrics.goodput_per_s)} /s`,
        ),
      }),
    },
    {
      title: '99th percentile latency',
      text: 'Of completed requests, from their intended arrival.',
      chart: barChart({
        title: 'p99 latency by policy',
        bars: barsOf(
          'latency_p99_ns',
          1e-6,
          (cell) => `${formatEstimate(cell.aggregate.metrics.latency_p99_ns, 1e-6)} ms`,
        ),
      }),
    },
    {
      title: 'Use of the GPU',
      text: 'Useful FLOP/s, padding left out, as a share of the device’s peak.',
      chart: barChart({
        title: 'GPU utilisation by policy',
        bars: barsOf(
          'gpu_utilisation',
          100,
          (cell) => `${formatEstimate(cell.aggregate.metrics.gpu_utilisation, 100)} %`,
        ),
      }),
    },
  ];
}
