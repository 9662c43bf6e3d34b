// Lists, ranges and settings as people write them on the command line.
import {fc, test as property} from '@fast-check/vitest';
import {describe, expect, test} from 'vitest';
import {
  combinations,
  parseList,
  parseNumbers,
  parseParameter,
  parseSetting,
} from '../../src/experiment/grid.ts';

describe('parseList', () => {
  test('splits at commas and reads each item as YAML', () => {
    expect(parseList('1, 2.5,true,ooo,"a,b",null', 'x')).toEqual([1, 2.5, true, 'ooo', 'a,b', null]);
  });

  test('leaves commas in brackets alone', () => {
    expect(parseList('[1,2],{a: 1, b: 2},ooo', 'x')).toEqual([[1, 2], {a: 1, b: 2}, 'ooo']);
  });

  test('takes start:end:step with both ends, and units', () => {
    expect(parseList('0.2:1:0.2', 'x')).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(parseList('10ms:30ms:10ms', 'x')).toEqual(['10ms', '20ms', '30ms']);
    expect(parseList('1:8:3,20', 'x')).toEqual([1, 4, 7, 20]);
  });

  test('does not take other texts with colons for ranges', () => {
    expect(parseList('ooo:lanes=2,a:b:c', 'x')).toEqual(['ooo:lanes=2', 'a:b:c']);
  });

  test.each(['', '1,', '1:0:1', '0:1:0', '0:1:-1', '0:1e9:1', '1ms:2s:1ms', '[1'])('refuses %j', (text) => {
    expect(() => parseList(text, 'value')).toThrow(/^invalid value: /);
  });

  property.prop([
    fc.integer({min: 1, max: 500}),
    fc.integer({min: 0, max: 100}),
    fc.integer({min: 1, max: 50}),
  ])(
    'a range of hundredths has every value once, without the dust of binary fractions',
    (start, steps, step) => {
      const end = start + steps * step;
      const values = parseList(`${start / 100}:${end / 100}:${step / 100}`, 'x');
      expect(values).toEqual(Array.from({length: steps + 1}, (_, i) => (start + i * step) / 100));
    },
  );
});

describe('parseNumbers', () => {
  test.each(['0', '-1', 'x', '1,ms', '.inf'])('refuses %j', (text) => {
    expect(() => parseNumbers(text, 'load')).toThrow(/^invalid load: .*expected numbers above 0/);
  });
});

describe('settings', () => {
  test('are a key and a YAML value', () => {
    expect(parseSetting('tenants.0.slo={latency: 5ms}', 's')).toEqual(['tenants.0.slo', {latency: '5ms'}]);
    expect(parseSetting('name=a=b', 's')).toEqual(['name', 'a=b']);
    expect(parseParameter('k=1:3:1')).toEqual({key: 'k', values: [1, 2, 3]});
  });

  test.each(['x', '=1', 'x='])('%j is none', (text) => {
    expect(() => parseSetting(text, 'setting')).toThrow('expected key=value');
  });
});

test('combinations are the product, the last parameter fastest', () => {
  const all = combinations([
    {key: 'a', values: [1, 2]},
    {key: 'b', values: ['x', 'y']},
  ]);
  expect(all).toEqual([{a: 1, b: 'x'}, {a: 1, b: 'y'}, {a: 2, b: 'x'}, {a: 2, b: 'y'}]); // prettier-ignore
  expect(combinations([])).toEqual([{}]);
});
