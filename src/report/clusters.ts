import {polygonHull} from 'd3';
import {drawBottomAxis, drawLeftAxis, logAxis} from './charts/axes.ts';
import type {Axis, Plot} from './charts/axes.ts';
import {lookOf} from './charts/palette.ts';
import type {Look} from './charts/palette.ts';
import {drawing, element, escape, muted, paper, round, textWidth, translate} from './charts/svg.ts';

/** The GEMMs of one shape in one model. */
export interface ShapePoint {
  readonly model: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** How often the model has it. */
  readonly count: number;
  /** Which cluster it belongs to; null for none. */
  readonly cluster: number | null;
}

/**
 * The GEMM shapes of many models, as [OoO] fig. 7: outputs m·n against depth k, both logarithmic, one colour a model. A
 * point's area grows with how often the model has the shape; outlines join the shapes of one cluster.
 */
export function clusterChart(
  points: readonly ShapePoint[],
  {width = 720, height = 460}: {width?: number; height?: number} = {},
): string {
  const models = [...new Set(points.map((point) => point.model))];
  const looks = new Map(models.map((model, i) => [model, lookOf(i)]));
  const labels = Math.max(0, ...models.map((model) => textWidth(model)));
  const plot: Plot = {left: 58, right: width - labels - 40, top: 34, bottom: height - 42};
  const across = positive(points.map((point) => point.k));
  const up = positive(points.map(({m, n}) => m * n));
  const x = logAxis(widened(across), [plot.left, plot.right], powerText);
  const y = logAxis(widened(up), [plot.bottom, plot.top], powerText);
  return drawing(
    {width, height, title: 'GEMM shapes: outputs m·n against depth k'},
    drawLeftAxis(y, plot, 'outputs m·n'),
    drawBottomAxis(x, plot, 'depth k'),
    ...outlines(points, x, y),
    ...points
      .toSorted((a, b) => b.count - a.count)
      .map((point) => drawPoint(point, looks.get(point.model)!, x, y)),
    ...models.map((model, i) => modelLabel(model, looks.get(model)!, plot.right + 20, plot.top + 6 + 18 * i)),
  );
}

function drawPoint({model, m, n, k, count}: ShapePoint, look: Look, x: Axis, y: Axis): string {
  const scale = Math.min(3, Math.sqrt(Math.sqrt(count)));
  return element(
    'path',
    {
      d: look.point,
      transform: `${translate(x(k), y(m * n))} scale(${round(scale)})`,
      fill: look.colour,
      'fill-opacity': 0.75,
      stroke: paper,
      'stroke-width': 0.8 / scale,
    },
    element('title', {}, escape(`${model}: ${m} × ${n} × ${k}${count > 1 ? `, ${count} times` : ''}`)),
  );
}

/** A soft outline around each cluster of at least two different shapes, with its letter. */
function outlines(points: readonly ShapePoint[], x: Axis, y: Axis): string[] {
  const clusters = new Map<number, ShapePoint[]>();
  for (const point of points) {
    if (point.cluster === null) continue;
    clusters.set(point.cluster, [...(clusters.get(point.cluster) ?? []), point]);
  }
  return [...clusters]
    .sort(([a], [b]) => a - b)
    .flatMap(([, members]) => {
      const places = new Map(
        members.map(({m, n, k}): [string, [number, number]] => [`${k}/${m * n}`, [x(k), y(m * n)]]),
      );
      if (places.size < 2) return [];
      const corners = polygonHull([...places.values()]) ?? [...places.values()];
      const path = corners.map(([px, py]) => `${round(px)},${round(py)}`).join('L');
      const names = [...new Set(members.map((member) => member.model))];
      return [
        element(
          'path',
          {
            d: `M${path}Z`,
            fill: muted,
            stroke: muted,
            'stroke-width': 22,
            'stroke-linejoin': 'round',
            'stroke-linecap': 'round',
            opacity: 0.13,
          },
          element('title', {}, escape(`cluster of ${places.size} shapes: ${names.join(', ')}`)),
        ),
      ];
    });
}

function modelLabel(model: string, look: Look, x: number, y: number): string {
  return element(
    'g',
    {transform: translate(x, y)},
    element('path', {d: look.point, fill: look.colour}),
    element('text', {x: 10, dy: '0.35em'}, escape(model)),
  );
}

function positive(values: readonly number[]): [number, number] {
  const found = values.filter((value) => value > 0);
  return found.length === 0 ? [1, 10] : [Math.min(...found), Math.max(...found)];
}

/** A little room around, so that points at the ends are whole. */
function widened([low, high]: [number, number]): [number, number] {
  const by = Math.max(1.3, (high / low) ** 0.06);
  return [low / by, high * by];
}

/** 1,000 as 1k, a million as 1M. */
function powerText(value: number): string {
  if (value >= 1e6) return `${Math.round(value / 1e5) / 10}M`;
  return value >= 1e3 ? `${Math.round(value / 100) / 10}k` : String(Math.round(value));
}
