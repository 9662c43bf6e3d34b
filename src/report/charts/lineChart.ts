import type {Estimate} from '../../metrics/stats.ts';
import {drawBottomAxis, drawEndLabels, drawLeftAxis, endLabelWidth, linearAxis, logAxis} from './axes.ts';
import type {Axis, Plot} from './axes.ts';
import type {Look} from './palette.ts';
import {drawing, element, escape, muted, paper, round, translate} from './svg.ts';

/** One policy's line. Points are in rising order of x. */
export interface Line {
  readonly name: string;
  readonly look: Look;
  readonly points: readonly LinePoint[];
}

export interface LinePoint {
  readonly x: number;
  /** Null where the metric has no value, e.g. the p99 of a saturated system. */
  readonly y: Estimate | null;
  /** Saturated: drawn hollow; where there is no value, the line leaves through the top. */
  readonly saturated: boolean;
  /** What the point says when it is pointed at. */
  readonly text: string;
}

export interface LineChart {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly x: {readonly name: string; readonly ticks?: readonly number[]};
  readonly y: {
    readonly name: string;
    /** Default: from 0 (or the least value on a logarithmic axis) to the largest. */
    readonly domain?: readonly [number, number];
    readonly log?: boolean;
    readonly format: (value: number) => string;
  };
  /** A level to compare with. */
  readonly reference?: {readonly y: number; readonly text: string};
  /** A line that everything is below, e.g. what was offered. */
  readonly ceiling?: {readonly points: readonly {x: number; y: number}[]; readonly text: string};
  readonly width?: number;
  readonly height?: number;
}

/** A metric against the load, one line a policy, with error bars and a label at each line's end. */
export function lineChart(chart: LineChart): string {
  const {lines, width = 540, height = 300, title} = chart;
  const labels = endLabelWidth(lines.map(({name}) => name));
  const plot: Plot = {left: 46, right: width - labels, top: 34, bottom: height - 42};
  const [least, most] = extentOf(lines);
  const inset = 14;
  const ticks = chart.x.ticks?.filter((tick) => tick <= most) ?? 6;
  const x = linearAxis([least, most], [plot.left + inset, plot.right - inset], ticks);
  const y = valueAxis(chart, plot);
  return drawing(
    {width, height, title},
    drawLeftAxis(y, plot, chart.y.name),
    drawBottomAxis(x, plot, chart.x.name),
    drawReference(chart, y, plot),
    drawCeiling(chart, x, y, plot),
    ...lines.map((line, i) => drawLine(line, x, y, plot, 2 * (i - (lines.length - 1) / 2))),
    drawEndLabels(
      lines.flatMap(({name, look, points}) => {
        const last = points.findLast((point) => point.y !== null);
        if (last === undefined) return [];
        const leaves = points.some((point) => point.x > last.x && point.saturated);
        return [{text: name, look, y: leaves ? plot.top : y(last.y!.mean), apart: last.x < most}];
      }),
      plot,
    ),
  );
}

/** From the first x to the one after the last that has a value. */
function extentOf(lines: readonly Line[]): [number, number] {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map((point) => point.x);
  const known = points.filter((point) => point.y !== null).map((point) => point.x);
  const last = Math.max(...(known.length === 0 ? xs : known));
  return [Math.min(...xs), Math.min(...xs.filter((x) => x > last), Math.max(...xs))];
}

function valueAxis({lines, y, ceiling}: LineChart, plot: Plot): Axis {
  const range = [plot.bottom, plot.top] as const;
  const known = lines.flatMap(({points}) => points.map((point) => point.y)).filter((value) => value !== null);
  const means = known.map((value) => value.mean);
  const most = Math.max(0, ...means);
  const highest = Math.max(0, ...known.map((value) => value.mean + (value.half_width ?? 0)));
  // Bars of a few replications, and a ceiling far above, would flatten all lines: they are cut.
  if (y.log === true) {
    const positive = means.filter((value) => value > 0);
    if (positive.length === 0) return logAxis([1, 10], range, y.format);
    return logAxis([Math.min(...positive) / 1.4, Math.min(highest * 1.05, most * 1.6)], range, y.format);
  }
  const roof = Math.max(0, ...(ceiling?.points ?? []).map((point) => point.y));
  const high = Math.max(Math.min(1.3 * most, Math.max(roof, highest)), most * 1.02) || 1;
  return linearAxis(y.domain ?? [0, high], range, 5, y.format);
}

