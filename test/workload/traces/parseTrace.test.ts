// Reading traces: pieces of text, errors that say where, windows and scales.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {parseTrace, TraceParser} from '../../../src/workload/traces/parseTrace.ts';
import type {Trace, TraceOptions} from '../../../src/workload/traces/trace.ts';
import {counts, deviations} from '../arrivals/statistics.ts';

const azure = 'TIMESTAMP,ContextTokens,GeneratedTokens';
const llm = (...rows: string[]) => [azure, ...rows.map((row) => `2023-11-16 ${row},1,1`)].join('\n');
const parse = (text: string, options: TraceOptions = {}) => parseTrace('t/a.csv', text, options);
const messageOf = (text: string, options: TraceOptions = {}) => {
  try {
    parse(text, options);
  } catch (error) {
    if (error instanceof InputError && error.constructor === InputError) return error.message;
    throw error;
  }
  return 'no error';
};

/** A table of arrivals of two tenants at the given milliseconds. */
const table = (ms: readonly number[]) =>
  ['at_ns,tenant', ...ms.map((t, i) => `${t * 1e6},${'ab'[i % 2]}`)].join('\n');
const milliseconds = ({at}: Trace) => Array.from(at, (t) => t / 1e6);

describe('pieces of text', () => {
  const text = `\u{feff}${llm('18:17:03.5', '18:17:04.25', '18:17:09')}\r\n\n`;

  test.prop([fc.array(fc.nat(text.length))])('may end anywhere', (cuts) => {
    const parser = new TraceParser('t/a.csv');
    const ends = [...cuts, text.length].sort((a, b) => a - b);
    ends.forEach((end, i) => parser.push(text.slice(i === 0 ? 0 : ends[i - 1], end)));
    expect(parser.finish('hash')).toEqual({...parse(text), sha256: 'hash'});
  });

  test('lines end as they like, the last one not at all, and blank ones count', () => {
    expect(parse(text).at).toEqual(Float64Array.of(0, 0.75e9, 5.5e9));
    expect(messageOf(`${azure}\r\n\n  \r\nx,1,1`)).toBe('t/a.csv:4: invalid timestamp: "x"');
  });

  test('the name is that of the file without folder and extensions', () => {
    expect(parseTrace('/data/2023/code.v2.csv.gz', llm('18:17:03')).name).toBe('code.v2');
  });
});

