import {element, escape} from '../charts/svg.ts';
import type {Row, Table} from '../table.ts';

/** What only the page knows of a table's rows. */
export interface RowStyle {
  /** Colour of a dot before the first cell. */
  readonly dot?: string;
  /** A line above it: it begins a group. */
  readonly first?: boolean;
}

/** A table as HTML, its notes below. */
export function htmlTable(table: Table, styleOf: (row: number) => RowStyle = () => ({})): string {
  const {columns, rows, notes} = table;
  const classOf = (i: number): string | undefined => (columns[i].align === 'right' ? 'number' : undefined);
  const heads = columns.map(({name, unit}, i) =>
    element(
      'th',
      {scope: 'col', class: classOf(i)},
      escape(name),
      unit === undefined ? '' : element('span', {class: 'unit'}, escape(unit)),
    ),
  );
  const body = rows.map((row, i) => {
    const style = styleOf(i);
    return element(
      'tr',
      {class: style.first === true ? 'first' : undefined},
      ...cellsOf(row, style, classOf, columns.length),
    );
  });
  return (
    element(
      'div',
      {class: 'scroll'},
      element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...body)),
    ) + htmlNotes(notes)
  );
}

export function htmlNotes(notes: readonly string[]): string {
  if (notes.length === 0) return '';
  return element('ul', {class: 'notes'}, ...notes.map((note) => element('li', {}, escape(note))));
}

function cellsOf(
  {cells, message}: Row,
  {dot}: RowStyle,
  classOf: (i: number) => string | undefined,
  columns: number,
): string[] {
  const written = cells.map((cell, i) => {
    const [mean, half] = cell.split(' ± ');
    return element(
      'td',
      {class: classOf(i)},
      i === 0 && dot !== undefined ? element('span', {class: 'dot', style: `background: ${dot}`}, '') : '',
      escape(mean),
      half === undefined ? '' : element('span', {class: 'interval'}, escape(` ± ${half}`)),
    );
  });
  if (message === undefined) return written;
  return [...written, element('td', {class: 'message', colspan: columns - cells.length}, escape(message))];
}
