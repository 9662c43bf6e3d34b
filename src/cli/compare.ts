import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {parseSummary} from '../experiment/summary.ts';
import type {SweepCell} from '../experiment/outcome.ts';
import type {Summary} from '../experiment/summary.ts';
import {compare as compareRuns} from '../metrics/compare.ts';
import type {Comparison} from '../metrics/compare.ts';
import {metricNames} from '../metrics/result.ts';
import type {MetricName} from '../metrics/result.ts';
import {compareTable} from '../report/compareTable.ts';
import type {ComparedCell} from '../report/compareTable.ts';
import {formatNumber} from '../report/format.ts';
import {metricLabels} from '../report/metricLabels.ts';
import {InputError} from '../scheduler/errors.ts';
import {suggest} from '../workload/suggest.ts';
import type {Command} from './command.ts';
import {listOf, needed, repeated, text} from './command.ts';
import {ThresholdError, UsageError} from './exitCode.ts';
import {formatOption, print} from './formats.ts';

/** Metrics by the short names that options take. */
const metricsByName: ReadonlyMap<string, MetricName> = new Map([
  ...metricNames.map((name) => [name, name] as const),
  ['throughput', 'throughput_per_s'],
  ['goodput', 'goodput_per_s'],
  ['slo', 'slo_attainment'],
  ['mean', 'latency_mean_ns'],
  ['p50', 'latency_p50_ns'],
  ['p90', 'latency_p90_ns'],
  ['p95', 'latency_p95_ns'],
  ['p99', 'latency_p99_ns'],
  ['p99.9', 'latency_p999_ns'],
  ['utilisation', 'gpu_utilisation'],
  ['cost', 'cost_per_million_requests'],
]);

const shownByDefault = 'goodput,slo,p50,p99';

/** Compares two results, cell by cell, and may fail on what became worse. */
export const compare: Command = {
  positionals: {
    base: {type: 'string', describe: 'result folder or summary.json'},
    candidate: {type: 'string', describe: 'result folder or summary.json'},
  },
  options: {
    metric: text('Metrics to show', {default: shownByDefault}),
    'fail-if': repeated('Exit with 3 where this holds of any cell: "p99 > +5%"; repeatable'),
    format: formatOption,
  },
  suggestions: {metric: () => [...metricsByName.keys()]},
  examples: [
    ['$0 compare results/before results/after --fail-if "p99 > +5%" --fail-if "slo < -1%"', 'in CI'],
  ],
  run(args, io) {
    const base = readSummary(needed(args, 'base'));
    const candidate = readSummary(needed(args, 'candidate'));
    const metrics = needed(args, 'metric').split(',').map(metricOf);
    const limits = (listOf(args, 'fail-if') ?? []).map(parseLimit);
    const pairs = cellsInBoth(base, candidate);
    const cells = compareCells(pairs);
    print(
      compareTable(cells, metrics),
      {base: base.hash, candidate: candidate.hash, cells},
      args['format'],
      io,
    );
    const note = otherArrivals(pairs, base.device, candidate.device);
    if (note !== null) io.stderr.write(`${note}\n`);
    const broken = cells.flatMap((cell) => limits.flatMap((limit) => violation(cell, limit)));
    if (broken.length > 0) throw new ThresholdError(broken.join('; '));
  },
};

function readSummary(path: string): Summary {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'summary.json') : path;
  if (!existsSync(file)) throw new InputError(`missing result: ${file}`);
  return parseSummary(readFileSync(file, 'utf8'), file);
}

/** What a cell shares with the one that it is compared with, but for its load. */
const settingsOf = ({parameters, policy}: SweepCell): string => JSON.stringify([parameters, policy]);

const loadOf = ({load}: SweepCell): number | null => (load === null ? null : Number(load.toPrecision(9)));

/** Of the same seed: equal where the same requests arrive. */
const arrivalsOf = ({replications}: SweepCell): number => replications[0].arrival_rate_per_s;

type Pair = readonly [base: SweepCell, candidate: SweepCell];

/**
 * The cells that both have, with a result in each: at the same load, which is a share of what a device can do, or on another device where
 * the same requests arrive, if there is such a cell.
 */