function drawLine({name, look, points}: Line, x: Axis, y: Axis, plot: Plot, shift: number): string {
  const {colour, dashes, point: shape} = look;
  const within = (value: number): number => Math.min(plot.bottom, Math.max(plot.top, y(value)));
  const known = points.filter((point) => point.y !== null);
  const path = known.map(({x: at, y: value}) => `${round(x(at))},${round(y(value!.mean))}`).join('L');
  const bars = known.map(({x: at, y: value}) => {
    const half = value!.half_width ?? 0;
    const [high, low] = [within(value!.mean + half), within(value!.mean - half)];
    if (!(low - high > 3)) return '';
    return element('path', {d: `M${round(x(at) + shift)},${round(high)}V${round(low)}`});
  });
  const marks = known.map(({x: at, y: value, saturated, text}) =>
    element(
      'path',
      {
        transform: translate(x(at), y(value!.mean)),
        d: shape,
        fill: saturated ? paper : colour,
        stroke: saturated ? colour : paper,
        'stroke-width': saturated ? 1.6 : 1,
      },
      element('title', {}, escape(`${name}: ${text}`)),
    ),
  );
  return element(
    'g',
    {class: 'series'},
    element('g', {stroke: colour, 'stroke-width': 1.4, 'stroke-opacity': 0.6}, ...bars),
    path === ''
      ? ''
      : element('path', {
          d: `M${path}`,
          fill: 'none',
          stroke: colour,
          'stroke-width': 2,
          'stroke-linejoin': 'round',
          'stroke-dasharray': dashes,
        }),
    drawLeaving({name, look, points}, x, y, plot),
    ...marks,
  );
}

/** From the last value to the top, where the first load has none because the backlog grows: no latency is enough. */
function drawLeaving({look, points}: Line, x: Axis, y: Axis, plot: Plot): string {
  const last = points.findLastIndex((point) => point.y !== null);
  const next = points[last + 1];
  if (last < 0 || next === undefined || !next.saturated) return '';
  const from = points[last];
  // As steep as the way to a point far above the next load, cut at the top.
  const [x0, y0] = [x(from.x), y(from.y!.mean)];
  const x1 = x0 + 0.5 * (x(next.x) - x0);
  return element(
    'g',
    {stroke: look.colour, fill: 'none', 'stroke-width': 1.6},
    element('path', {
      d: `M${round(x0)},${round(y0)}L${round(x1)},${round(plot.top)}`,
      'stroke-dasharray': '2 3',
    }),
    element('path', {d: `M${round(x1 - 4)},${round(plot.top + 6)}L${round(x1)},${round(plot.top)}l4,6`}),
  );
}

function drawReference({reference}: LineChart, y: Axis, plot: Plot): string {
  if (reference === undefined) return '';
  const at = y(reference.y);
  return element(
    'g',
    {fill: muted, 'font-size': 11},
    element('path', {
      d: `M${round(plot.left)},${round(at)}H${round(plot.right)}`,
      stroke: muted,
      'stroke-dasharray': '4 3',
    }),
    // A level at the top is named above the plot, where no line comes.
    element(
      'text',
      {x: plot.right, y: at - plot.top < 16 ? plot.top - 8 : at - 5, 'text-anchor': 'end'},
      escape(reference.text),
    ),
  );
}

function drawCeiling({ceiling}: LineChart, x: Axis, y: Axis, plot: Plot): string {
  const points = (ceiling?.points ?? []).map((point) => [x(point.x), y(point.y)] as const);
  const inside = points.filter(([, py]) => py >= plot.top);
  const beyond = points.find(([, py]) => py < plot.top);
  const last = inside.at(-1);
  if (ceiling === undefined || last === undefined) return '';
  if (beyond !== undefined) {
    const share = (last[1] - plot.top) / (last[1] - beyond[1]);
    inside.push([last[0] + share * (beyond[0] - last[0]), plot.top]);
  }
  // Nothing lies above the ceiling, so its name has room there.
  const [[x0, y0], [x1, y1]] = inside.length > 1 ? inside.slice(-2) : [last, last];
  return element(
    'g',
    {fill: muted, 'font-size': 11},
    element('path', {
      d: `M${inside.map(([px, py]) => `${round(px)},${round(py)}`).join('L')}`,
      fill: 'none',
      stroke: muted,
      'stroke-dasharray': '4 3',
    }),
    element('text', {x: (x0 + x1) / 2 - 8, y: (y0 + y1) / 2 - 4, 'text-anchor': 'end'}, escape(ceiling.text)),
  );
}
