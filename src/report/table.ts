import {formatCsv} from './csv.ts';

/** A table of text cells. A row may be a message instead, which spans the columns behind its first `after` cells. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Lines below the table. */
  readonly notes: readonly string[];
}

export interface Column {
  /** What it holds. */
  readonly name: string;
  readonly unit?: string;
  readonly align: 'left' | 'right';
}

export interface Row {
  readonly cells: readonly string[];
  /** What stands in place of the cells that a row lacks. */
  readonly message?: string;
}

export const tableFormats = ['table', 'markdown', 'csv'] as const;
export type TableFormat = (typeof tableFormats)[number];

/**
 * Writes a table; the text ends with a line break. As CSV it holds the cells as they are read, without the notes: see
 * csv.ts for results in full precision.
 */
export function formatTable(table: Table, format: TableFormat = 'table'): string {
  if (format === 'csv') {
    const {columns, rows} = table;
    return formatCsv(
      columns.map(headOf),
      rows.map(({cells, message}) => (message === undefined ? cells : [...cells, message])),
    );
  }
  return format === 'markdown' ? markdown(table) : padded(table);
}

const headOf = ({name, unit}: Column): string => (unit === undefined ? name : `${name} (${unit})`);

/** Columns padded with spaces, numbers to the right; intervals are lined up at their ±. */
function padded({columns, rows, notes}: Table): string {
  const aligned = alignIntervals(columns, rows);
  const widths = columns.map((column, i) =>
    Math.max(width(headOf(column)), ...aligned.map((row) => width(row.cells[i] ?? ''))),
  );
  const line = (cells: readonly string[], message?: string): string => {
    const parts = cells.map((cell, i) => {
      const space = ' '.repeat(widths[i] - width(cell));
      return columns[i].align === 'right' ? space + cell : cell + space;
    });
    if (message !== undefined) parts.push(message);
    return parts.join('  ').trimEnd();
  };
  const lines = [line(columns.map(headOf)), ...aligned.map((row) => line(row.cells, row.message))];
  return [...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n') + '\n';
}

/** Pads half widths to one width per column, so that the means in front of them end at one place. */
function alignIntervals(columns: readonly Column[], rows: readonly Row[]): Row[] {
  const separator = ' ± ';
  const halves = columns.map((_, i) =>
    Math.max(0, ...rows.map((row) => width(row.cells[i]?.split(separator)[1] ?? ''))),
  );
  return rows.map((row) => ({
    ...row,
    cells: row.cells.map((cell, i) => {
      const [mean, half] = cell.split(separator);
      if (halves[i] === 0) return cell;
      return half === undefined
        ? mean + ' '.repeat(halves[i] + separator.length)
        : mean + separator + ' '.repeat(halves[i] - width(half)) + half;
    }),
  }));
}

function markdown({columns, rows, notes}: Table): string {
  const filled = rows.map(({cells, message}) => {
    const all = [...cells, ...(message === undefined ? [] : [message])];
    return markdownRow([...all, ...Array.from({length: columns.length - all.length}, () => '')]);
  });
  const rule = `| ${columns.map(({align}) => (align === 'right' ? '--:' : ':--')).join(' | ')} |`;
  const lines = [markdownRow(columns.map(headOf)), rule, ...filled];
  return [...lines, ...notes.flatMap((note) => ['', note])].join('\n') + '\n';
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Columns that a text takes on a terminal; what we print has no character of two units. */
function width(text: string): number {
  return text.length;
}
