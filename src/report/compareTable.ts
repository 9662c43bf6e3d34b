import type {Comparison} from '../metrics/compare.ts';
import type {MetricName} from '../metrics/result.ts';
import {geometricMean} from '../metrics/stats.ts';
import {formatNumber} from './format.ts';
import {metricLabels} from './metricLabels.ts';
import type {Row, Table} from './table.ts';

/** What is compared in one row of cells, e.g. a policy at a load against the same before a change. */
export interface ComparedCell {
  readonly label: string;
  readonly comparisons: readonly Comparison[];
}

/**
 * Base and candidate side by side as benchstat has it: the change with its p value, or `~` where it is not significant.
 * Several cells get a last row for each metric with the geometric mean of the ratios.
 */
export function compareTable(cells: readonly ComparedCell[], metrics: readonly MetricName[]): Table {
  const rows = metrics.flatMap((metric) => {
    const found = cells.flatMap(({label, comparisons}) => {
      const comparison = comparisons.find((each) => each.metric === metric);
      return comparison === undefined ? [] : [{label, comparison}];
    });
    const rows = found.map(({label, comparison}) => rowOf(label, comparison));
    const ratios = found.map(({comparison: {base, candidate}}) => candidate / base);
    const comparable = ratios.length > 1 && ratios.every((ratio) => ratio > 0 && ratio < Infinity);
    if (!comparable) return rows;
    const mean = formatChange(geometricMean(ratios) - 1);
    return [...rows, {cells: [metricLabels[metric].name, 'geometric mean', '', '', mean, '']}];
  });
  return {
    columns: [
      {name: 'metric', align: 'left'},
      {name: 'cell', align: 'left'},
      {name: 'base', align: 'right'},
      {name: 'candidate', align: 'right'},
      {name: 'change', align: 'right'},
      {name: 'test', align: 'left'},
    ],
    rows,
    notes:
      rows.length === 0 ? [] : ['Paired t test over replications with the same arrivals; ~ is p ≥ 0.05.'],
  };
}

function rowOf(
  label: string,
  {metric, n, base, candidate, change, difference, significant}: Comparison,
): Row {
  const {name, unit, scale} = metricLabels[metric];
  const value = (x: number): string => `${formatNumber(x * scale)}${unit === '' ? '' : ` ${unit}`}`;
  const p = difference.p_value;
  return {
    cells: [
      name,
      label,
      value(base),
      value(candidate),
      p === null || significant ? formatChange(change) : '~',
      p === null ? `n=${n}` : `p=${p < 0.001 ? '<0.001' : p.toFixed(3)} n=${n}`.replace('=<', '<'),
    ],
  };
}

function formatChange(change: number | null): string {
  if (change === null) return 'from 0';
  const percent = (100 * change).toFixed(1);
  return `${change > 0 && Number(percent) !== 0 ? '+' : ''}${percent} %`;
}
