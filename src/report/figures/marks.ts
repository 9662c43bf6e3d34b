// The marks of a series on a plot: lines with points, points with labels, bars.
import {line} from 'd3';
import {spread} from '../charts/axes.ts';
import type {Axis, Plot} from '../charts/axes.ts';
import type {Look} from '../charts/palette.ts';
import {element, escape, ink, paper, translate} from '../charts/svg.ts';
import {formatShort} from '../format.ts';
import type {Mark, Series} from './figure.ts';

/** Where a series is drawn, and its place among those that share a label of the x axis. */
export interface Placing {
  readonly x: Axis;
  readonly y: Axis;
  readonly plot: Plot;
  readonly look: Look;
  /** Bars stand side by side: which of how many, and the px that they share. */
  readonly bar: {readonly index: number; readonly count: number; readonly width: number};
}

export function drawSeries(series: Series, placing: Placing): string {
  const {kind} = series;
  if (kind === 'bars') return drawBars(series, placing);
  return element(
    'g',
    {class: 'series'},
    kind === 'line' ? drawLine(series, placing) : '',
    ...drawPoints(series, placing),
  );
}

/** Where values are missing the line has a gap. */
function drawLine({marks}: Series, {x, y, look}: Placing): string {
  const path = line<Mark>(
    (mark) => x(mark.x),
    (mark) => y(mark.y!),
  )
    .defined((mark) => mark.y !== null)
    .digits(2)(marks);
  if (path === null) return '';
  return element('path', {
    d: path,
    fill: 'none',
    stroke: look.colour,
    'stroke-width': 1.8,
    'stroke-linejoin': 'round',
    'stroke-dasharray': look.dashes,
  });
}

/** Most points on one line: more would hide it, and make the file long. */
const mostPoints = 13;
const labelHeight = 13;

function drawPoints({name, kind, marks}: Series, {x, y, plot, look}: Placing): string[] {
  const every = kind === 'line' ? Math.ceil(marks.length / mostPoints) : 1;
  const shown = marks.filter((mark, i) => mark.y !== null && (i % every === 0 || i === marks.length - 1));
  const points = shown.map((mark) => {
    const said = `${name}: ${formatShort(mark.y!)} at ${mark.label ?? formatShort(mark.x)}`;
    return element(
      'path',
      {d: look.point, transform: `${translate(x(mark.x), y(mark.y!))} scale(0.85)`},
      element('title', {}, escape(said)),
    );
  });
  return [
    element('g', {fill: look.colour, stroke: paper, 'stroke-width': 0.8}, ...points),
    ...drawLabels(shown, x, y, plot),
  ];
}

/** Beside the points, moved apart where one would cover another. */
function drawLabels(marks: readonly Mark[], x: Axis, y: Axis, plot: Plot): string[] {
  const labelled = marks.filter((mark) => mark.label !== undefined).toSorted((a, b) => y(a.y!) - y(b.y!));
  const tops = spread(
    labelled.map((mark) => y(mark.y!)),
    labelHeight,
    plot.top,
    plot.bottom,
  );
  return labelled.map((mark, i) =>
    element(
      'text',
      {x: x(mark.x) + 8, y: tops[i], dy: '0.34em', fill: ink, 'font-size': 11},
      escape(mark.label!),
    ),
  );
}

function drawBars({name, marks}: Series, {x, y, plot, look, bar}: Placing): string {
  const width = bar.width / bar.count;
  const bars = marks.flatMap((mark) => {
    if (mark.y === null) return [];
    const left = x(mark.x) - bar.width / 2 + bar.index * width;
    const top = Math.min(plot.bottom, y(mark.y));
    return [
      element(
        'rect',
        {x: left + 0.5, y: top, width: Math.max(1, width - 1), height: plot.bottom - top},
        element('title', {}, escape(`${name}: ${formatShort(mark.y)}`)),
      ),
      mark.label === undefined
        ? ''
        : element(
            'text',
            {x: left + width / 2, y: top - 4, 'text-anchor': 'middle', 'font-size': 10, fill: ink},
            escape(mark.label),
          ),
    ];
  });
  return element('g', {class: 'series', fill: look.colour}, ...bars);
}
