// Arrival processes keep their laws: order, rate, burstiness, reproducibility and independence of tenants.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {drawArrivals} from '../../../src/workload/arrivals/draw.ts';
import {meanRate} from '../../../src/workload/arrivals/rate.ts';
import {weibullCv, weibullShape} from '../../../src/workload/arrivals/renewal.ts';
import {arrivalSchema, type ArrivalInput} from '../../../src/workload/arrivals/schema.ts';
import {stream} from '../../../src/workload/random.ts';
import {counts, cv, deviations, gapsOf, kolmogorov, variance} from './statistics.ts';
import {anyOpenProcess} from './processes.ts';

const draw = (input: ArrivalInput, durationNs: number, seed: number | string = 1) =>
  drawArrivals(arrivalSchema.parse(input), durationNs, stream(seed, 'arrivals'));

const random: ArrivalInput[] = [
  {process: 'constant', rate: 10},
  {process: 'poisson', rate: 10},
  {process: 'gamma', rate: 10, cv: 0.3},
  {process: 'gamma', rate: 10, cv: 4},
  {process: 'weibull', rate: 10, cv: 0.5},
  {process: 'weibull', rate: 10, cv: 3},
  {process: 'weibull', rate: 10, shape: 0.6},
  {process: 'on-off', onRate: 50, on: '200ms', off: '800ms'},
  {process: 'mmpp', states: [{rate: 2, sojourn: '1s'}, {rate: 40, sojourn: '500ms'}, {rate: 0, sojourn: '700ms'}]}, // prettier-ignore
];
const named = random.map((input) => [JSON.stringify(input), input] as const);

describe('every open process', () => {
  test.prop([anyOpenProcess, fc.integer({min: 0, max: 20e9}), fc.integer()])(
    'gives sorted whole nanoseconds in [0, duration)',
    (input, durationNs, seed) => {
      const at = draw(input, durationNs, seed);
      expect(at.every((t) => Number.isInteger(t) && t >= 0 && t < durationNs)).toBe(true);
      expect(at.every((t, i) => i === 0 || at[i - 1] <= t)).toBe(true);
    },
  );

  test.prop([anyOpenProcess, fc.integer()])('gives the same arrivals on the same seed', (input, seed) => {
    expect(draw(input, 2e9, seed)).toEqual(draw(input, 2e9, seed));
  });

  test.prop([anyOpenProcess, fc.integer()])(
    'gives a longer run the arrivals of a shorter one',
    (input, seed) => {
      const long = draw(input, 4e9, seed);
      const short = draw(input, 2e9, seed);
      expect(long.subarray(0, short.length)).toEqual(short);
      if (short.length < long.length) expect(long[short.length]).toBeGreaterThanOrEqual(2e9);
    },
  );
});

describe('rate', () => {
  test.each(named)('%s brings rate x duration arrivals to a run of any length', (_, input) => {
    const rate = meanRate(arrivalSchema.parse(input))!;
    // 0.25 s is shorter than most gaps of the bursty ones: only a stationary start gets this right.
    for (const [seconds, runs] of [
      [0.25, 4000],
      [20, 400],
    ]) {
      // prettier-ignore
      const numbers = Array.from({length: runs}, (_, seed) => draw(input, seconds * 1e9, seed).length);
      if (variance(numbers) > 0) expect(Math.abs(deviations(numbers, rate * seconds))).toBeLessThan(4);
      else expect(numbers[0]).toBeCloseTo(rate * seconds, 9);
    }
  });
});

describe('burstiness', () => {
  test.each([
    [{process: 'constant', rate: 1000}, 0],
    [{process: 'poisson', rate: 1000}, 1],
    [{process: 'gamma', rate: 1000, cv: 0.3}, 0.3],
    [{process: 'gamma', rate: 1000, cv: 4}, 4],
    [{process: 'weibull', rate: 1000, cv: 0.5}, 0.5],
    [{process: 'weibull', rate: 1000, cv: 3}, 3],
    [{process: 'weibull', rate: 1000, shape: 2}, Math.sqrt(4 / Math.PI - 1)], // Rayleigh
  ] as const)('%j has gaps of that coefficient of variation', (input, expected) => {
    const measured = Array.from({length: 30}, (_, seed) => cv(gapsOf(draw(input, 20e9, seed))));
    if (expected === 0) expect(Math.max(...measured)).toBeLessThan(1e-5);
    else expect(Math.abs(deviations(measured, expected))).toBeLessThan(4);
  });

  test('poisson gaps are exponential', () => {
    const gaps = gapsOf(draw({process: 'poisson', rate: 1000}, 20e9));
    expect(kolmogorov(gaps, (x) => -Math.expm1(-x / 1e6))).toBeLessThan(1.95);
  });

  test('weibull gaps are Weibull distributed', () => {
    const gaps = gapsOf(draw({process: 'weibull', rate: 1000, shape: 2}, 20e9));
    const scale = 1e6 / (Math.sqrt(Math.PI) / 2); // Gamma(1.5) = sqrt(pi) / 2
    expect(kolmogorov(gaps, (x) => -Math.expm1(-((x / scale) ** 2)))).toBeLessThan(1.95);
  });

  test('a gamma process of cv 1 and a weibull one of shape 1 have exponential gaps', () => {
    for (const input of [
      {process: 'gamma', rate: 1000, cv: 1},
      {process: 'weibull', rate: 1000, shape: 1},
    ] as const)
      expect(kolmogorov(gapsOf(draw(input, 20e9)), (x) => -Math.expm1(-x / 1e6))).toBeLessThan(1.95);
  });

  test('weibullShape inverts weibullCv', () => {
    for (const target of [0.01, 0.1, 0.5, 1, 2, 10, 45, 100])
      expect(weibullCv(weibullShape(target)) / target).toBeCloseTo(1, 9);
    expect(weibullShape(1)).toBeCloseTo(1, 9);
    expect(weibullShape(Math.sqrt(5))).toBeCloseTo(0.5, 9); // shape 1/2: mean 2, second moment 24
  });

  test.each([0.05, 0.5, 5])(
    'an on-off process has the index of dispersion of its theory at %d s',
    (window) => {
      const [onRate, on, off] = [200, 0.2, 0.6];
      const rate = (onRate * on) / (on + off);
      // Fischer & Meier-Hellstern 1993, the MMPP cookbook: index of dispersion for counts of a two-state MMPP.
      const [leaveOn, leaveOff] = [1 / on, 1 / off];
      const relax = leaveOn + leaveOff;
      const limit = (2 * leaveOn * leaveOff * onRate ** 2) / (relax ** 3 * rate);
      const expected = 1 + limit * (1 + Math.expm1(-relax * window) / (relax * window));
      const measured = Array.from({length: 60}, (_, seed) => {
        const numbers = counts(
          draw({process: 'on-off', onRate, on: `${on}s`, off: `${off}s`}, 200e9, seed),
          window * 1e9,
          200e9,
        );
        return variance(numbers) / (rate * window);
      });
      expect(Math.abs(deviations(measured, expected))).toBeLessThan(4);
      expect(expected).toBeGreaterThan(window < 0.1 ? 5 : 20);
    },
  );

  test('an on-off process and the mmpp of the same states are the same process', () => {
    const states = [{rate: 50, sojourn: '200ms'}, {rate: 5, sojourn: '800ms'}]; // prettier-ignore
    expect(draw({process: 'mmpp', states}, 20e9)).toEqual(
      draw({process: 'on-off', onRate: 50, offRate: 5, on: '200ms', off: '800ms'}, 20e9),
    );
  });
});

