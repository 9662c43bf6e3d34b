import type {Summary} from '../experiment/summary.ts';
import type {SweepCell} from '../experiment/outcome.ts';
import {formatCsv, summaryCsv} from '../report/csv.ts';
import {formatDuration} from '../report/format.ts';
import {formatJson} from '../report/json.ts';
import {summaryTable, tenantTable} from '../report/summaryTable.ts';
import {formatTable} from '../report/table.ts';
import type {Table} from '../report/table.ts';
import type {Io} from './io.ts';

/** Prints a result in the form asked for. */
export function printSummary(summary: Summary, format: unknown, {stdout}: Io): void {
  if (format === 'json') stdout.write(formatJson(summary));
  else if (format === 'csv') stdout.write(csvOf(summary));
  else stdout.write(tablesOf(summary, format === 'markdown' ? 'markdown' : 'table'));
}

/** The cells that ran at the same parameters, in order. */
function variantsOf({cells}: Summary): SweepCell[][] {
  const variants = new Map<string, SweepCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify(cell.parameters);
    const found = variants.get(key);
    if (found === undefined) variants.set(key, [cell]);
    else found.push(cell);
  }
  return [...variants.values()];
}

function tablesOf(summary: Summary, format: 'table' | 'markdown'): string {
  const variants = variantsOf(summary);
  const texts = variants.map((cells, i) => {
    const {parameters} = cells[0];
    const settings = Object.entries(parameters).map(([key, value]) => `${key}=${show(value)}`);
    const isLast = i === variants.length - 1;
    const table = summaryTable(cells);
    const shown: Table = {...table, notes: isLast ? table.notes : []};
    return (settings.length > 0 ? `${settings.join(' ')}\n` : '') + formatTable(shown, format);
  });
  const {cells} = summary;
  // One policy at one load leaves room for its tenants.
  if (cells.length === 1 && cells[0].aggregate !== null) {
    texts.push(formatTable({...tenantTable(cells[0]), notes: []}, format));
  }
  return `${headOf(summary)}\n\n${texts.join('\n')}`;
}

function headOf({name, device, world, seed, tenants, duration_ns, warmup_ns, replications}: Summary): string {
  const measured = formatDuration(duration_ns - warmup_ns);
  const time = warmup_ns === 0 ? measured : `${measured} after ${formatDuration(warmup_ns)} of warm-up`;
  const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return `${name} on ${device}, ${world}: ${count(tenants, 'tenant')}, ${time}, ${count(replications, 'replication')}, seed ${seed}`;
}

/** The report's records with the parameters in front. */
function csvOf(summary: Summary): string {
  const {parameters, cells} = summary;
  if (parameters.length === 0) return summaryCsv(cells);
  const before = formatCsv(
    parameters,
    cells.map((cell) => parameters.map((key) => show(cell.parameters[key]))),
  ).split('\n');
  const lines = summaryCsv(cells).split('\n');
  return lines.map((line, i) => (line === '' ? '' : `${before[i]},${line}`)).join('\n');
}

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
