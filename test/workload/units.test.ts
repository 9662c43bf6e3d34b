// Durations, rates and sizes as people write them.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {z} from 'zod';
import {InputError} from '../../src/scheduler/errors.ts';
import {
  bytesField,
  durationField,
  formatBytes,
  formatDuration,
  parseBytes,
  parseDuration,
  parseRate,
  rateField,
} from '../../src/workload/units.ts';

describe('parseDuration', () => {
  test.each([
    ['50ms', 50e6],
    ['0.1ms', 100_000],
    ['1.5 s', 1.5e9],
    ['3us', 3000],
    ['3µs', 3000],
    ['7ns', 7],
    ['10min', 6e11],
    ['10m', 6e11],
    ['24h', 8.64e13],
    ['2d', 1.728e14],
    ['1e3ms', 1e9],
    ['0s', 0],
  ])('reads %s as %d ns', (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });

  test.each([
    [50, 'missing unit in duration: 50 (expected ns, us, ms, s, min, h or d, as in "50ms")'],
    ['50', 'missing unit in duration: "50" (expected ns, us, ms, s, min, h or d, as in "50ms")'],
    [
      '50msec',
      'unknown unit in duration: "msec" in "50msec" (expected ns, us, ms, s, min, h or d, as in "50ms")',
    ],
    ['50MS', 'unknown unit in duration: "MS" in "50MS" (expected ns, us, ms, s, min, h or d, as in "50ms")'],
    ['soon', 'invalid duration: "soon" (expected a number with a unit, such as "50ms")'],
    ['', 'invalid duration: "" (expected a number with a unit, such as "50ms")'],
    ['-1s', 'invalid duration: "-1s" (expected 0 or more)'],
    ['0.2ns', 'invalid duration: "0.2ns" (expected 1 to 2^53 whole ns)'],
    ['105d', 'invalid duration: "105d" (expected 1 to 2^53 whole ns)'],
    ['Infinitys', 'invalid duration: "Infinitys" (expected a number with a unit, such as "50ms")'],
  ])('refuses %s', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new InputError(message));
  });

  test.prop([fc.integer({min: 0, max: Number.MAX_SAFE_INTEGER})])(
    'reads back what formatDuration prints',
    (ns) => {
      expect(parseDuration(formatDuration(ns))).toBe(ns);
    },
  );

  test('formatDuration prints the largest unit that is exact', () => {
    expect([5e7, 1.5e9, 6e10, 0, 123].map(formatDuration)).toEqual(['50ms', '1500ms', '1min', '0s', '123ns']);
  });
});

describe('parseRate', () => {
  test.each([
    [120, 120],
    ['120', 120],
    ['120/s', 120],
    ['0.5 /s', 0.5],
    ['90/min', 1.5],
    ['36/h', 0.01],
    [0, 0],
  ])('reads %s as %d per second', (text, rate) => {
    expect(parseRate(text)).toBeCloseTo(rate, 12);
  });

  test.each([
    [-4, 'invalid rate: -4 (expected 0 or more, as in "120/s")'],
    [NaN, 'invalid rate: NaN (expected 0 or more, as in "120/s")'],
    [Infinity, 'invalid rate: Infinity (expected 0 or more, as in "120/s")'],
    ['120ms', 'unknown unit in rate: "ms" in "120ms" (expected /s, /min, /h or /d, as in "120/s")'],
    ['fast', 'invalid rate: "fast" (expected a number with a unit, such as "120/s")'],
  ])('refuses %s', (text, message) => {
    expect(() => parseRate(text)).toThrow(new InputError(message));
  });
});

describe('parseBytes', () => {
  test.each([
    ['16GB', 16e9],
    ['16GiB', 16 * 2 ** 30],
    ['1.5kB', 1500],
    ['512KiB', 524_288],
    ['7B', 7],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each([
    ['16', 'missing unit in size: "16" (expected B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in "16GB")'],
    [
      '16gb',
      'unknown unit in size: "gb" in "16gb" (expected B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in "16GB")',
    ],
  ])('refuses %s', (text, message) => {
    expect(() => parseBytes(text)).toThrow(new InputError(message));
  });

  test.prop([fc.integer({min: 0, max: Number.MAX_SAFE_INTEGER})])(
    'reads back what formatBytes prints',
    (bytes) => {
      expect(parseBytes(formatBytes(bytes))).toBe(bytes);
    },
  );

  test('formatBytes prefers the shorter of powers of two and of ten', () => {
    expect([16e9, 16 * 2 ** 30].map(formatBytes)).toEqual(['16GB', '16GiB']);
  });
});

describe('fields of a schema', () => {
  const schema = z.strictObject({every: durationField, rate: rateField, memory: bytesField});

  test('read units and print them back', () => {
    const parsed = schema.parse({every: '50ms', rate: '60/min', memory: '16GB'});
    expect(parsed).toEqual({every: 50e6, rate: 1, memory: 16e9});
    expect(z.encode(schema, parsed)).toEqual({every: '50ms', rate: 1, memory: '16GB'});
  });

  test('report at their path what is wrong', () => {
    const {error} = schema.safeParse({every: '50', memory: true});
    expect(error!.issues.map(({path, message}) => `${path.join('.')}: ${message}`)).toEqual([
      'every: missing unit in duration: "50" (expected ns, us, ms, s, min, h or d, as in "50ms")',
      'rate: missing rate (expected one such as "120/s")',
      'memory: invalid size: true (expected one such as "16GB")',
    ]);
  });

  test('have a JSON Schema', () => {
    expect(z.toJSONSchema(schema, {io: 'input'})).toMatchObject({required: ['every', 'rate', 'memory']});
  });
});
