// Time-varying rates: the time-rescaling law holds exactly, for sine waves and for profiles.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {operationalTime} from '../../../src/workload/arrivals/diurnal.ts';
import {drawArrivals} from '../../../src/workload/arrivals/draw.ts';
import {arrivalSchema, type ArrivalInput} from '../../../src/workload/arrivals/schema.ts';
import {stream} from '../../../src/workload/random.ts';
import {counts, cv, deviations, gapsOf, kolmogorov, mean} from './statistics.ts';

type DiurnalInput = Extract<ArrivalInput, {process: 'diurnal'}>;

function timeOf(input: DiurnalInput) {
  const spec = arrivalSchema.parse(input);
  if (spec.process !== 'diurnal') throw new Error(`${spec.process} arrivals are not diurnal`);
  return operationalTime(spec);
}
const draw = (input: ArrivalInput, durationNs: number, seed = 1) =>
  drawArrivals(arrivalSchema.parse(input), durationNs, stream(seed, 'diurnal'));

const base = {process: 'poisson', rate: 500} as const;
const modulations: readonly DiurnalInput[] = [
  {process: 'diurnal', base, period: '10s', amplitude: 0.8, peakAt: '3s'},
  {process: 'diurnal', base, period: '10s', amplitude: 1},
  {process: 'diurnal', base, period: '10s', profile: [1, 5, 0, 2, 0]},
];

describe('diurnal arrivals', () => {
  test.each(modulations)('%j over poisson become a unit Poisson process in operational time', (input) => {
    const time = timeOf(input);
    const operational = Array.from(draw(input, 60e9), (t) => time.at(t));
    expect(kolmogorov(gapsOf(operational), (x) => -Math.expm1((-x / 1e9) * 500))).toBeLessThan(1.95);
  });

  test.each(modulations)('%j over gamma keep the burstiness of the base in operational time', (input) => {
    const bursty = {...input, base: {process: 'gamma' as const, rate: 500, cv: 3}};
    const time = timeOf(bursty);
    const measured = Array.from({length: 20}, (_, seed) =>
      cv(gapsOf(Array.from(draw(bursty, 60e9, seed), (t) => time.at(t)))),
    );
    expect(Math.abs(deviations(measured, 3))).toBeLessThan(4);
  });

  test('keep the mean rate of the base over whole periods', () => {
    for (const input of modulations) {
      const numbers = Array.from({length: 100}, (_, seed) => draw(input, 20e9, seed).length);
      expect(Math.abs(deviations(numbers, 500 * 20))).toBeLessThan(4);
    }
  });

  test('follow the sine wave', () => {
    const [period, amplitude, peakAt, bins] = [10, 0.8, 3, 20];
    const runs = Array.from({length: 60}, (_, seed) => counts(draw(modulations[0], 10e9, seed), 0.5e9, 10e9));
    for (let bin = 0; bin < bins; bin++) {
      const [from, to] = [bin * 0.5, (bin + 1) * 0.5];
      const swing = (t: number) =>
        ((amplitude * period) / (2 * Math.PI)) * Math.sin((2 * Math.PI * (t - peakAt)) / period);
      const expected = 500 * (to - from + swing(to) - swing(from));
      expect(Math.abs(deviations(runs.map((run) => run[bin]), expected))).toBeLessThan(4.5); // prettier-ignore
    }
  });

  test('follow the profile, and stop where it is 0', () => {
    const runs = Array.from({length: 40}, (_, seed) => counts(draw(modulations[2], 20e9, seed), 2e9, 20e9));
    for (const [bin, level] of [1, 5, 0, 2, 0, 1, 5, 0, 2, 0].entries()) {
      const numbers = runs.map((run) => run[bin]);
      const expected = (500 * 2 * level) / (8 / 5);
      if (level === 0) expect(mean(numbers)).toBe(0);
      else expect(Math.abs(deviations(numbers, expected))).toBeLessThan(4.5);
    }
  });

  test('with amplitude 0 are the base itself', () => {
    const flat: ArrivalInput = {process: 'diurnal', base, period: '10s', amplitude: 0};
    const [modulated, plain] = [draw(flat, 10e9), draw(base, 10e9)];
    expect(modulated).toHaveLength(plain.length);
    modulated.forEach((at, i) => expect(Math.abs(at - plain[i])).toBeLessThanOrEqual(1));
  });
});

describe('operationalTime', () => {
  const spec = fc.oneof(
    fc.record({amplitude: fc.double({min: 0, max: 1, noNaN: true}), peakAt: fc.integer({min: 0, max: 1000})}),
    fc.record({profile: fc.array(fc.integer({min: 0, max: 9}), {minLength: 1, maxLength: 8})}),
  );

  test.prop([spec, fc.integer({min: 1, max: 1e13}), fc.double({min: 0, max: 5, noNaN: true})])(
    'is inverted by inverse, to less than a nanosecond',
    (shape, period, periods) => {
      fc.pre(!('profile' in shape) || shape.profile.some((level) => level > 0));
      const time = operationalTime({process: 'diurnal', base, period, ...shape});
      const operational = time.at(periods * period);
      expect(Math.abs(time.at(time.inverse(operational)) - operational)).toBeLessThan(0.1);
    },
  );

  test.prop([spec, fc.double({min: 0, max: 3, noNaN: true}), fc.double({min: 0, max: 3, noNaN: true})])(
    'never falls, and gains a period every period',
    (shape, a, b) => {
      fc.pre(!('profile' in shape) || shape.profile.some((level) => level > 0));
      const time = operationalTime({process: 'diurnal', base, period: 1e9, ...shape});
      expect(time.at(Math.max(a, b) * 1e9)).toBeGreaterThanOrEqual(time.at(Math.min(a, b) * 1e9) - 1e-3);
      expect(time.at((a + 1) * 1e9) - time.at(a * 1e9)).toBeCloseTo(1e9, 1);
    },
  );
});
