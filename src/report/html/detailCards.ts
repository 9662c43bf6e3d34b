// The charts that look inside one load: latency by percentile, superkernel sizes, tenants.
import {interpolateRgb} from 'd3';
import type {CellResult} from '../../metrics/result.ts';
import {heatMap} from '../charts/heatMap.ts';
import type {HeatMapCell} from '../charts/heatMap.ts';
import {quantileChart} from '../charts/quantileChart.ts';
import {formatPercent, formatShort} from '../format.ts';
import {ranCells} from './findings.ts';
import type {RanCell} from './findings.ts';
import type {Card} from './card.ts';
import {durationTick} from './loadCharts.ts';
import type {ShownPolicy} from './policies.ts';

/** Latency by percentile at the highest load that two thirds of the policies can bear. */
export function latencyCard(results: readonly CellResult[], policies: readonly ShownPolicy[]): Card | null {
  const cells = ranCells(results).filter((cell) => cell.aggregate.latency_cdf.length > 1);
  const load = commonLoad(cells, policies.length);
  const lines = policies.flatMap(({policy, name, look}) => {
    const cell = cells.find((each) => each.policy === policy && each.load === load);
    if (cell === undefined) return [];
    return [{name, look, points: cell.aggregate.latency_cdf.map(({p, ns}) => ({p, value: ns}))}];
  });
  if (lines.length === 0) return null;
  return {
    title: `Latency distribution${atLoad(load)}`,
    text: 'Each step right leaves out nine tenths of the requests.',
    chart: quantileChart({
      title: 'Latency by percentile',
      lines,
      name: 'latency, logarithmic',
      format: durationTick,
    }),
  };
}

/** Of all kernels, how many ran in superkernels of which size. */
export function sizeCard(results: readonly CellResult[], policies: readonly ShownPolicy[]): Card | null {
  const cells = ranCells(results);
  const load = highestLoad(cells);
  const rows = policies.flatMap(({policy, name}) => {
    const cell = cells.find((each) => each.policy === policy && each.load === load);
    return cell === undefined ? [] : [{name, shares: sharesBySize(cell)}];
  });
  const used = Math.max(0, ...rows.map(({shares}) => shares.findLastIndex((share) => share > 0) + 1));
  if (used === 0) return null;
  const columns = Array.from({length: Math.max(2, used)}, (_, bin) => binText(bin));
  return {
    title: `Superkernel sizes${atLoad(load)}`,
    text: 'Share of the kernels by members of their superkernel.',
    chart: heatMap({
      title: 'Share of kernels by superkernel size',
      rowHeight: Math.min(42, Math.max(28, 250 / rows.length)),
      rows: rows.map(({name}) => name),
      columns,
      cells: rows.map(({name, shares}) =>
        columns.map((column, bin): HeatMapCell | null => {
          const share = shares[bin] ?? 0;
          if (share === 0) return null;
          const percent = 100 * share;
          return {
            text: percent < 0.5 ? '<1 %' : `${Math.round(percent)} %`,
            ...blues(share),
            title: `${name}: ${percent.toFixed(1)} % of the kernels in superkernels of ${column}`,
          };
        }),
      ),
    }),
  };
}

/** Every tenant's SLO attainment under every policy, at the load where the policies differ most. */
export function tenantCard(results: readonly CellResult[], policies: readonly ShownPolicy[]): Card | null {
  const cells = ranCells(results);
  const load = tellingLoad(cells);
  const shown = policies.flatMap(({policy, name}) => {
    const cell = cells.find((each) => each.policy === policy && each.load === load);
    return cell === undefined ? [] : [{name, tenants: cell.aggregate.tenants}];
  });
  if (shown.length === 0) return null;
  const tenants = shown[0].tenants.slice(0, mostTenants);
  const left = shown[0].tenants.length - tenants.length;
  const groups = groupsOf(tenants.map(({tenant}) => tenant));
  return {
    title: `SLO attainment by tenant${atLoad(load)}`,
    text:
      'Blue: at least as many requests in time as the tenant’s SLO asks for. Orange: fewer; the darker, the fewer.' +
      (left > 0 ? ` The first ${mostTenants} tenants; ${left} more are in the results.` : ''),
    wide: true,
    chart: heatMap({
      title: 'SLO attainment by tenant and policy',
      width: 1100,
      rows: shown.map(({name}) => name),
      columns: tenants.map(({tenant}) => tenant.split('/').at(-1)!),
      ...(groups.length < tenants.length ? {groups} : {}),
      cells: shown.map(({name, tenants}) =>
        tenants.slice(0, mostTenants).map(({tenant, slo_quantile, metrics: {slo_attainment}}) => {
          if (slo_attainment === null) return null;
          return {
            text: attainmentText(slo_attainment.mean),
            ...attainmentColours(slo_attainment.mean, slo_quantile),
            title: `${tenant} under ${name}: ${formatPercent(slo_attainment)} % in time`,
          };
        }),
      ),
    }),
  };
}

