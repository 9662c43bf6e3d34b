import {drawBottomAxis, drawLeftAxis, linearAxis, logAxis} from '../charts/axes.ts';
import type {Axis, Plot} from '../charts/axes.ts';
import type {Look} from '../charts/palette.ts';
import {element, escape, ink, muted, round} from '../charts/svg.ts';
import {drawSeries} from './marks.ts';
import type {Panel, PanelAxis} from './figure.ts';

/** One plot with its axes and title, inside `plot` of the drawing. */
export function drawPanel(panel: Panel, plot: Plot, lookOf: (name: string) => Look): string {
  const {title, series, levels = []} = panel;
  const marks = series.flatMap((each) => each.marks);
  const known = marks.map((mark) => mark.y).filter((value) => value !== null);
  const barred = series.filter(({kind}) => kind === 'bars');
  const x = xAxis(
    panel.x,
    marks.map((mark) => mark.x),
    plot,
    barred.length > 0,
  );
  const y = valueAxis(panel.y, [...known, ...levels.map((level) => level.y)], [plot.bottom, plot.top]);
  return element(
    'g',
    {class: 'panel'},
    element('text', {x: plot.left, y: plot.top - 28, fill: ink, 'font-weight': 600}, escape(title)),
    // The left axis writes its name at the drawing's own left edge: move it to the panel's.
    element(
      'g',
      {transform: `translate(${round(plot.left - margin)},0)`},
      drawLeftAxis(y, moved(plot), panel.y.name),
    ),
    drawBottomAxis(x, plot, panel.x.name),
    ...levels.map((level) => drawLevel(y(level.y), level.text, plot)),
    ...series.map((each) =>
      drawSeries(each, {
        x,
        y,
        plot,
        look: lookOf(each.name),
        bar: {
          index: barred.indexOf(each),
          count: Math.max(1, barred.length),
          width:
            0.8 *
            spacing(
              x,
              marks.map((mark) => mark.x),
            ),
        },
      }),
    ),
  );
}

/** Room for the texts of the left axis. */
export const margin = 46;

const moved = (plot: Plot): Plot => ({...plot, left: margin, right: plot.right - plot.left + margin});

function xAxis(axis: PanelAxis, values: readonly number[], plot: Plot, bars: boolean): Axis {
  const {labels} = axis;
  if (labels !== undefined) {
    const ticks = labels.map((_, i) => i);
    return linearAxis([-0.5, labels.length - 0.5], [plot.left, plot.right], ticks, (i) => labels[i]);
  }
  const inset = bars ? 12 : 6;
  return valueAxis(axis, values, [plot.left + inset, plot.right - inset], values.every(Number.isInteger));
}

function valueAxis(
  {log, from}: PanelAxis,
  values: readonly number[],
  range: readonly [number, number],
  whole = false,
): Axis {
  const most = Math.max(...values, 0);
  if (log === true) {
    const positive = values.filter((value) => value > 0);
    return logAxis([Math.min(...positive, most), Math.max(most, 1e-9)], range);
  }
  const low = from ?? (whole ? Math.min(...values) : 0);
  return linearAxis([low, whole ? most : 1.05 * most || 1], range, 5);
}

/** Px between neighbours. */
function spacing(x: Axis, values: readonly number[]): number {
  const at = [...new Set(values)].sort((a, b) => a - b).map((value) => x(value));
  const gaps = at.slice(1).map((px, i) => px - at[i]);
  return gaps.length === 0 ? 40 : Math.min(...gaps);
}

function drawLevel(at: number, text: string, plot: Plot): string {
  return element(
    'g',
    {fill: muted, 'font-size': 11},
    element('path', {
      d: `M${round(plot.left)},${round(at)}H${round(plot.right)}`,
      stroke: muted,
      'stroke-dasharray': '4 3',
    }),
    element('text', {x: plot.left + 4, y: at - 4}, escape(text)),
  );
}
