// Timestamps of traces: every form, to the nanosecond, and nothing that is no time.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {readInstant, type Instant} from '../../../src/workload/traces/instant.ts';
import type {TimeUnit} from '../../../src/workload/traces/trace.ts';

function read(text: string, unit: TimeUnit): Instant | null {
  const into = {seconds: NaN, nanos: NaN};
  return readInstant(text, unit, into) ? into : null;
}

describe('dates', () => {
  test.prop([
    fc.date({min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true}),
    fc.nat(999_999),
  ])('are read as JavaScript reads them, and to the nanosecond', (date, rest) => {
    const iso = date.toISOString();
    const nanos = date.getUTCMilliseconds() * 1e6 + rest;
    const text = `${iso.slice(0, 20)}${String(nanos).padStart(9, '0')}Z`;
    expect(read(text, 'datetime')).toEqual({seconds: Math.floor(date.getTime() / 1000), nanos});
    expect(read(text.replace('T', ' ').slice(0, -1), 'datetime')).toEqual(read(text, 'datetime'));
  });

  test.each([
    ['2023-11-16 18:17:03.9799600', 1_700_158_623, 979_960_000],
    ['2023-11-16 18:17:03', 1_700_158_623, 0],
    ['2023-11-16T18:17:03Z', 1_700_158_623, 0],
    ['2024-05-10 00:00:00.009930+00:00', 1_715_299_200, 9_930_000],
    ['2023-11-16T19:17:03+01:00', 1_700_158_623, 0],
    ['2023-11-16T12:47:03-0530', 1_700_158_623, 0],
    ['1969-12-31 23:59:59.5', -1, 500_000_000],
    ['2024-02-29 00:00:00', 1_709_164_800, 0],
    ['2023-11-16 18:17:03.1234567899', 1_700_158_623, 123_456_789],
  ])('such as %s', (text, seconds, nanos) => {
    expect(read(text, 'datetime')).toEqual({seconds, nanos});
  });

  test.each([
    '2023-11-16 18:1',
    '2023-11-16',
    '2023-11-16 18:17',
    '2023-13-16 18:17:03',
    '2023-02-29 18:17:03',
    '2023-11-31 00:00:00',
    '2023-11-16 24:00:00',
    '2023-11-16 18:60:03',
    '2023-11-16 18:17:60',
    '2023-11-16 18:17:03.',
    '2023-11-16 18:17:03 PM',
    '2023-11-16 18:17:03+1',
    '16/11/2023 18:17:03',
    '2023-1a-16 18:17:03',
    '',
  ])('but not %s', (text) => {
    // prettier-ignore
    expect(read(text, 'datetime')).toBeNull();
  });
});

describe('numbers', () => {
  test.each([
    ['5160.142570018768', 's', 5160, 142_570_019],
    ['5', 's', 5, 0],
    ['-0.25', 's', -1, 750_000_000],
    ['3000', 'ms', 3, 0],
    ['0.5', 'ms', 0, 500_000],
    ['1e3', 'ms', 1, 0],
    ['12', 'us', 0, 12_000],
    ['7', 'ns', 0, 7],
    ['1700158623.979960123', 's', 1_700_158_623, 979_960_123],
    ['1700158623979.960123', 'ms', 1_700_158_623, 979_960_123],
    ['1700158623979960.123', 'us', 1_700_158_623, 979_960_123],
    ['1700158623979960123', 'ns', 1_700_158_623, 979_960_123],
  ] as const)('%s %s', (text, unit, seconds, nanos) => {
    expect(read(text, unit)).toEqual({seconds, nanos});
  });

  test.each(['', ' ', 'NaN', 'Infinity', '-inf', '1e999', '0x10', '1,5', '1_000', '12s', '--1', '1.2.3'])(
    'but not %j',
    (text) => {
      for (const unit of ['s', 'ms', 'us', 'ns'] as const) expect(read(text, unit)).toBeNull();
    },
  );
});