describe('errors say where and what', () => {
  const f2019 = 'HashOwner,HashApp,HashFunction,Trigger,1,2';
  const serveGen = 'client,t_s,rate_rps,cv,dist,p1,p2';
  const disb = (load: object) => JSON.stringify({time: 1, tasks: [{id: 'a', load}]});

  test.each([
    [llm('18:17:03', '18:1'), 't/a.csv:3: invalid timestamp: "2023-11-16 18:1"'],
    [`${azure}\n2023-11-16 18:1`, 't/a.csv:2: invalid timestamp: "2023-11-16 18:1"'],
    [
      llm('18:17:03', '18:17:02'),
      't/a.csv:3: timestamp before that of the row above (expected rows in order of time; --sort sorts them)',
    ],
    [azure, 't/a.csv: no arrivals'],
    ['', 't/a.csv: empty file'],
    ['\n \n', 't/a.csv: empty file'],
    [
      'a,b,c\n1,2,3',
      't/a.csv:1: unknown trace format, beginning "a,b,c" (known: azure-llm, azure-functions-2019, azure-functions-2021, burstgpt, mooncake, servegen, disb, orion, arrivals; others by columns, such as --map time=TIMESTAMP,tenant=model,unit=ms)',
    ],
    ['Timestamp,Model,Request tokens\nNaN,a,1', 't/a.csv:2: invalid timestamp: "NaN"'],
    ['Timestamp,Model,Request tokens\ninf,a,1', 't/a.csv:2: invalid timestamp: "inf"'],
    ['Timestamp,Model,Request tokens\n,a,1', 't/a.csv:2: invalid timestamp: ""'],
    ['Timestamp,Model,Request tokens\n5', 't/a.csv:2: missing value: Model'],
    ['Timestamp,Model,Request tokens\n5,,3', 't/a.csv:2: missing value: Model'],
    ['app,func,end_timestamp,duration\na,f,1e999,1', 't/a.csv:2: invalid timestamp: "1e999"'],
    ['app,func,end_timestamp,duration\na,f,12', 't/a.csv:2: invalid duration: ""'],
    ['app,func,end_timestamp,duration\na,f,12,-3', 't/a.csv:2: invalid duration: "-3"'],
    [`${f2019}\no,a,f,http,1`, 't/a.csv:2: invalid row: 5 columns (expected 6)'],
    [`${f2019}\no,a,f,http,1,-2`, 't/a.csv:2: invalid count: "-2"'],
    [`${f2019}\no,a,f,http,1,1.5`, 't/a.csv:2: invalid count: "1.5"'],
    [`${f2019}\no,a,f,http,0,0`, 't/a.csv: no arrivals'],
    [
      '{"timestamp": 1, "input_length": 2}\n{"timestamp": NaN}',
      't/a.csv:2: invalid JSON: "{\\"timestamp\\": NaN}"',
    ],
    ['{"timestamp": 1, "input_length": 2}\n{"timestamp": null}', 't/a.csv:2: invalid timestamp: null'],
    ['{"timestamp": 1, "input_length": 2}\n{"input_length": 2}', 't/a.csv:2: missing value: timestamp'],
    ['{"timestamp": 1, "input_length": 2}\n7', 't/a.csv:2: invalid row: "7" (expected an object)'],
    [`${serveGen}\n0,0,-1,1,Gamma,1,1`, 't/a.csv:2: invalid rate: "-1" (expected 0 or more)'],
    [`${serveGen}\n0,0,1,1,Pareto,1,1`, 't/a.csv:2: unknown distribution: "Pareto" (known: Gamma, Weibull)'],
    [`${serveGen}\n0,0,1,1,Gamma,0,1`, 't/a.csv:2: invalid shape: 0 (expected at least 0.0001 of Gamma)'],
    [
      'client,t_s,rate_rps,cv,dist,p1x\n',
      't/a.csv:1: missing column: p1 (the header has client, t_s, rate_rps, cv, dist, p1x)',
    ],
    ['{"time": 1, "tasks": [', 't/a.csv: invalid JSON: Unexpected end of JSON input'],
    [
      disb({type: 'dependent'}),
      "t/a.csv: invalid document: tasks.0.load.type: Invalid discriminator value. Expected 'continuous' | 'periodic' | 'poisson' | 'trace'",
    ],
    ['[0.1, -1]', 't/a.csv: invalid document: 1: Too small: expected number to be >=0'],
    ['[]', 't/a.csv: no arrivals'],
    [
      'at_ns,tenant\n10000000000000000,a',
      't/a.csv: trace longer than 104 days (take part of it with --from and --to)',
    ],
  ])('%j', (text, message) => {
    // prettier-ignore
    expect(messageOf(text)).toBe(message);
  });

  test('of options too', () => {
    const text = table([0, 5, 10]);
    expect(messageOf(text, {from: 1e9})).toBe(
      't/a.csv: no arrivals from 1s to the end (the trace runs for 10000001ns)',
    );
    expect(messageOf(text, {from: 6e6, to: 9e6})).toBe(
      't/a.csv: no arrivals from 6ms to 9ms (the trace runs for 10000001ns)',
    );
    expect(messageOf(text, {rateScale: 1e-9})).toBe('t/a.csv: no arrivals left at rate scale 1e-9 of 3');
    expect(messageOf(text, {maxArrivals: 2})).toBe(
      't/a.csv:4: more than 2 arrivals (take part of them with --from and --to, or with a smaller --rate-scale)',
    );
    expect(messageOf(text, {rateScale: 1e30})).toBe(
      't/a.csv: more than 50000000 arrivals (take part of them with --from and --to, or with a smaller --rate-scale)',
    );
    expect(messageOf(text, {timeScale: 1e30})).toBe(
      't/a.csv: trace longer than 104 days at time scale 1e+30 (take part of it with --from and --to)',
    );
    expect(messageOf(text, {from: 5, to: 5})).toBe(
      'invalid window: from 5 ns to 5 ns (expected 0 <= from < to)',
    );
    expect(messageOf(text, {rateScale: 0})).toBe('invalid rateScale: 0 (expected a number above 0)');
    expect(messageOf(text, {timeScale: NaN})).toBe('invalid timeScale: NaN (expected a number above 0)');
    expect(messageOf(text, {format: 'azur'})).toBe(
      't/a.csv:1: unknown trace format: azur (known: azure-llm, azure-functions-2019, azure-functions-2021, burstgpt, mooncake, servegen, disb, orion, arrivals, csv, jsonl)',
    );
    expect(messageOf(text, {format: 'csv'})).toBe(
      't/a.csv:1: missing columns of csv (expected such as --map time=TIMESTAMP,tenant=model,unit=ms)',
    );
    expect(messageOf(text, {columns: {time: 'when'}})).toBe(
      't/a.csv:1: missing column: when (the header has at_ns, tenant)',
    );
    expect(messageOf(text, {columns: {time: 'at_ns'}})).toBe(
      't/a.csv:2: missing unit of at_ns (expected unit=s, ms, us, ns or datetime in --map)',
    );
  });

  test('a line that never ends is no text', () => {
    const parser = new TraceParser('t/a.bin');
    const piece = 'x'.repeat(2 ** 25);
    parser.push(piece);
    parser.push(piece);
    expect(() => parser.push('x')).toThrow('t/a.bin:1: line longer than 67108864 characters (expected text)');
  });
});

