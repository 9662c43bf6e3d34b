import {drawing, element, escape, ink, muted, textWidth, translate} from './svg.ts';

export interface HeatMapCell {
  /** What stands in the cell where there is room. */
  readonly text: string;
  readonly fill: string;
  readonly ink: string;
  /** What the cell says when it is pointed at. */
  readonly title: string;
}

export interface HeatMap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** By row and column; null where there is nothing to show. */
  readonly cells: readonly (readonly (HeatMapCell | null)[])[];
  /** Consecutive columns that belong together, with a name above them. */
  readonly groups?: readonly {readonly name: string; readonly size: number}[];
  readonly width?: number;
  readonly rowHeight?: number;
}

/** Below this width a cell's text and its column's name are left out. */
const legible = 26;

/** A table of coloured cells: one row a policy. */
export function heatMap({title, rows, columns, cells, groups, width = 540, rowHeight = 28}: HeatMap): string {
  const left = Math.max(...rows.map((row) => textWidth(row))) + 14;
  const cellWidth = Math.min(84, (width - left) / columns.length);
  const named = columns.every((column) => textWidth(column, 11) <= cellWidth + 2);
  const head = (groups === undefined ? 0 : 20) + (named ? 20 : 0);
  const body = rows.map((row, i) =>
    element(
      'g',
      {transform: translate(0, head + i * rowHeight)},
      element(
        'text',
        {x: left - 10, y: rowHeight / 2, dy: '0.35em', 'text-anchor': 'end', fill: ink},
        escape(row),
      ),
      ...cells[i].map((cell, j) =>
        cell === null ? '' : drawCell(cell, left + j * cellWidth, cellWidth, rowHeight),
      ),
    ),
  );
  const heads = named
    ? columns.map((column, j) =>
        element(
          'text',
          {
            x: left + (j + 0.5) * cellWidth,
            y: head - 7,
            'text-anchor': 'middle',
            fill: muted,
            'font-size': 11,
          },
          escape(column),
        ),
      )
    : [];
  const height = head + rows.length * rowHeight + 4;
  return drawing({width, height, title}, ...drawGroups(groups ?? [], left, cellWidth), ...heads, ...body);
}

function drawCell(cell: HeatMapCell, x: number, width: number, height: number): string {
  const gap = width > 12 ? 2 : width > 5 ? 1 : 0;
  return element(
    'g',
    {transform: translate(x, 1)},
    element(
      'rect',
      {width: width - gap, height: height - 2, rx: width > legible ? 3 : 1, fill: cell.fill},
      element('title', {}, escape(cell.title)),
    ),
    width < Math.max(legible, textWidth(cell.text, 11))
      ? ''
      : element(
          'text',
          {
            x: (width - gap) / 2,
            y: height / 2 - 1,
            dy: '0.35em',
            'text-anchor': 'middle',
            fill: cell.ink,
            'font-size': 11,
          },
          escape(cell.text),
        ),
  );
}

function drawGroups(
  groups: readonly {name: string; size: number}[],
  left: number,
  cellWidth: number,
): string[] {
  let start = 0;
  return groups.map(({name, size}) => {
    const x = left + start * cellWidth;
    const width = size * cellWidth - 4;
    start += size;
    const room = Math.floor(width / textWidth('m', 11));
    const text = name.length <= room ? name : room < 2 ? '' : `${name.slice(0, room - 1)}…`;
    return element(
      'g',
      {transform: translate(x, 0)},
      element('text', {x: 1, y: 11, fill: muted, 'font-size': 11, 'font-weight': 600}, escape(text)),
      element('line', {x1: 0, x2: width, y1: 16.5, y2: 16.5, stroke: muted, 'stroke-opacity': 0.5}),
    );
  });
}
