import {drawBottomAxis, drawEndLabels, drawLeftAxis, endLabelWidth, linearAxis, logAxis} from './axes.ts';
import type {Plot} from './axes.ts';
import type {Look} from './palette.ts';
import {drawing, element, escape, round} from './svg.ts';

/** One policy's latency distribution: rising points, as far as its sample supports them. */
export interface QuantileLine {
  readonly name: string;
  readonly look: Look;
  readonly points: readonly {readonly p: number; readonly value: number}[];
}

/**
 * Latency by percentile, after HdrHistogram: each step to the right leaves out nine tenths of the requests, so that the
 * tail, which an ordinary distribution curve hides in its last pixel, has as much room as the rest.
 */
export function quantileChart(chart: {
  readonly title: string;
  readonly lines: readonly QuantileLine[];
  readonly name: string;
  readonly format: (value: number) => string;
  readonly width?: number;
  readonly height?: number;
}): string {
  const {lines, title, name, format, width = 540, height = 300} = chart;
  const labels = endLabelWidth(lines.map((line) => line.name));
  const plot: Plot = {left: 46, right: width - labels, top: 34, bottom: height - 42};
  const points = lines.flatMap((line) => line.points);
  const values = points.map((point) => point.value).filter((value) => value > 0);
  const furthest = Math.max(1, ...points.map(({p}) => nines(p)));
  const ticks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999].filter((p) => nines(p) <= furthest + 1e-9);
  const across = linearAxis([0, furthest], [plot.left + 6, plot.right], ticks.map(nines), (value) =>
    percentText(1 - 10 ** -value),
  );
  const low = values.length === 0 ? 1 : Math.min(...values);
  const high = values.length === 0 ? 10 : Math.max(...values);
  const y = logAxis([low / 1.15, high * 1.15], [plot.bottom, plot.top], format);
  return drawing(
    {width, height, title},
    drawLeftAxis(y, plot, name),
    drawBottomAxis(across, plot, 'percentile of requests'),
    ...lines.map((line) =>
      element(
        'path',
        {
          d: line.points
            .map(({p, value}, i) => `${i === 0 ? 'M' : 'L'}${round(across(nines(p)))},${round(y(value))}`)
            .join(''),
          fill: 'none',
          stroke: line.look.colour,
          'stroke-width': 2,
          'stroke-linejoin': 'round',
          'stroke-dasharray': line.look.dashes,
        },
        element('title', {}, escape(line.name)),
      ),
    ),
    drawEndLabels(
      lines.flatMap(({name, look, points}) => {
        const last = points.at(-1);
        return last === undefined ? [] : [{text: name, look, y: y(last.value)}];
      }),
      plot,
    ),
  );
}

/** 1 at 90 %, 2 at 99 %, and so on. */
function nines(p: number): number {
  return -Math.log10(1 - p);
}

function percentText(p: number): string {
  return `${Number((100 * p).toFixed(3))}`;
}