describe('constant arrivals', () => {
  test('are evenly spaced after a phase drawn from the first gap', () => {
    const at = draw({process: 'constant', rate: 100}, 1e9);
    expect(at).toHaveLength(100);
    expect(at[0]).toBeLessThan(1e7);
    for (const gap of gapsOf(at)) expect(Math.abs(gap - 1e7)).toBeLessThanOrEqual(1);
    expect(draw({process: 'constant', rate: 100}, 1e9, 2)[0]).not.toBe(at[0]);
  });

  test('start at a given phase and do not drift', () => {
    const at = draw({process: 'constant', rate: 3, phase: '0s'}, 100_000e9);
    expect(Array.from(at.subarray(0, 3))).toEqual([0, 333_333_333, 666_666_666]);
    expect(at[299_997]).toBe(99_999e9);
    expect(Array.from(draw({process: 'constant', rate: 1, phase: '5s'}, 7e9))).toEqual([5e9, 6e9]);
  });
});

describe('given times', () => {
  test('come as they are, before the end', () => {
    expect(Array.from(draw({process: 'trace', at: ['1ms', '3ms', '3ms', '9ms']}, 9e6))).toEqual([
      1e6, 3e6, 3e6,
    ]);
  });

  test('start over where they repeat', () => {
    expect(Array.from(draw({process: 'trace', at: ['0ms', '3ms'], repeat: '5ms'}, 14e6))).toEqual([
      0, 3e6, 5e6, 8e6, 10e6, 13e6,
    ]);
  });
});

describe('drawArrivals', () => {
  test('leaves the arrivals of the others when a tenant is added', () => {
    const spec = arrivalSchema.parse({process: 'gamma', rate: 50, cv: 2});
    const arrivalsOf = (tenants: readonly string[]) =>
      new Map(tenants.map((name) => [name, drawArrivals(spec, 5e9, stream(9, `tenant/${name}/arrivals`))]));
    const before = arrivalsOf(['chat', 'vision']);
    const after = arrivalsOf(['search', 'chat', 'ads', 'vision']);
    for (const [name, at] of before) expect(after.get(name)).toEqual(at);
    expect(after.get('ads')).not.toEqual(after.get('chat'));
  });

  test('refuses closed loops, which answers set off', () => {
    expect(() => draw({process: 'saturated'}, 1e9)).toThrow(
      new InputError('saturated arrivals cannot be drawn ahead: answers set them off'),
    );
  });

  test('refuses more arrivals than a machine holds', () => {
    expect(() => draw({process: 'poisson', rate: 1e9}, 3600e9)).toThrow(
      'too many arrivals: about 3600000000000 (expected at most 134217728; check the units of rate and duration)',
    );
  });

  test('refuses durations that are no time', () => {
    expect(() => draw({process: 'poisson', rate: 1}, NaN)).toThrow('invalid duration: NaN ns');
    expect(() => draw({process: 'poisson', rate: 1}, -1)).toThrow('invalid duration: -1 ns');
  });

  test('gives no arrivals to a run of no length', () => {
    expect(draw({process: 'poisson', rate: 100}, 0)).toHaveLength(0);
  });

  test('pins the first arrivals of a seed', () => {
    expect(random.map((input) => Array.from(draw(input, 1e9).subarray(0, 2)))).toMatchInlineSnapshot(`
      [
        [
          50324690,
          150324690,
        ],
        [
          69966215,
          96741605,
        ],
        [
          59323826,
          183133816,
        ],
        [
          881076583,
          883315912,
        ],
        [
          70786021,
          134418948,
        ],
        [
          418622681,
          420356038,
        ],
        [
          202664039,
          211584732,
        ],
        [
          220197126,
          250426609,
        ],
        [
          56322899,
          103017300,
        ],
      ]
    `);
  });
});