function cellsInBoth(base: Summary, candidate: Summary): Pair[] {
  const isOther = base.device !== candidate.device;
  const bySettings = new Map<string, SweepCell[]>();
  for (const cell of candidate.cells) {
    if (cell.aggregate === null) continue;
    const key = settingsOf(cell);
    bySettings.set(key, [...(bySettings.get(key) ?? []), cell]);
  }
  const pairs = base.cells.flatMap((cell): Pair[] => {
    if (cell.aggregate === null) return [];
    const others = bySettings.get(settingsOf(cell)) ?? [];
    const meetsSame = isOther && others.find((other) => arrivalsOf(other) === arrivalsOf(cell));
    const other = meetsSame || others.find((other) => loadOf(other) === loadOf(cell));
    return other === undefined ? [] : [[cell, other]];
  });
  if (pairs.length === 0) throw nothingInCommon(base, candidate);
  return pairs;
}

/** Why no cell of one result has one of the other beside it. */
function nothingInCommon(base: Summary, candidate: Summary): InputError {
  const done = (summary: Summary) => summary.cells.filter(({aggregate}) => aggregate !== null);
  for (const cell of done(base)) {
    const other = done(candidate).find(
      (other) => other.policy === cell.policy && loadOf(other) === loadOf(cell),
    );
    if (other === undefined) continue;
    const [a, b] = [cell, other].map((each) => parametersOf(each).join(' ') || 'none');
    return new InputError(
      `nothing to compare: the results have no parameters in common (${cell.policy} has ${a} in the base, ${b} in the candidate)`,
    );
  }
  return new InputError('nothing to compare: the results have no policy at the same load in common');
}

const parametersOf = ({parameters}: SweepCell): string[] =>
  Object.entries(parameters).map(([key, value]) => `${key}=${String(value)}`);

const compareCells = (pairs: readonly Pair[]): ComparedCell[] =>
  pairs.map(([cell, other]) => {
    const loads = [
      ...new Set([cell, other].flatMap(({load}) => (load === null ? [] : [formatNumber(load)]))),
    ];
    const load = loads.length === 0 ? '' : ` at ${loads.join(' and ')}`;
    return {
      label: [`${cell.policy}${load}`, ...parametersOf(cell)].join(' '),
      comparisons: compareRuns(cell.replications, other.replications),
    };
  });

/**
 * Where load is a share of what each of two devices can do, the candidate meets other arrivals than the base: a sentence that says so,
 * of the first such load, or null.
 */
function otherArrivals(pairs: readonly Pair[], device: string, otherDevice: string): string | null {
  if (device === otherDevice) return null;
  for (const [cell, other] of pairs) {
    const {load} = cell;
    const [a, b] = [arrivalsOf(cell), arrivalsOf(other)];
    if (load === null || a === b) continue;
    return `note: load is relative to the device: at ${formatNumber(load)}, ${formatNumber(a)} requests arrive a second on ${device} and ${formatNumber(b)} on ${otherDevice} (both meet the same arrivals where no load is given)`;
  }
  return null;
}

interface Limit {
  readonly text: string;
  readonly metric: MetricName;
  readonly more: boolean;
  /** Relative change. */
  readonly change: number;
}

function parseLimit(text: string): Limit {
  const match = /^\s*(\S+)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  if (match === null) {
    throw new UsageError(`invalid fail-if: "${text}" (expected such as "p99 > +5%" or "goodput < -2%")`);
  }
  const [, metric, sign, percent] = match;
  return {text, metric: metricOf(metric), more: sign === '>', change: Number(percent) / 100};
}

function metricOf(name: string): MetricName {
  const metric = metricsByName.get(name.trim());
  if (metric !== undefined) return metric;
  const meant = suggest(name, metricsByName.keys());
  throw new UsageError(
    `unknown metric: ${name}${meant === undefined ? ` (known: ${[...metricsByName.keys()].join(', ')})` : `; did you mean "${meant}"?`}`,
  );
}

/** A limit counts where the change is no accident of the seeds, or where one replication cannot tell. */
function violation({label, comparisons}: ComparedCell, {text, metric, more, change}: Limit): string[] {
  const found = comparisons.find((comparison) => comparison.metric === metric);
  if (found === undefined)
    return [`${label}: ${text}: ${metricLabels[metric].name} is unknown in one of the results`];
  if (found.change === null || !(isCertain(found) && (more ? found.change > change : found.change < change)))
    return [];
  const percent = `${found.change > 0 ? '+' : ''}${(found.change * 100).toFixed(1)}%`;
  return [`${label}: ${metricLabels[metric].name} ${percent} (${text.trim()})`];
}

const isCertain = ({difference, significant}: Comparison): boolean =>
  difference.p_value === null || significant;
