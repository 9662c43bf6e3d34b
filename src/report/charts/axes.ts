import {scaleLinear} from 'd3';
import {formatShort} from '../format.ts';
import type {Look} from './palette.ts';
import {element, escape, grid, ink, muted, round, rule, textWidth, translate} from './svg.ts';

/** Where a value lies, in px; and where its axis has ticks. */
export interface Axis {
  (value: number): number;
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly value: number;
  readonly text: string;
}

/** An even axis. `ticks` are the values to mark, or how many round values there may be. */
export function linearAxis(
  domain: readonly [number, number],
  range: readonly [number, number],
  ticks: number | readonly number[],
  text: (value: number) => string = formatShort,
): Axis {
  const scale = scaleLinear(domain, range);
  const values = typeof ticks === 'number' ? scale.ticks(ticks) : ticks;
  return axis((value) => scale(value), values, text);
}

/** How far beyond the axis's ends, of its length, a mark may lie: ends are rounded numbers. */
const slack = 5e-4;

/** A logarithmic axis for values above 0, marked at fewer places of each decade the more decades there are. */
export function logAxis(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  text: (value: number) => string = formatShort,
): Axis {
  const span = Math.log(high / low) || 1;
  const at = (value: number): number => from + ((to - from) * Math.log(Math.max(value, low) / low)) / span;
  const decades = Math.log10(high / low);
  const steps =
    decades > 4 ? [1] : decades > 2.2 ? [1, 3] : decades > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  const values: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++) {
    for (const step of steps) {
      const value = step * 10 ** exponent;
      const place = Math.log(value / low) / span;
      if (place >= -slack && place <= 1 + slack) values.push(value);
    }
  }
  return axis(at, values, text);
}

function axis(
  at: (value: number) => number,
  values: readonly number[],
  text: (value: number) => string,
): Axis {
  return Object.assign((value: number) => at(value), {
    ticks: values.map((value) => ({value, text: text(value)})),
  });
}

/** The area of a chart that shows data, in px of the drawing. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Grid lines and tick texts at the left; the axis's name stands above its top end. */
export function drawLeftAxis(y: Axis, plot: Plot, name: string): string {
  const ticks = y.ticks.map(({value, text}) =>
    element(
      'g',
      {transform: translate(0, y(value))},
      element('line', {x1: plot.left, x2: plot.right, stroke: grid}),
      element(
        'text',
        {x: plot.left - 8, dy: '0.32em', 'text-anchor': 'end', fill: muted, 'font-size': 11},
        escape(text),
      ),
    ),
  );
  const title = element('text', {x: 0, y: plot.top - 12, fill: muted, 'font-size': 11}, escape(name));
  return element('g', {class: 'axis'}, ...ticks, title);
}

/** A line with ticks below the plot, and the axis's name under its right end. */
export function drawBottomAxis(x: Axis, plot: Plot, name: string): string {
  const ticks = x.ticks.map(({value, text}) =>
    element(
      'g',
      {transform: translate(x(value), plot.bottom)},
      element('line', {y2: 4, stroke: rule}),
      element('text', {y: 17, 'text-anchor': 'middle', fill: muted, 'font-size': 11}, escape(text)),
    ),
  );
  return element(
    'g',
    {class: 'axis'},
    element('line', {x1: plot.left, x2: plot.right, y1: plot.bottom, y2: plot.bottom, stroke: rule}),
    ...ticks,
    element(
      'text',
      {x: plot.right, y: plot.bottom + 34, 'text-anchor': 'end', fill: muted, 'font-size': 11},
      escape(name),
    ),
  );
}

/** A label at a line's end. */
export interface EndLabel {
  readonly y: number;
  readonly text: string;
  readonly look: Look;
  /** The line does not reach the plot's right end: no lead from there to the label. */
  readonly apart?: boolean;
}

/** Room that labels need beside the plot. */
export function endLabelWidth(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => textWidth(text))) + 38;
}

/** Writes labels beside the plot, moved apart so that none covers another, with a thin lead to where each belongs. */
export function drawEndLabels(labels: readonly EndLabel[], plot: Plot): string {
  const height = 16;
  const sorted = labels.toSorted((a, b) => a.y - b.y);
  const at = spread(
    sorted.map((label) => label.y),
    height,
    plot.top,
    Math.max(plot.bottom, plot.top + height * (labels.length - 1)),
  );
  const x = plot.right;
  return element(
    'g',
    {class: 'labels'},
    ...sorted.map(({y, text, look, apart}, i) =>
      element(
        'g',
        {},
        apart === true
          ? ''
          : element('path', {
              d: `M${round(x + 2)},${round(y)}L${round(x + 14)},${round(at[i])}`,
              stroke: look.colour,
              'stroke-opacity': 0.55,
              fill: 'none',
            }),
        element('path', {d: look.point, transform: translate(x + 20, at[i]), fill: look.colour}),
        element('text', {x: x + 29, y: at[i], dy: '0.34em', fill: ink}, escape(text)),
      ),
    ),
  );
}

/** Positions in rising order, at least `gap` apart within [low, high] and as near as may be to those given. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const at = wanted.map((y) => Math.min(high, Math.max(low, y)));
  // Down, then up: each pass pushes only as far as it must.
  for (let i = 1; i < at.length; i++) at[i] = Math.max(at[i], at[i - 1] + gap);
  if (at.length > 0) at[at.length - 1] = Math.min(at[at.length - 1], high);
  for (let i = at.length - 2; i >= 0; i--) at[i] = Math.min(at[i], at[i + 1] - gap);
  return at;
}
