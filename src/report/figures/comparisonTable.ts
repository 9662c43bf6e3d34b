import {formatCsv} from '../csv.ts';
import {formatNumber, formatShort, none} from '../format.ts';
import type {Column, Table} from '../table.ts';
import {agrees, ratioOf} from './figure.ts';
import type {Comparison, Figure} from './figure.ts';

/** Ratios further from 1 than this are marked. */
export const tolerance = 0.3;

/** The same figures under a change, to see what the change explains. */
export interface Variation {
  readonly name: string;
  readonly figures: readonly Figure[];
}

/** Published values beside ours, figure by figure, with a column for each variation; `!` marks what is far off. */
export function comparisonTable(figures: readonly Figure[], variations: readonly Variation[] = []): Table {
  const right = (name: string): Column => ({name, align: 'right'});
  return {
    columns: [
      {name: 'figure', align: 'left'},
      {name: 'quantity', align: 'left'},
      right('published'),
      right('ours'),
      right('ratio'),
      ...variations.map(({name}) => right(name)),
    ],
    rows: figures.flatMap(({name, comparisons}) =>
      comparisons.map((comparison) => ({
        cells: [
          name,
          comparison.quantity,
          publishedText(comparison),
          valueText(comparison, comparison.ours),
          ratioText(comparison),
          ...variations.map((variation) => {
            const varied = comparisonOf(variation.figures, name, comparison.quantity);
            return varied === undefined ? none : valueText(comparison, varied.ours);
          }),
        ],
      })),
    ),
    notes: [`Ratio is ours over published; ! marks what differs by more than ${100 * tolerance} %.`],
  };
}

/** What was published of, under each variation; what no paper states is left out. */
export function variationTable(figures: readonly Figure[], variations: readonly Variation[]): Table {
  const {columns, rows} = comparisonTable(figures, variations);
  const published = figures.flatMap(({comparisons}) => comparisons.map((each) => each.published !== null));
  const ratio = 4;
  return {
    columns: columns.toSpliced(ratio, 1),
    rows: rows.filter((_, i) => published[i]).map(({cells}) => ({cells: cells.toSpliced(ratio, 1)})),
    notes: [],
  };
}

/** The same in full precision, as comma-separated values. */
export function comparisonCsv(figures: readonly Figure[]): string {
  return formatCsv(
    ['figure', 'citation', 'quantity', 'unit', 'bound', 'published', 'ours', 'ratio'],
    figures.flatMap(({name, citation, comparisons}) =>
      comparisons.map((comparison) => {
        const {quantity, unit, published, ours} = comparison;
        const ratio = ratioOf(comparison);
        const values = [published?.value, ours, ratio].map((value) =>
          value === null || value === undefined ? null : rounded(value),
        );
        return [name, citation, quantity, unit, published?.bound, ...values];
      }),
    ),
  );
}

/** The data of a figure as comma-separated values. */
export function figureCsv({columns, rows}: Figure): string {
  return formatCsv(
    columns,
    rows.map((row) => row.map((field) => (typeof field === 'number' ? rounded(field) : field))),
  );
}

/** Six digits: more than any of the figures is good for, and the same on every machine. */
export const rounded = (value: number): number => Number(value.toPrecision(6));

const comparisonOf = (figures: readonly Figure[], name: string, quantity: string): Comparison | undefined =>
  figures
    .find((figure) => figure.name === name)
    ?.comparisons.find((comparison) => comparison.quantity === quantity);

function publishedText(comparison: Comparison): string {
  const {published} = comparison;
  if (published === null) return none;
  const sign = published.bound === undefined ? '' : published.bound === 'at least' ? '≥ ' : '≤ ';
  return `${sign}${withUnit(formatShort(published.value), comparison.unit)}`;
}

const valueText = ({unit}: Comparison, value: number | null): string =>
  value === null
    ? none
    : withUnit(Number.isInteger(value) ? formatNumber(value, 0) : formatNumber(value), unit);

const withUnit = (text: string, unit: string): string =>
  unit === '' ? text : unit === 'x' ? `${text}x` : `${text} ${unit}`;

function ratioText(comparison: Comparison): string {
  const ratio = ratioOf(comparison);
  if (ratio === null) return none;
  return `${formatNumber(ratio, 2)}${agrees(comparison, tolerance) === false ? ' !' : ''}`;
}