describe('bad rows', () => {
  const text = [
    azure,
    '2023-11-16 18:17:03,1,1',
    'broken,1,1',
    '',
    '2023-11-16 18:17:05,1,1',
    '2023-11-16 18:1',
  ].join('\n');

  test('are passed over and counted where told so', () => {
    expect(parse(text, {onBadRow: 'skip'})).toMatchObject({skipped: 2, at: Float64Array.of(0, 2e9)});
  });

  test('do not hide a header that is wrong, or an order that is', () => {
    expect(messageOf('at_ns\n1', {onBadRow: 'skip', format: 'arrivals'})).toBe(
      't/a.csv:1: missing column: tenant (the header has at_ns)',
    );
    expect(messageOf(llm('18:17:03', '18:17:02'), {onBadRow: 'skip'})).toContain(
      'timestamp before that of the row above',
    );
  });

  test('are told of when nothing else is left', () => {
    expect(messageOf(`${azure}\nx,1,1`, {onBadRow: 'skip'})).toBe('t/a.csv: no arrivals (1 rows skipped)');
  });
});

describe('sort', () => {
  test('sorts rows, and counts from the first in time', () => {
    expect(parse(llm('18:17:05', '18:17:03', '18:17:04'), {sort: true}).at).toEqual(
      Float64Array.of(0, 1e9, 2e9),
    );
    expect(parse(llm('18:17:05', '18:17:03', '18:17:04'), {sort: true, from: 1e9, to: 2e9}).at).toEqual(
      Float64Array.of(0),
    );
  });

  test.prop([fc.array(fc.nat(200), {minLength: 1})])('of sorted rows changes nothing', (ms) => {
    const sorted = ms.toSorted((a, b) => a - b);
    expect(parse(table(sorted), {sort: true}).at).toEqual(parse(table(sorted)).at);
  });
});

describe('window', () => {
  test('takes [from, to) and starts at from', () => {
    const trace = parse(table([0, 10, 20, 30, 40]), {from: 10e6, to: 30e6});
    expect(milliseconds(trace)).toEqual([0, 10]);
    expect(trace.lengthNs).toBe(20e6);
  });

  test('counts from the first request where the clock of the trace means nothing', () => {
    expect(milliseconds(parse(llm('18:17:03', '18:17:04', '18:17:05'), {from: 1e9}))).toEqual([0, 1000]);
  });

  test('takes part of a trace longer than 104 days', () => {
    const text = 'Timestamp,Model,Request tokens\n0,a,1\n10000000,a,1\n10000002,a,1';
    expect(messageOf(text)).toContain('longer than 104 days');
    expect(milliseconds(parse(text, {from: 1e16}))).toEqual([0, 2000]);
  });
});

describe('timeScale', () => {
  test('multiplies times', () => {
    const trace = parse(table([0, 10, 20]), {timeScale: 0.5, from: 5e6, to: 15e6});
    expect(milliseconds(trace)).toEqual([2.5]);
    expect(trace.lengthNs).toBe(5e6);
  });
});

describe('rateScale', () => {
  const text = table(Array.from({length: 4000}, (_, i) => i * 10));
  const numbers = (rateScale: number) =>
    Array.from({length: 40}, (_, seed) => parse(text, {rateScale, seed}).at.length);

  test.each([0.25, 1.3, 2.5])('%d scales the number of requests', (scale) => {
    expect(Math.abs(deviations(numbers(scale), 4000 * scale))).toBeLessThan(4);
  });

  test('of a whole number gives exactly that many', () => {
    expect(new Set(numbers(3))).toEqual(new Set([12_000]));
    expect(new Set(numbers(1))).toEqual(new Set([4000]));
  });

  test('below 1 keeps rows of the trace, and draws for each key apart', () => {
    const kept = parse(text, {rateScale: 0.25});
    expect(milliseconds(kept).every((ms) => ms % 10 === 0)).toBe(true);
    const alone = parse(text.replace(/^.*,b\n?/gm, ''), {rateScale: 0.25});
    expect(milliseconds(alone)).toEqual(milliseconds(kept).filter((_, i) => kept.keys[kept.key[i]] === 'a'));
  });

  test('above 1 keeps every request and moves its copies by up to the mean gap', () => {
    const one = parse(text);
    const three = parse(text, {rateScale: 3});
    const held = new Set(three.at);
    expect(Array.from(one.at).every((t) => held.has(t))).toBe(true);
    expect(three.at.every((t, i) => Number.isInteger(t) && t >= 0 && t < three.lengthNs && (i === 0 || three.at[i - 1] <= t))).toBe(true); // prettier-ignore
    // Evenly spaced requests of one key stay even in number over any second.
    for (const count of counts(three.at, 1e9, three.lengthNs)) expect(Math.abs(count - 300)).toBeLessThan(30);
  });

  test('keeps a burst a burst', () => {
    const burst = table([...Array.from({length: 500}, (_, i) => 50_000 + i), 100_000]);
    const {at} = parse(burst, {rateScale: 4});
    const near = at.filter((t) => t > 49.2e9 && t < 51.3e9).length;
    expect(near).toBe(2000);
  });

  test('gives the same trace on the same seed', () => {
    for (const rateScale of [0.3, 2.2]) {
      expect(parse(text, {rateScale, seed: 5})).toEqual(parse(text, {rateScale, seed: 5}));
      expect(parse(text, {rateScale, seed: 5}).at).not.toEqual(parse(text, {rateScale, seed: 6}).at);
    }
  });
});
