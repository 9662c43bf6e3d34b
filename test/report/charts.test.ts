import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {linearAxis, logAxis, spread} from '../../src/report/charts/axes.ts';
import {barChart} from '../../src/report/charts/barChart.ts';
import {heatMap} from '../../src/report/charts/heatMap.ts';
import {lineChart} from '../../src/report/charts/lineChart.ts';
import {lookOf} from '../../src/report/charts/palette.ts';
import {quantileChart} from '../../src/report/charts/quantileChart.ts';
import {element, round} from '../../src/report/charts/svg.ts';
import {clusterChart} from '../../src/report/clusters.ts';
import type {ShapePoint} from '../../src/report/clusters.ts';

const look = lookOf(0);
const plain = (value: number): string => String(value);

describe('markup', () => {
  test('closes what HTML would leave open', () => {
    expect(element('div')).toBe('<div></div>');
    expect(element('path', {d: 'M0,0'})).toBe('<path d="M0,0"/>');
  });

  test('escapes what is in attributes and rounds numbers', () => {
    expect(element('path', {title: '"<&>"', x: 1 / 3, y: -0.001, none: undefined})).toBe(
      '<path title="&quot;&lt;&amp;&gt;&quot;" x="0.33" y="0"/>',
    );
    expect(round(1e6 + 0.005)).toBe('1000000.01');
  });
});

describe('labels moved apart', () => {
  test.prop([fc.array(fc.integer({min: -50, max: 350}), {minLength: 1, maxLength: 12})])(
    'keep their order, their distance and the plot’s height',
    (wanted) => {
      const sorted = wanted.toSorted((a, b) => a - b);
      const at = spread(sorted, 15, 0, 300);
      expect(Math.min(...at)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...at)).toBeLessThanOrEqual(300);
      for (let i = 1; i < at.length; i++) expect(at[i] - at[i - 1]).toBeGreaterThanOrEqual(15 - 1e-9);
    },
  );

  test('that have room stay where they are', () => {
    expect(spread([10, 50, 90], 15, 0, 100)).toEqual([10, 50, 90]);
  });
});

describe('axes', () => {
  const ends = fc.tuple(
    fc.double({min: 1e-3, max: 1e6, noNaN: true}),
    fc.double({min: 1.01, max: 1e6, noNaN: true}),
  );

  test.prop([ends])('put their domain’s ends at the range’s, and ticks between', ([low, factor]) => {
    const high = low * factor;
    for (const axis of [linearAxis([low, high], [0, 100], 5), logAxis([low, high], [0, 100])]) {
      expect(axis(low)).toBeCloseTo(0, 6);
      expect(axis(high)).toBeCloseTo(100, 6);
      for (const {value} of axis.ticks) {
        expect(axis(value)).toBeGreaterThan(-0.1);
        expect(axis(value)).toBeLessThan(100.1);
      }
    }
  });

  test('marks as many places of a decade as there is room for', () => {
    expect(logAxis([1, 9], [0, 100]).ticks.map(({value}) => value)).toEqual([1, 1.5, 2, 3, 4, 5, 7]);
    expect(logAxis([1, 99], [0, 100]).ticks.map(({value}) => value)).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logAxis([1, 1e6], [0, 100]).ticks.map(({value}) => value)).toEqual([
      1, 10, 100, 1e3, 1e4, 1e5, 1e6,
    ]);
  });

  test('zero and below lie at the low end of a logarithmic axis', () => {
    expect(logAxis([1, 10], [0, 100])(0)).toBe(0);
  });
});

