// Figures as CSV, tables and SVG, from made-up data.
import {JSDOM} from 'jsdom';
import {describe, expect, test} from 'vitest';
import {
  comparisonCsv,
  comparisonTable,
  figureCsv,
  variationTable,
} from '../../../src/report/figures/comparisonTable.ts';
import {agrees, ratioOf} from '../../../src/report/figures/figure.ts';
import type {Comparison, Figure} from '../../../src/report/figures/figure.ts';
import {figureChart} from '../../../src/report/figures/figureChart.ts';
import {differencesTable, factsOf} from '../../../src/report/figures/profileTables.ts';
import {formatTable} from '../../../src/report/table.ts';
import {readProfile} from '../../../src/experiment/profileFiles.ts';

const comparison = (
  quantity: string,
  published: Comparison['published'],
  ours: number | null,
): Comparison => ({
  quantity,
  unit: 'x',
  published,
  ours,
});

const figure: Figure = {
  name: 'speed',
  title: 'Speed <of> things',
  citation: '[X] fig. 1',
  columns: ['scheme', 'tenants', 'flops'],
  rows: [
    ['time', 2, 1 / 3],
    ['space, all', 4, null],
  ],
  chart: {
    kind: 'panels',
    panels: [
      {
        title: 'lines',
        x: {name: 'tenants', from: 0},
        y: {name: 'TFLOP/s'},
        series: [
          {
            name: 'time',
            kind: 'line',
            marks: [
              {x: 0, y: 1},
              {x: 5, y: null},
              {x: 10, y: 2},
              {x: 20, y: 4},
            ],
          },
          {name: 'space', kind: 'points', marks: [{x: 10, y: 3, label: 'a & b'}]},
        ],
        levels: [{y: 2, text: 'limit'}],
      },
      {
        title: 'bars',
        x: {name: 'tenant', labels: ['one', 'two']},
        y: {name: 'ms'},
        series: [
          {
            name: 'time',
            kind: 'bars',
            marks: [
              {x: 0, y: 4},
              {x: 1, y: 2},
            ],
          },
          {
            name: 'space',
            kind: 'bars',
            marks: [
              {x: 0, y: 1},
              {x: 1, y: null},
            ],
          },
        ],
      },
    ],
  },
  comparisons: [
    comparison('time over space', {value: 4}, 5),
    comparison('space over time', {value: 4}, 1),
    comparison('at least', {value: 60, bound: 'at least'}, 149),
    comparison('not published', null, 2.5),
    comparison('not known', {value: 2}, null),
  ],
  notes: [],
};

describe('comparison', () => {
  test('the ratio is ours over published, and unknown where one of them is', () => {
    expect(figure.comparisons.map(ratioOf)).toEqual([1.25, 0.25, 149 / 60, null, null]);
  });

  test('agreement is symmetric in ratios, and a bound that is kept agrees', () => {
    expect(figure.comparisons.map((each) => agrees(each, 0.3))).toEqual([true, false, true, null, null]);
    expect(agrees(comparison('', {value: 4}, 4 / 1.29), 0.3)).toBe(true);
    expect(agrees(comparison('', {value: 4}, 4 / 1.31), 0.3)).toBe(false);
    expect(agrees(comparison('', {value: 60, bound: 'at least'}, 30), 0.3)).toBe(false);
    expect(agrees(comparison('', {value: 60, bound: 'at most'}, 10), 0.3)).toBe(true);
  });

  test('the table marks what is far off and dashes what is unknown', () => {
    const [, ...lines] = formatTable(comparisonTable([figure]), 'csv')
      .trim()
      .split('\n');
    expect(lines).toEqual([
      'speed,time over space,4x,5x,1.25',
      'speed,space over time,4x,1x,0.25 !',
      'speed,at least,≥ 60x,149x,2.48',
      'speed,not published,–,2.50x,–',
      'speed,not known,2x,–,–',
    ]);
  });

  test('variations find their quantity by name, and leave out what no paper states', () => {
    const changed = {...figure, comparisons: [comparison('time over space', {value: 4}, 3)]};
    const table = variationTable([figure], [{name: 'no-host', figures: [changed]}]);
    expect(table.columns.map(({name}) => name)).toEqual([
      'figure',
      'quantity',
      'published',
      'ours',
      'no-host',
    ]);
    expect(table.rows.map(({cells}) => cells.at(-1))).toEqual(['3x', '–', '–', '–']);
  });
});

