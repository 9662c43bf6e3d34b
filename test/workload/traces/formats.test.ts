// Each format of traces: what a few rows of it mean.
import {describe, expect, test} from 'vitest';
import {parseTrace} from '../../../src/workload/traces/parseTrace.ts';
import {parseColumns} from '../../../src/workload/traces/table.ts';
import type {TraceOptions} from '../../../src/workload/traces/trace.ts';
import {deviations} from '../arrivals/statistics.ts';

const parse = (lines: readonly string[], options: TraceOptions = {}) =>
  parseTrace('traces/some.csv', lines.join('\n'), options);

/** The arrivals as pairs of milliseconds and key. */
const pairs = ({at, key, keys}: ReturnType<typeof parse>) =>
  Array.from(at, (t, i) => [t / 1e6, keys[key[i]]]);

describe('azure-llm', () => {
  test('has a key a file, and starts at its first request', () => {
    const trace = parse([
      'TIMESTAMP,ContextTokens,GeneratedTokens\r',
      '2023-11-16 18:17:03.9799600,4808,10\r',
      '2023-11-16 18:17:04.0319600,3180,8\r',
    ]);
    expect(trace).toMatchObject({
      name: 'some',
      format: 'azure-llm',
      keys: ['some'],
      skipped: 0,
      lengthNs: 52_000_001,
    });
    expect(pairs(trace)).toEqual([[0, 'some'], [52, 'some']]); // prettier-ignore
  });

  test('is known with more columns, as that of 2025', () => {
    expect(
      parse(['TIMESTAMP,NumImages,ContextTokens,GeneratedTokens', '2024-10-15 00:00:00+00:00,1,2,3']).format,
    ).toBe('azure-llm');
  });
});

describe('azure-functions-2019', () => {
  const lines = [
    'HashOwner,HashApp,HashFunction,Trigger,1,2,3',
    'o,a,f,http,2,0,1',
    'o,a,g,timer,0,1,0',
    'o,a,idle,http,0,0,0',
  ];

  test('spreads the counts of a minute evenly where told so', () => {
    const trace = parse(lines, {spread: 'even'});
    expect(trace).toMatchObject({format: 'azure-functions-2019', keys: ['f', 'g', 'idle'], lengthNs: 180e9});
    expect(pairs(trace)).toEqual([[15_000, 'f'], [45_000, 'f'], [90_000, 'g'], [150_000, 'f']]); // prettier-ignore
  });

  test('otherwise draws the places in the minute, each function from a stream of its own', () => {
    const trace = parse(lines);
    expect(trace.at.map((t) => Math.floor(t / 60e9))).toEqual(Float64Array.of(0, 0, 1, 2));
    const ofF = (t: ReturnType<typeof parse>) => pairs(t).filter(([, key]) => key === 'f');
    expect(ofF(parse([lines[0], lines[1]]))).toEqual(ofF(trace));
    expect(ofF(parse(lines, {seed: 2}))).not.toEqual(ofF(trace));
  });

  test('places requests uniformly', () => {
    const at = parse([lines[0], 'o,a,f,http,0,20000,0']).at;
    const thirds = [0, 0, 0];
    for (const t of at) thirds[Math.floor(((t - 60e9) / 60e9) * 3)]++;
    for (const third of thirds)
      expect(Math.abs(third - 20_000 / 3)).toBeLessThan(4 * Math.sqrt((20_000 * 2) / 9));
  });

  test('takes its columns in any order, and no trigger', () => {
    expect(parse(['HashApp,HashFunction,HashOwner,1,2', 'a,f,o,1,0']).keys).toEqual(['f']);
  });

  test('draws only what is in the window', () => {
    expect(parse(lines, {from: 60e9, to: 120e9, maxArrivals: 1}).at).toHaveLength(1);
  });
});

describe('azure-functions-2021', () => {
  test('arrives when the invocation started, and is sorted by that', () => {
    const trace = parse(['app,func,end_timestamp,duration', 'a,f,10,9', 'a,g,11,0.5', 'b,f,12,12.25']);
    expect(trace).toMatchObject({format: 'azure-functions-2021', keys: ['a/f', 'a/g', 'b/f']});
    expect(pairs(trace)).toEqual([[0, 'b/f'], [1250, 'a/f'], [10_750, 'a/g']]); // prettier-ignore
  });
});