describe('charts', () => {
  test('of lines have bars, hollow points and a way out of the plot', async () => {
    const point = (x: number, mean: number | null, saturated = false) => ({
      x,
      y: mean === null ? null : {mean, half_width: 0.1 * mean},
      saturated,
      text: `${mean}`,
    });
    const svg = lineChart({
      title: 'p99 against load',
      lines: [
        {name: 'ooo', look, points: [point(1, 10), point(2, 14), point(3, 30)]},
        {name: 'mps', look: lookOf(1), points: [point(1, 12), point(2, null, true), point(3, null, true)]},
      ],
      x: {name: 'load', ticks: [1, 2, 3]},
      y: {name: 'p99', log: true, format: plain},
    });
    await expect(svg).toMatchFileSnapshot('golden/lines.svg');
  });

  test('of lines cut a ceiling that is far above them', async () => {
    const points = [1, 2, 3].map((x) => ({x, y: {mean: 100, half_width: null}, saturated: x > 1, text: ''}));
    const svg = lineChart({
      title: 'goodput',
      lines: [{name: 'ooo', look, points}],
      x: {name: 'load', ticks: [1, 2, 3]},
      y: {name: 'goodput', format: plain},
      ceiling: {points: [1, 2, 3].map((x) => ({x, y: 100 * x})), text: 'offered'},
    });
    await expect(svg).toMatchFileSnapshot('golden/ceiling.svg');
  });

  test('of bars say why one is missing', async () => {
    const svg = barChart({
      title: 'goodput',
      bars: [
        {name: 'ooo', look, value: {mean: 70, half_width: 4}, text: '70 ± 4'},
        {name: 'mps', look: lookOf(1), value: null, text: 'backlog grows'},
      ],
    });
    await expect(svg).toMatchFileSnapshot('golden/bars.svg');
  });

  test('of quantiles give each nine of the percentile the same room', async () => {
    const svg = quantileChart({
      title: 'latency',
      lines: [
        {name: 'ooo', look, points: [0.1, 0.5, 0.9, 0.99, 0.999].map((p) => ({p, value: 1 / (1 - p)}))},
      ],
      name: 'ms',
      format: plain,
    });
    await expect(svg).toMatchFileSnapshot('golden/quantiles.svg');
  });

  test('of cells leave out names and texts that do not fit', () => {
    const map = (columns: number): string =>
      heatMap({
        title: 'tenants',
        rows: ['ooo'],
        columns: Array.from({length: columns}, (_, i) => `t${i}`),
        cells: [Array.from({length: columns}, () => ({text: '99', fill: '#eee', ink: '#000', title: 'x'}))],
      });
    expect(map(4).match(/<text/g)).toHaveLength(1 + 4 + 4);
    expect(map(200).match(/<text/g)).toHaveLength(1);
    expect(map(200).match(/<rect/g)).toHaveLength(200);
  });

  test.prop([
    fc.array(
      fc.record({
        model: fc.constantFrom('resnet-50', 'bert', 'gnmt'),
        m: fc.integer({min: 1, max: 4096}),
        n: fc.integer({min: 1, max: 4096}),
        k: fc.integer({min: 1, max: 4096}),
        count: fc.integer({min: 1, max: 64}),
        cluster: fc.option(fc.nat(4)),
      }),
      {maxLength: 30},
    ),
  ])('of shapes have one point a shape, all within the drawing', (points: ShapePoint[]) => {
    const svg = clusterChart(points, {width: 700, height: 400});
    expect(svg).not.toMatch(/NaN|Infinity/);
    const marks = [...svg.matchAll(/translate\(([\d.]+),([\d.]+)\) scale/g)];
    expect(marks).toHaveLength(points.length);
    for (const [, x, y] of marks) {
      expect(Number(x)).toBeLessThan(700);
      expect(Number(y)).toBeLessThan(400);
    }
  });

  test('of shapes outline the clusters of several shapes', async () => {
    const shape = (model: string, m: number, n: number, k: number, cluster: number | null): ShapePoint => ({
      model,
      m,
      n,
      k,
      count: 1,
      cluster,
    });
    const svg = clusterChart([
      shape('resnet-50', 64, 3136, 64, 0),
      shape('resnet-50', 64, 3136, 576, 0),
      shape('vgg-16', 64, 3136, 256, 0),
      shape('bert', 768, 128, 768, 1),
      shape('bert', 3072, 128, 768, 1),
      shape('gnmt', 4096, 1, 1024, null),
    ]);
    expect(svg.match(/cluster of \d shapes/g)).toEqual(['cluster of 3 shapes', 'cluster of 2 shapes']);
    await expect(svg).toMatchFileSnapshot('golden/clusters.svg');
  });
});