/** More columns than this are narrower than a reader can point at. */
const mostTenants = 250;

function atLoad(load: number | null): string {
  return load === null ? '' : ` at load ${formatShort(load)}`;
}

function highestLoad(cells: readonly RanCell[]): number | null {
  return cells.reduce<number | null>(
    (most, {load}) => (most === null || (load ?? 0) > most ? load : most),
    null,
  );
}

/** The highest load at which two thirds of the policies are; or else the one with the most. */
function commonLoad(cells: readonly RanCell[], policies: number): number | null {
  const counts = new Map<number | null, number>();
  for (const {load} of cells) counts.set(load, (counts.get(load) ?? 0) + 1);
  const ranked = [...counts].sort(([a], [b]) => (b ?? 0) - (a ?? 0));
  const most = Math.max(...counts.values());
  return ranked.find(([, n]) => n >= Math.min(most, (2 / 3) * policies))?.[0] ?? null;
}

/** The load at which the best and the worst policy's attainment are furthest apart. */
export function tellingLoad(cells: readonly RanCell[]): number | null {
  let telling: number | null = highestLoad(cells);
  let widest = 0;
  for (const load of new Set(cells.map((cell) => cell.load))) {
    const values = cells
      .filter((cell) => cell.load === load)
      .map((cell) => cell.aggregate.metrics.slo_attainment?.mean ?? 0);
    const range = Math.max(...values) - Math.min(...values);
    if (range > widest) [widest, telling] = [range, load];
  }
  return telling;
}

/** Share of the kernels by size: 1, 2, 3 to 4, 5 to 8, and so on. */
function sharesBySize({aggregate}: RanCell): number[] {
  const shares: number[] = [];
  let kernels = 0;
  for (const {size, count} of aggregate.superkernel_sizes) {
    const bin = Math.ceil(Math.log2(size));
    while (shares.length <= bin) shares.push(0);
    shares[bin] += size * count;
    kernels += size * count;
  }
  return shares.map((share) => share / kernels);
}

function binText(bin: number): string {
  return bin < 2 ? `${bin + 1}` : `${2 ** (bin - 1) + 1}–${2 ** bin}`;
}

/** Consecutive tenants of one scenario entry: what stands before the slash. */
function groupsOf(tenants: readonly string[]): {name: string; size: number}[] {
  const groups: {name: string; size: number}[] = [];
  for (const tenant of tenants) {
    const name = tenant.split('/')[0];
    const last = groups.at(-1);
    if (last?.name === name) last.size++;
    else groups.push({name, size: 1});
  }
  return groups;
}

/** Rounded down, so that nothing looks as if it met an SLO that it missed. */
function attainmentText(share: number): string {
  const percent = 100 * share;
  if (percent <= 90 || percent >= 100) return String(Math.floor(percent));
  return (Math.floor(percent * 10 + 1e-9) / 10).toFixed(1);
}

const blue = interpolateRgb('#e4eff8', '#0b5c9e');
const orange = interpolateRgb('#fbe0bd', '#a33c00');

function blues(share: number): Pick<HeatMapCell, 'fill' | 'ink'> {
  return {fill: blue(share), ink: share > 0.5 ? '#ffffff' : '#16191d'};
}

function attainmentColours(share: number, goal: number): Pick<HeatMapCell, 'fill' | 'ink'> {
  if (share >= goal) return {fill: '#b9d7ee', ink: '#16191d'};
  const missed = 1 - share / goal;
  return {fill: orange(Math.sqrt(missed)), ink: missed > 0.3 ? '#ffffff' : '#16191d'};
}
