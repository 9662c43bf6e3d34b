import {lookOf} from '../charts/palette.ts';
import type {Look} from '../charts/palette.ts';
import {drawing, element, escape, ink, muted, textWidth, translate} from '../charts/svg.ts';
import {clusterChart} from '../clusters.ts';
import type {Figure, Panel} from './figure.ts';
import {drawPanel, margin} from './panel.ts';

const panelWidth = 330;
const panelHeight = 290;
/** Most panels beside each other. */
const across = 3;

/** A figure as an SVG that reads on its own: its panels side by side under one legend. */
export function figureChart({title, citation, chart}: Pick<Figure, 'title' | 'citation' | 'chart'>): string {
  if (chart.kind === 'shapes') return clusterChart(chart.points);
  const {panels} = chart;
  const names = [...new Set(panels.flatMap(({series}) => series.map(({name}) => name)))];
  const looks = new Map(names.map((name, i) => [name, lookOf(i)]));
  const columns = Math.min(across, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const width = Math.max(columns * panelWidth, 480);
  const legend = names.length > 1 ? drawLegend(names, looks, width) : {text: '', height: 0};
  const head = 44 + legend.height;
  return drawing(
    {width, height: head + rows * panelHeight, title: `${title} (${citation})`},
    element('text', {x: 0, y: 15, fill: ink, 'font-weight': 600, 'font-size': 13}, escape(title)),
    element('text', {x: 0, y: 31, fill: muted, 'font-size': 11}, escape(citation)),
    element('g', {transform: translate(0, 48)}, legend.text),
    ...panels.map((panel, i) =>
      drawPanel(panel, placeOf(panel, i, columns, head, width), (name) => looks.get(name)!),
    ),
  );
}

function placeOf({series}: Panel, i: number, columns: number, head: number, width: number) {
  const each = width / columns;
  const left = (i % columns) * each + margin;
  const top = head + Math.floor(i / columns) * panelHeight + 44;
  // Labels beside points need room at the right.
  const labels = series
    .filter(({kind}) => kind === 'points')
    .flatMap(({marks}) => marks.map(({label}) => textWidth(label ?? '', 11)));
  return {
    left,
    right: left + each - margin - 14 - Math.max(0, ...labels),
    top,
    bottom: top + panelHeight - 44 - 48,
  };
}

/** Names with their marks, in rows as wide as the drawing. */
function drawLegend(
  names: readonly string[],
  looks: ReadonlyMap<string, Look>,
  width: number,
): {text: string; height: number} {
  let x = 6;
  let y = 0;
  const entries = names.map((name) => {
    const {point, colour} = looks.get(name)!;
    const length = 26 + textWidth(name);
    if (x + length > width && x > 6) {
      x = 6;
      y += 18;
    }
    const entry = element(
      'g',
      {transform: translate(x, y)},
      element('path', {d: point, fill: colour}),
      element('text', {x: 10, dy: '0.34em', fill: ink}, escape(name)),
    );
    x += length;
    return entry;
  });
  return {text: entries.join(''), height: y + 18};
}
