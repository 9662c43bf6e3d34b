import {compare} from '../../metrics/compare.ts';
import type {Comparison} from '../../metrics/compare.ts';
import type {Aggregate, CellResult, MetricName} from '../../metrics/result.ts';
import {formatNumber, formatShort} from '../format.ts';

/** What a reader should see first: the best value of a metric, whose it is, and by how much. */
export interface Finding {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  /** Who has it, and where. */
  readonly policy: string;
  readonly where: string;
  /** What it is to be compared with. */
  readonly note: string;
}

export type RanCell = CellResult & {readonly aggregate: Aggregate};

export function ranCells(results: readonly CellResult[]): RanCell[] {
  return results.filter((result): result is RanCell => result.aggregate !== null);
}

interface Question {
  readonly name: string;
  readonly metric: MetricName;
  readonly unit: string;
  readonly scale: number;
  readonly most: boolean;
}

/** The highest load and the best goodput, latency and use of the device among the policies on the fewest devices. */
export function findings(results: readonly CellResult[], nameOf: (policy: string) => string): Finding[] {
  const all = ranCells(results);
  // More devices are no merit of a policy.
  const fewest = Math.min(...all.map((cell) => cell.aggregate.gpus));
  const cells = all.filter((cell) => cell.aggregate.gpus === fewest);
  const stable = cells.filter((cell) => !cell.aggregate.saturated);
  const capacity = capacityFinding(cells, nameOf);
  const tail = tailLoad(cells);
  const questions: [Question, readonly RanCell[]][] = [
    [
      {name: 'Most goodput', metric: 'goodput_per_s', unit: 'requests/s in time', scale: 1, most: true},
      cells,
    ],
    [
      {name: 'Shortest p99', metric: 'latency_p99_ns', unit: 'ms', scale: 1e-6, most: false},
      stable.filter((cell) => cell.load === tail),
    ],
    [
      {name: 'Most useful work', metric: 'gpu_utilisation', unit: '% of peak FLOP/s', scale: 100, most: true},
      cells,
    ],
  ];
  const found = questions.map(([question, among]) => answer(question, among, nameOf));
  return [capacity, ...found].filter((finding) => finding !== null);
}

/** The highest load at which each policy still answers what it must in time. */
function capacityOf(cells: readonly RanCell[], policy: string): number | null {
  const loads = cells
    .filter((cell) => cell.policy === policy && cell.load !== null && meetsSlo(cell.aggregate))
    .map((cell) => cell.load!);
  return loads.length === 0 ? null : Math.max(...loads);
}

/** Whether every tenant had at least its SLO's quantile of the requests in time, however long the run. */
function meetsSlo({saturated, tenants}: Aggregate): boolean {
  return (
    !saturated &&
    tenants.every(({metrics, slo_quantile}) => (metrics.slo_attainment?.mean ?? 1) >= slo_quantile)
  );
}

/** The highest load at which at least two policies (or the only one) have a p99. */
function tailLoad(cells: readonly RanCell[]): number | null {
  const policies = new Set(cells.map((cell) => cell.policy)).size;
  const loads = [...new Set(cells.map((cell) => cell.load))].filter((load) => load !== null);
  const enough = loads.filter(
    (load) =>
      cells.filter((cell) => cell.load === load && cell.aggregate.metrics.latency_p99_ns !== null).length >=
      Math.min(2, policies),
  );
  return enough.length === 0 ? null : Math.max(...enough);
}

function capacityFinding(cells: readonly RanCell[], nameOf: (policy: string) => string): Finding | null {
  const loads = new Set(cells.map((cell) => cell.load));
  if (loads.size < 2) return null;
  const policies = [...new Set(cells.map((cell) => cell.policy))];
  const reached = policies
    .flatMap((policy) => {
      const load = capacityOf(cells, policy);
      return load === null ? [] : [{policy, load}];
    })
    .sort((a, b) => b.load - a.load);
  if (reached.length === 0)
    return {
      name: 'Highest load in SLO',
      value: 'none',
      unit: '',
      policy: '',
      where: 'no policy meets every SLO at any load',
      note: '',
    };
  const best = reached.filter(({load}) => load === reached[0].load);
  const next = reached[best.length];
  return {
    name: 'Highest load in SLO',
    value: formatShort(reached[0].load),
    unit: '',
    policy: best.map(({policy}) => nameOf(policy)).join(', '),
    where: 'with every tenant in its SLO',
    note: next === undefined ? '' : `next: ${nameOf(next.policy)} at ${formatShort(next.load)}`,
  };
}

function answer(
  question: Question,
  cells: readonly RanCell[],
  nameOf: (policy: string) => string,
): Finding | null {
  const {metric, most, scale} = question;
  const value = (cell: RanCell): number => cell.aggregate.metrics[metric]!.mean * (most ? -1 : 1);
  const ranked = cells
    .filter((cell) => cell.aggregate.metrics[metric] !== null)
    .sort((a, b) => value(a) - value(b));
  const best = ranked.at(0);
  if (best === undefined) return null;
  const next = ranked.find((cell) => cell.policy !== best.policy && cell.load === best.load);
  return {
    name: question.name,
    value: formatNumber(best.aggregate.metrics[metric]!.mean * scale),
    unit: question.unit,
    policy: nameOf(best.policy),
    where: best.load === null ? '' : `at load ${formatShort(best.load)}`,
    note: next === undefined ? '' : against(best, next, metric, nameOf),
  };
}

function against(
  best: RanCell,
  next: RanCell,
  metric: MetricName,
  nameOf: (policy: string) => string,
): string {
  const comparison = paired(next, best).find((each) => each.metric === metric);
  if (comparison === undefined || comparison.change === null) return '';
  const {change} = comparison;
  const percent = Math.abs(100 * change);
  const difference =
    change > 2
      ? `${formatNumber(1 + change)} times that of ${nameOf(next.policy)}`
      : `${percent.toFixed(percent < 10 ? 1 : 0)} % ${change < 0 ? 'below' : 'above'} ${nameOf(next.policy)}`;
  if (comparison.difference.p_value === null) return difference;
  return comparison.significant ? difference : `no significant difference to ${nameOf(next.policy)}`;
}

/** Cells of one sweep share their seeds; results merged from several sweeps may not. */
function paired(base: RanCell, candidate: RanCell): Comparison[] {
  const seeds = new Set(base.replications.map((run) => run.seed));
  const same =
    base.replications.length === candidate.replications.length &&
    candidate.replications.every((run) => seeds.has(run.seed));
  return same ? compare(base.replications, candidate.replications) : [];
}
