import type {Estimate} from '../../metrics/stats.ts';
import {linearAxis} from './axes.ts';
import type {Look} from './palette.ts';
import {drawing, element, escape, grid, ink, muted, round, textWidth, translate} from './svg.ts';

export interface Bar {
  readonly name: string;
  readonly look: Look;
  /** Null where the metric has no value; `text` then says why. */
  readonly value: Estimate | null;
  readonly text: string;
}

const rowHeight = 30;

/** A metric of each policy as a horizontal bar with its interval, for results of one load. */
export function barChart(chart: {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** The value that the axis ends at; default: the largest. */
  readonly most?: number;
  readonly width?: number;
}): string {
  const {title, bars, width = 540} = chart;
  const left = Math.max(...bars.map(({name}) => textWidth(name))) + 14;
  const right = width - Math.max(...bars.map(({text}) => textWidth(text))) - 14;
  const ends = bars.map(({value}) => (value === null ? 0 : value.mean + (value.half_width ?? 0)));
  const x = linearAxis([0, chart.most ?? (Math.max(...ends) || 1)], [left, right], 5);
  const height = bars.length * rowHeight + 8;
  const rows = bars.map(({name, look, value, text}, i) => {
    const parts = [
      element('text', {x: left - 10, y: rowHeight / 2, dy: '0.35em', 'text-anchor': 'end'}, escape(name)),
    ];
    let end = left;
    if (value !== null) {
      end = x(value.mean);
      const half = value.half_width ?? 0;
      const [low, high] = [Math.max(left, x(value.mean - half)), Math.min(right, x(value.mean + half))];
      parts.push(
        element('rect', {
          x: left,
          y: 7,
          width: Math.max(1, end - left),
          height: rowHeight - 14,
          rx: 2,
          fill: look.colour,
        }),
      );
      if (high - low > 2)
        parts.push(
          element('path', {
            d: `M${round(low)},${rowHeight / 2}H${round(high)}`,
            stroke: ink,
            'stroke-width': 1.5,
          }),
        );
      end = Math.max(end, high);
    }
    parts.push(
      element(
        'text',
        {x: end + 8, y: rowHeight / 2, dy: '0.35em', fill: value === null ? muted : ink},
        escape(text),
      ),
    );
    return element('g', {transform: translate(0, i * rowHeight)}, ...parts);
  });
  const zero = element('line', {x1: left, x2: left, y1: 0, y2: height - 8, stroke: grid});
  return drawing({width, height, title}, zero, ...rows);
}