describe('burstgpt', () => {
  test('has a key a model', () => {
    const trace = parse([
      'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
      '5,ChatGPT,472,18,490,Conversation log',
      '45,GPT-4,1087,230,1317,Conversation log',
    ]);
    expect(trace.format).toBe('burstgpt');
    expect(pairs(trace)).toEqual([[0, 'ChatGPT'], [40_000, 'GPT-4']]); // prettier-ignore
  });

  test('is known with sessions', () => {
    const header =
      'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type';
    expect(parse([header, '5,1,2,GPT-4,1,2,3,API log']).keys).toEqual(['GPT-4']);
  });
});

describe('mooncake', () => {
  test('counts milliseconds', () => {
    const row = (timestamp: number) =>
      JSON.stringify({timestamp, input_length: 9, output_length: 9, hash_ids: [1, 2]});
    const trace = parse([row(0), row(0), row(3000)]);
    expect(trace.format).toBe('mooncake');
    expect(pairs(trace).map(([ms]) => ms)).toEqual([0, 0, 3000]);
  });
});

describe('servegen', () => {
  const header = 'client,t_s,rate_rps,cv,dist,p1,p2';

  test('draws each window at its measured rate, whatever the scale of the fit', () => {
    const numbers = Array.from({length: 200}, (_, seed) => {
      const trace = parse([header, '7,600,0.5,2,Gamma,0.25,0.001', '7,1200,0.1,3,Weibull,0.4,9'], {seed});
      const inFirst = trace.at.filter((t) => t < 1200e9).length;
      return [inFirst, trace.at.length - inFirst];
    });
    expect(Math.abs(deviations(numbers.map(([first]) => first), 300))).toBeLessThan(4); // prettier-ignore
    expect(Math.abs(deviations(numbers.map(([, second]) => second), 60))).toBeLessThan(4); // prettier-ignore
  });

  test('keeps its own clock: a client that starts late starts late', () => {
    const trace = parse([header, '7,1200,5,1,Gamma,1,0.2']);
    expect(trace.lengthNs).toBe(1800e9);
    expect(trace.at[0]).toBeGreaterThanOrEqual(1200e9);
  });

  test('draws a window alike whatever else is read', () => {
    const lines = ['1,0,1,1,Gamma,1,1', '2,0,1,1,Gamma,1,1', '1,600,1,1,Gamma,1,1'];
    const of1 = (options: TraceOptions, ...rows: string[]) => {
      const {at, key, keys} = parse([header, ...rows], options);
      return Array.from(at).filter((_, i) => keys[key[i]] === '1');
    };
    const all = of1({}, ...lines);
    expect(of1({}, lines[0], lines[2])).toEqual(all);
    expect(of1({from: 600e9}, ...lines).map((t) => t + 600e9)).toEqual(all.filter((t) => t >= 600e9));
  });

  test('reads the files of the project itself, which have neither header nor client', () => {
    const trace = parseTrace('chunk-42-trace.csv', '0,0,0,,0,0\n600,2,1,Gamma,1,0.5\n');
    expect(trace).toMatchObject({format: 'servegen', keys: ['chunk-42-trace'], lengthNs: 1200e9});
    expect(trace.at[0]).toBeGreaterThanOrEqual(600e9);
  });
});