describe('CSV', () => {
  test('holds the data with six digits, empty where there is none', () => {
    expect(figureCsv(figure)).toBe('scheme,tenants,flops\ntime,2,0.333333\n"space, all",4,\n');
  });

  test('holds the comparisons with bounds and ratios', () => {
    expect(comparisonCsv([figure]).split('\n').slice(1, 4)).toEqual([
      'speed,[X] fig. 1,time over space,x,,4,5,1.25',
      'speed,[X] fig. 1,space over time,x,,4,1,0.25',
      'speed,[X] fig. 1,at least,x,at least,60,149,2.48333',
    ]);
  });
});

describe('SVG', () => {
  const svg = figureChart(figure);
  const {DOMParser} = new JSDOM('').window;
  const document = new DOMParser().parseFromString(svg, 'image/svg+xml');

  test('is well formed and has as many digits as a pixel needs', () => {
    expect(document.querySelector('parsererror')).toBeNull();
    expect(document.querySelector('svg')).not.toBeNull();
    for (const number of svg.match(/\d+\.\d+/g) ?? []) expect(number).toMatch(/^\d+\.\d{1,3}$/);
  });

  test('is the same as before', async () => {
    await expect(`${svg.replaceAll('><', '>\n<')}\n`).toMatchFileSnapshot('golden/figure.svg');
  });

  test('has a panel for each, a legend entry for each name, and a gap where a value is missing', () => {
    expect(document.querySelectorAll('.panel')).toHaveLength(2);
    const texts = [...document.querySelectorAll('text')].map(({textContent}) => textContent);
    expect(texts.filter((text) => text === 'time')).toHaveLength(1);
    expect(texts).toEqual(expect.arrayContaining(['Speed <of> things', 'a & b', 'limit', 'one', 'two']));
    const line = document.querySelector('.series path[fill=none]')!.getAttribute('d')!;
    expect(line.match(/M/g)).toHaveLength(2);
  });

  test('bars stand on the axis, as high as their values', () => {
    const bars = [...document.querySelectorAll('rect')].map((bar) => ({
      height: Number(bar.getAttribute('height')),
      foot: Number(bar.getAttribute('y')) + Number(bar.getAttribute('height')),
    }));
    expect(bars).toHaveLength(3);
    expect(new Set(bars.map(({foot}) => foot.toFixed(1))).size).toBe(1);
    expect(bars[0].height / bars[1].height).toBeCloseTo(2, 1);
    expect(bars[0].height / bars[2].height).toBeCloseTo(4, 1);
  });
});

describe('profile tables', () => {
  const profile = readProfile('v100');

  test('every fact names a source of the profile', () => {
    const facts = factsOf(profile);
    expect(facts.length).toBeGreaterThan(20);
    for (const {source} of facts) expect(Object.keys(profile.sources)).toContain(source);
    expect(facts).toContainEqual({...profile.sharing.switch_ns, name: 'sharing.switch_ns'});
  });

  test('two profiles differ in what was changed and nothing else', () => {
    const {sharing} = profile;
    const other = {
      ...profile,
      sharing: {...sharing, switch_ns: {value: 2 * sharing.switch_ns.value, source: 'probe'}},
    };
    expect(differencesTable(profile, profile).rows).toEqual([]);
    const [row, ...more] = differencesTable(profile, other).rows;
    expect(more).toEqual([]);
    expect(row.cells).toMatchObject({0: 'sharing.switch_ns', 3: '2.00', 5: 'probe'});
  });
});
