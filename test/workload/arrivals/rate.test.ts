// Mean rates, and setting them.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {drawArrivals} from '../../../src/workload/arrivals/draw.ts';
import {meanRate, withRate} from '../../../src/workload/arrivals/rate.ts';
import {arrivalSchema, type ArrivalInput} from '../../../src/workload/arrivals/schema.ts';
import {stream} from '../../../src/workload/random.ts';
import {anyOpenProcess} from './processes.ts';

const rateOf = (input: ArrivalInput) => meanRate(arrivalSchema.parse(input));

describe('meanRate', () => {
  test('weighs the states of modulated processes by their sojourns', () => {
    expect(rateOf({process: 'on-off', onRate: 100, offRate: 10, on: '1s', off: '2s'})).toBeCloseTo(40, 12);
    expect(
      rateOf({process: 'mmpp', states: [{rate: 30, sojourn: '2s'}, {rate: 0, sojourn: '3s'}, {rate: 8, sojourn: '5s'}]}), // prettier-ignore
    ).toBeCloseTo(10, 12);
  });

  test('of diurnal arrivals is that of their base', () => {
    expect(rateOf({process: 'diurnal', base: {process: 'poisson', rate: 7}, amplitude: 1})).toBe(7);
  });

  test('of given times counts gaps, or repetitions', () => {
    expect(rateOf({process: 'trace', at: ['1s', '2s', '5s']})).toBe(0.5);
    expect(rateOf({process: 'trace', at: ['1s', '2s', '5s'], repeat: '6s'})).toBe(0.5);
    expect(rateOf({process: 'trace', at: ['1s']})).toBeNull();
  });

  test('is null for closed loops', () => {
    expect(rateOf({process: 'saturated', outstanding: 3})).toBeNull();
    expect(rateOf({process: 'closed-loop', outstanding: 3, think: '5ms'})).toBeNull();
  });
});

describe('withRate', () => {
  test.prop([anyOpenProcess, fc.double({min: 0.1, max: 1000, noNaN: true})])(
    'sets the mean rate of any open process',
    (input, rate) => {
      const scaled = withRate(arrivalSchema.parse(input), rate);
      expect(meanRate(scaled)! / rate).toBeCloseTo(1, 4);
      expect(scaled.process).toBe(input.process);
    },
  );

  test('stretches the time of stationary renewal processes: half the rate on the same stream doubles every time', () => {
    const spec = arrivalSchema.parse({process: 'gamma', rate: 100, cv: 2});
    const fast = drawArrivals(spec, 1e9, stream(1, 'x'));
    const slow = drawArrivals(withRate(spec, 50), 2e9, stream(1, 'x'));
    expect(slow).toHaveLength(fast.length);
    fast.forEach((at, i) => expect(Math.abs(slow[i] - 2 * at)).toBeLessThanOrEqual(2));
  });

  test('refuses closed loops and rates that are none', () => {
    const saturated = arrivalSchema.parse({process: 'saturated'});
    expect(() => withRate(saturated, 5)).toThrow(
      new InputError('saturated arrivals have no rate to set (expected an open process)'),
    );
    const poisson = arrivalSchema.parse({process: 'poisson', rate: 1});
    for (const rate of [0, -1, NaN, Infinity])
      expect(() => withRate(poisson, rate)).toThrow(
        new InputError(`invalid rate: ${rate} (expected a number above 0)`),
      );
  });
});
