// The schema of arrivals: what it accepts, how it prints them back, and what it says of mistakes.
import {test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {z} from 'zod';
import {arrivalSchema} from '../../../src/workload/arrivals/schema.ts';
import {anyOpenProcess} from './processes.ts';

const messages = (input: unknown) =>
  arrivalSchema.safeParse(input).error?.issues.map(({path, message}) => `${path.join('.')}: ${message}`);

describe('arrivalSchema', () => {
  test.prop([anyOpenProcess])('reads back what it prints', (input) => {
    const spec = arrivalSchema.parse(input);
    expect(arrivalSchema.parse(z.encode(arrivalSchema, spec))).toEqual(spec);
  });

  test('converts units and fills in defaults', () => {
    expect(arrivalSchema.parse({process: 'on-off', onRate: '300/min', on: '2s', off: '500ms'})).toEqual({
      process: 'on-off',
      onRate: 5,
      offRate: 0,
      on: 2e9,
      off: 5e8, // prettier-ignore
    });
    expect(arrivalSchema.parse({process: 'saturated'})).toEqual({process: 'saturated', outstanding: 1});
    expect(
      arrivalSchema.parse({process: 'diurnal', base: {process: 'poisson', rate: 3}, amplitude: 0.5}),
    ).toMatchObject({period: 24 * 3600e9});
  });

  test('has a JSON Schema with a branch a process', () => {
    const {oneOf} = z.toJSONSchema(arrivalSchema, {io: 'input'});
    expect(oneOf).toHaveLength(10);
  });

  test.each([
    [
      {},
      'process: missing process (known: constant, poisson, gamma, weibull, on-off, mmpp, diurnal, trace, closed-loop, saturated)',
    ],
    [
      {process: 'possion', rate: 1},
      'process: unknown process: "possion" (known: constant, poisson, gamma, weibull, on-off, mmpp, diurnal, trace, closed-loop, saturated)',
    ],
    [{process: 'poisson'}, 'rate: missing rate (expected one such as "120/s")'],
    [{process: 'poisson', rate: 0}, 'rate: invalid rate: 0 (expected a number above 0)'],
    [{process: 'poisson', rate: NaN}, 'rate: invalid rate: NaN (expected one such as "120/s")'],
    [{process: 'poisson', rate: 1, cv: 2}, ': Unrecognized key: "cv"'],
    [{process: 'gamma', rate: 1, cv: 0}, 'cv: invalid cv: 0 (expected 0.01 to 100)'],
    [{process: 'gamma', rate: 1}, 'cv: missing cv (expected 0.01 to 100)'],
    [{process: 'weibull', rate: 1}, ': weibull arrivals take either cv or shape'],
    [{process: 'weibull', rate: 1, cv: 1, shape: 1}, ': weibull arrivals take either cv or shape'],
    [
      {process: 'on-off', onRate: 1, on: 5, off: '1s'},
      'on: missing unit in duration: 5 (expected ns, us, ms, s, min, h or d, as in "50ms")',
    ],
    [
      {process: 'on-off', onRate: 1, on: '0s', off: '1s'},
      'on: invalid duration: 0 (expected one above 0, such as "50ms")',
    ],
    [
      {
        process: 'mmpp',
        states: [
          {rate: 0, sojourn: '1s'},
          {rate: 0, sojourn: '1s'},
        ],
      },
      'states: invalid states: every rate is 0 (expected one above 0)',
    ],
    [
      {process: 'diurnal', base: {process: 'poisson', rate: 1}},
      ': diurnal arrivals take either amplitude or profile',
    ],
    [
      {process: 'diurnal', base: {process: 'poisson', rate: 1}, profile: [0, 0]},
      ': invalid profile: every rate is 0 (expected one above 0)',
    ],
    [
      {process: 'diurnal', base: {process: 'saturated'}, amplitude: 1},
      'base.process: unknown process: "saturated" (known: constant, poisson, gamma, weibull, on-off, mmpp)',
    ],
    [{process: 'trace', at: ['2s', '1s']}, ': invalid times: expected them in order'],
    [{process: 'trace', at: ['2s'], repeat: '2s'}, ': invalid repeat: expected one after the last time'],
    [
      {process: 'closed-loop', outstanding: 1.5, think: '1s'},
      'outstanding: invalid outstanding: 1.5 (expected a whole number above 0)',
    ],
    [
      {process: 'closed-loop', outstanding: 1, think: 5},
      'think: missing unit in duration: 5 (expected ns, us, ms, s, min, h or d, as in "50ms")',
    ],
    [
      {process: 'closed-loop', outstanding: 1, think: {distribution: 'normal', mean: '1s'}},
      'think: unknown distribution: "normal" (known: constant, exponential, uniform, gamma, lognormal)',
    ],
  ])('says what is wrong with %j', (input, message) => {
    // prettier-ignore
    expect(messages(input)).toEqual([message]);
  });
});