describe('disb', () => {
  const task = (id: string, load: object, model?: string) => ({
    id,
    load,
    client: model && {model_name: model},
  });
  const workload = (...tasks: object[]) => JSON.stringify({time: 2, tasks}, null, 4).split('\n');

  test('spaces periodic tasks of one frequency evenly, and begins prioritised ones at 0', () => {
    const trace = parse(
      workload(
        task('a', {type: 'periodic', priority: 0, frequency: 2}),
        task('b', {type: 'periodic', frequency: 2}),
        task('c', {type: 'periodic', priority: 1, frequency: 1}),
      ),
    );
    expect(trace).toMatchObject({format: 'disb', lengthNs: 2e9});
    expect(pairs(trace)).toEqual([
      [0, 'a'],
      [0, 'c'],
      [250, 'b'],
      [500, 'a'],
      [750, 'b'],
      [1000, 'a'],
      [1000, 'c'],
      [1250, 'b'],
      [1500, 'a'],
      [1750, 'b'], // prettier-ignore
    ]);
  });

  test('returns continuous tasks as closed loops, with the models that it names', () => {
    const trace = parse(
      workload(
        task('a', {type: 'trace', trace: [30, 10, 2500]}, 'vgg19'),
        task('b', {type: 'continuous'}, 'bert'),
      ),
    );
    expect(trace.models).toEqual(['vgg19']);
    expect(pairs(trace)).toEqual([[10, 'a'], [30, 'a']]); // prettier-ignore
    expect(trace.closedLoops).toEqual([
      {name: 'b', model: 'bert', arrivals: {process: 'saturated', outstanding: 1}},
    ]);
  });

  test('may consist of closed loops alone', () => {
    const trace = parse(workload(task('b', {type: 'continuous'})));
    expect(trace.at).toHaveLength(0);
    expect(trace.closedLoops).toHaveLength(1);
  });

  test('draws poisson tasks at their rate', () => {
    const numbers = Array.from(
      {length: 200},
      (_, seed) => parse(workload(task('a', {type: 'poisson', frequency: 20})), {seed}).at.length,
    );
    expect(Math.abs(deviations(numbers, 40))).toBeLessThan(4);
  });
});

describe('orion', () => {
  test('has a request before the first gap and one after each', () => {
    const trace = parse(['[0.031, 0.012,', ' 0.073]']);
    expect(trace.format).toBe('orion');
    expect(pairs(trace).map(([ms]) => ms)).toEqual([0, 31, 43, 116]);
  });
});

describe('arrivals', () => {
  test('keep their clock', () => {
    const trace = parse(['at_ns,tenant', '5000000,chat', '7000000,search']);
    expect(trace).toMatchObject({format: 'arrivals', lengthNs: 7_000_001});
    expect(pairs(trace)).toEqual([[5, 'chat'], [7, 'search']]); // prettier-ignore
  });
});

describe('columns', () => {
  test('read any table', () => {
    const trace = parse(['id, when ,model', '1,1700000000.5,a', '2,1700000001.25,"b, large"'], {
      columns: parseColumns('time=when,tenant=model,unit=s'),
    });
    expect(trace.format).toBe('csv');
    expect(pairs(trace)).toEqual([[0, 'a'], [750, 'b, large']]); // prettier-ignore
  });

  test('read any JSON lines', () => {
    const trace = parse(['{"ts": 12.5, "m": 3}', '{"m": "x", "ts": "13"}'], {
      columns: {time: 'ts', tenant: 'm', unit: 'ms'},
    });
    expect(trace.format).toBe('jsonl');
    expect(pairs(trace)).toEqual([[0, '3'], [0.5, 'x']]); // prettier-ignore
  });

  test('need no unit for dates, and no tenant', () => {
    const trace = parse(['t', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.25Z'], {columns: {time: 't'}});
    expect(pairs(trace)).toEqual([[0, 'some'], [250, 'some']]); // prettier-ignore
  });

  test('override the detection', () => {
    const lines = ['Timestamp,Model,Request tokens', '5,a,1', '6,b,2'];
    expect(parse(lines, {columns: {time: 'Timestamp', unit: 'ms'}}).keys).toEqual(['some']);
    expect(parse(['{"timestamp":1,"input_length":2}'], {format: 'jsonl', columns: {time: 'input_length', unit: 's'}}).format).toBe('jsonl'); // prettier-ignore
  });

  test.each([
    ['tenant=model', 'missing time column: "tenant=model" (expected time=COLUMN)'],
    ['time=', 'missing time column: "time=" (expected time=COLUMN)'],
    ['time=a,unit=minutes', 'unknown unit: "minutes" (expected s, ms, us, ns, datetime)'],
    ['time=a,model=b', 'invalid columns: "model=b" (expected time=..., tenant=... or unit=...)'],
    ['TIMESTAMP', 'invalid columns: "TIMESTAMP" (expected time=..., tenant=... or unit=...)'],
  ])('refuse %s', (text, message) => {
    expect(() => parseColumns(text)).toThrow(message);
  });
});
