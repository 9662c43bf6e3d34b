import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {aggregate} from '../../src/metrics/aggregate.ts';
import {compare} from '../../src/metrics/compare.ts';
import {compareTable} from '../../src/report/compareTable.ts';
import {formatCsv, summaryCsv, tenantCsv} from '../../src/report/csv.ts';
import {
  formatDuration,
  formatEstimate,
  formatNumber,
  formatPercent,
  formatShort,
} from '../../src/report/format.ts';
import {formatJson} from '../../src/report/json.ts';
import {summaryTable, tenantTable} from '../../src/report/summaryTable.ts';
import {formatTable} from '../../src/report/table.ts';
import {cell, runSummary, sweep} from './results.ts';

describe('numbers', () => {
  test.each([
    [0, '0'],
    [1234567, '1,234,567'],
    [1234.5, '1,235'],
    [123.45, '123'],
    [12.345, '12.3'],
    [-1.2345, '-1.23'],
    [0.012345, '0.0123'],
    [-0.0000001, '0.000000'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test('without trailing zeros are as a person writes them', () => {
    expect([0.5, 1, 1.25, 100, 1000].map(formatShort)).toEqual(['0.5', '1', '1.25', '100', '1,000']);
  });

  test('with an interval have the digits that the interval leaves them', () => {
    expect(formatEstimate({mean: 31.44, half_width: 1.23})).toBe('31.4 ± 1.2');
    expect(formatEstimate({mean: 31.44, half_width: 4.2})).toBe('31 ± 4');
    expect(formatEstimate({mean: 6.1, half_width: 0.013})).toBe('6.10 ± 0.01');
    expect(formatEstimate({mean: 1200.4, half_width: 0})).toBe('1,200 ± 0');
    expect(formatEstimate({mean: 1200.4, half_width: null})).toBe('1,200');
    expect(formatEstimate(null)).toBe('–');
  });

  test('close to 100 % keep two decimals, as there the misses count', () => {
    expect(formatPercent({mean: 0.99987, half_width: null})).toBe('99.99');
    expect(formatPercent({mean: 0.5, half_width: 0.02})).toBe('50.0 ± 2.0');
    expect(formatPercent({mean: 1, half_width: 0})).toBe('100.0 ± 0.0');
  });

  test('of nanoseconds take the unit that suits them', () => {
    expect([850, 12_300, 4.56e6, 7.89e9].map(formatDuration)).toEqual([
      '850 ns',
      '12.3 µs',
      '4.56 ms',
      '7.89 s',
    ]);
  });
});

describe('the summary table', () => {
  test('says how much of the kernel time is extrapolated, where it is enough to matter', () => {
    const notesFor = (...shares: (number | null)[]): string =>
      summaryTable(shares.map((extrapolated, i) => cell('mps', i, {extrapolated}))).notes.join('\n');
    const why =
      'of kernel time extrapolated: predicted for shapes or sizes outside the profile’s measurements.';
    expect(notesFor(0.38)).toContain(`38 % ${why}`);
    expect(notesFor(0.376, 0.124)).toContain(`12 to 38 % ${why}`);
    expect(notesFor(0.376, 0.009)).toContain(`Up to 38 % ${why}`);
    expect(notesFor(0.009, null, 0)).not.toContain('extrapolated');
  });

  test('has one row a policy and load, the unit in the head and the intervals in line', () => {
    expect(formatTable(summaryTable(sweep, {load: {name: 'load', unit: '×'}}))).toMatchInlineSnapshot(`
      "policy       load (×)  throughput (/s)  goodput (/s)    in SLO (%)     p50 (ms)    p99 (ms)  GPU use (%)  superkernel  padding (%)    cost ($/1M)
      ooo:lanes=2       0.5       1,199 ± 30      600 ± 15  99.93 ± 0.14  6.10 ± 0.00  31.4 ± 0.8   12.0 ± 0.0  8.00 ± 0.00  4.00 ± 0.00  0.580 ± 0.000
      ooo:lanes=2         1       1,199 ± 30    1,190 ± 30  99.13 ± 0.14  6.10 ± 0.00  31.4 ± 0.8   23.1 ± 0.0  8.00 ± 0.00  4.00 ± 0.00  0.580 ± 0.000
      ooo:lanes=2       1.5       1,199 ± 30    1,500 ± 37   84.9 ±  0.1  6.10 ± 0.00  60.0 ± 1.5   31.0 ± 0.0  8.00 ± 0.00  4.00 ± 0.00  0.580 ± 0.000
      mps               0.5       1,199 ± 30      580 ± 14  96.93 ± 0.14  6.10 ± 0.00  45.0 ± 1.1   23.1 ± 0.0  1.00 ± 0.00     0 ±    0  0.580 ± 0.000
      mps                 1       1,199 ± 30      700 ± 17   59.9 ±  0.1  6.10 ± 0.00    90 ±   2   23.1 ± 0.0  1.00 ± 0.00     0 ±    0  0.580 ± 0.000
      mps               1.5       1,199 ± 30       90 ±  2    4.9 ± 0.1*     –            –         23.1 ± 0.0  1.00 ± 0.00     0 ±    0  0.580 ± 0.000
      time-slice          –  does not fit in memory: needs 48.2 of 17.2 GB

      ± is the 95 % confidence interval over 3 replications.
      – stands where the requests are too few for the quantile, or the backlog keeps growing.
      * Requests arrive faster than they are served: the share depends on how long the run is.
      GPU use: useful FLOP/s, of the peak. Superkernel: kernels that run as one, on average.
      "
    `);
  });

  test('is as good in Markdown', () => {
    expect(formatTable(summaryTable(sweep.slice(4)), 'markdown')).toMatchInlineSnapshot(`
      "| policy | load | throughput (/s) | goodput (/s) | in SLO (%) | p50 (ms) | p99 (ms) | GPU use (%) | superkernel | cost ($/1M) |
      | :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |
      | mps | 1 | 1,199 ± 30 | 700 ± 17 | 59.9 ± 0.1 | 6.10 ± 0.00 | 90 ± 2 | 23.1 ± 0.0 | 1.00 ± 0.00 | 0.580 ± 0.000 |
      | mps | 1.5 | 1,199 ± 30 | 90 ± 2 | 4.9 ± 0.1* | – | – | 23.1 ± 0.0 | 1.00 ± 0.00 | 0.580 ± 0.000 |
      | time-slice | – | does not fit in memory: needs 48.2 of 17.2 GB |  |  |  |  |  |  |  |

      ± is the 95 % confidence interval over 3 replications.

      – stands where the requests are too few for the quantile, or the backlog keeps growing.

      * Requests arrive faster than they are served: the share depends on how long the run is.

      GPU use: useful FLOP/s, of the peak. Superkernel: kernels that run as one, on average.
      "
    `);
  });

  test('without replications says so', () => {
    const runs = [runSummary({load: null})];
    const table = summaryTable([{policy: 'ooo', load: null, replications: runs, aggregate: aggregate(runs)}]);
    expect(table.columns.map(({name}) => name)).not.toContain('load');
    expect(table.notes[0]).toBe('One replication: no intervals.');
    expect(formatTable(table)).not.toContain('±');
  });

  test('names the number of GPUs where policies differ in it', () => {
    const table = summaryTable([cell('mps', 1), cell('exclusive', 1, {gpus: 3})]);
    expect(table.columns.map(({name}) => name)).toContain('GPUs');
    expect(formatTable(table)).toMatch(/exclusive +1 +3 /);
  });
});

test('the tenant table has one row a tenant', () => {
  expect(formatTable(tenantTable(sweep[1]))).toMatchInlineSnapshot(`
    "tenant  model      requests  dropped  throughput (/s)     p50 (ms)    p99 (ms)    SLO (ms)    in SLO (%)     slowdown
    chat/0  resnet-50    36,000       30        1,199 ± 0  6.10 ± 0.00  31.4 ± 0.0  25 at 99 %  100.0 ±  0.0  1.60 ± 0.00
    chat/1  resnet-50    36,000       30        1,199 ± 0  6.10 ± 0.00  31.4 ± 0.0  25 at 99 %  99.00 ± 0.00  1.60 ± 0.00
    batch   gnmt-step    36,000       30        1,199 ± 0  6.10 ± 0.00  31.4 ± 0.0  25 at 99 %  98.00 ± 0.00  1.60 ± 0.00

    ± is the 95 % confidence interval over 3 replications.
    – stands where the requests are too few for the quantile, or the backlog keeps growing.
    "
  `);
  expect(tenantTable(sweep[8]).rows).toEqual([]);
});

test('the comparison table has changes where they are significant and ~ elsewhere', () => {
  const faster = sweep[1].replications.map((run) => ({...run, latency_p99_ns: run.latency_p99_ns! * 0.8}));
  const rows = [
    {label: 'ooo at 1', comparisons: compare(sweep[1].replications, faster)},
    {label: 'ooo at 0.5', comparisons: compare(sweep[0].replications, sweep[0].replications)},
  ];
  expect(formatTable(compareTable(rows, ['latency_p99_ns', 'goodput_per_s']))).toMatchInlineSnapshot(`
    "metric   cell                base  candidate   change  test
    p99      ooo at 1         31.4 ms    25.1 ms  -20.0 %  p<0.001 n=3
    p99      ooo at 0.5       31.4 ms    31.4 ms        ~  p=1.000 n=3
    p99      geometric mean                       -10.6 %
    goodput  ooo at 1        1,190 /s   1,190 /s        ~  p=1.000 n=3
    goodput  ooo at 0.5        600 /s     600 /s        ~  p=1.000 n=3
    goodput  geometric mean                         0.0 %

    Paired t test over replications with the same arrivals; ~ is p ≥ 0.05.
    "
  `);
});

describe('every table', () => {
  const word = fc.string({unit: fc.constantFrom('a', 'b', '|', ',', '"', '7'), maxLength: 8});
  const tables = fc.record({
    names: fc.array(word, {minLength: 3, maxLength: 3}),
    rows: fc.array(fc.array(word, {minLength: 3, maxLength: 3}), {maxLength: 6}),
  });

  test.prop([tables])('has rows of equal cells that end in line', ({names, rows}) => {
    const text = formatTable({
      columns: names.map((name) => ({name, align: 'right'})),
      rows: rows.map((cells) => ({cells: cells.map((cell) => cell + '.')})),
      notes: [],
    });
    const lines = text.trimEnd().split('\n').slice(1);
    expect(lines.length).toBe(rows.length);
    expect(new Set(lines.map((line) => line.length)).size).toBeLessThanOrEqual(1);
  });

  test.prop([tables])('in CSV reads back as it was written', ({names, rows}) => {
    const text = formatCsv(names, rows);
    const fields = [...text.matchAll(/("(?:[^"]|"")*"|[^,\n]*)([,\n])/g)].map(([, field]) =>
      field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
    );
    expect(fields).toEqual([names, ...rows].flat());
  });
});

describe('results for programs', () => {
  test('as CSV have one record a cell, in full precision', () => {
    const lines = summaryCsv(sweep).trimEnd().split('\n');
    expect(lines.length).toBe(1 + sweep.length);
    const heads = lines[0].split(',');
    const first = lines[1].split(',');
    expect(first.length).toBe(heads.length);
    expect(Number(first[heads.indexOf('goodput_per_s')])).toBe(
      sweep[0].aggregate!.metrics.goodput_per_s!.mean,
    );
    const saturated = lines[6].split(',');
    expect(saturated[heads.indexOf('latency_p99_ns')]).toBe('');
    expect(lines[7]).toContain('does not fit in memory');
    expect(tenantCsv(sweep).trimEnd().split('\n').length).toBe(1 + 6 * 3);
  });

  test('as JSON name their schema first and say where a number is none', () => {
    const text = formatJson({results: sweep});
    expect(text.startsWith('{\n  "schema_version": 1,')).toBe(true);
    expect(JSON.parse(text).results).toEqual(JSON.parse(JSON.stringify(sweep)));
    expect(() => formatJson({a: {b: [1, NaN]}})).toThrow(
      'invalid number at a.b.1: NaN (expected a finite number or null)',
    );
  });
});
