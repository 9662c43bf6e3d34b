import {fc} from '@fast-check/vitest';
import type {ArrivalInput} from '../../../src/workload/arrivals/schema.ts';

const rate = fc.double({min: 0.5, max: 500, noNaN: true});
const cv = fc.double({min: 0.05, max: 8, noNaN: true});
const duration = fc.integer({min: 1, max: 3000}).map((ms) => `${ms}ms`);

const stationary = fc.oneof(
  fc.record({process: fc.constant('constant' as const), rate}),
  fc.record({process: fc.constant('poisson' as const), rate}),
  fc.record({process: fc.constant('gamma' as const), rate, cv}),
  fc.record({process: fc.constant('weibull' as const), rate, cv}),
  fc.record({
    process: fc.constant('on-off' as const),
    onRate: rate,
    offRate: rate,
    on: duration,
    off: duration,
  }),
  fc.record({
    process: fc.constant('mmpp' as const),
    states: fc.array(fc.record({rate, sojourn: duration}), {minLength: 2, maxLength: 4}),
  }),
);

const modulation = fc.oneof(
  fc.record({amplitude: fc.double({min: 0, max: 1, noNaN: true}), peakAt: duration}),
  fc.record({
    profile: fc
      .array(fc.double({min: 0, max: 9, noNaN: true}), {minLength: 1, maxLength: 6})
      .filter((levels) => levels.some((level) => level > 0.1)),
  }),
);

/** Any arrival process that can be drawn ahead, as a scenario writes it. */
export const anyOpenProcess: fc.Arbitrary<ArrivalInput> = fc.oneof(
  stationary,
  fc
    .tuple(stationary, duration, modulation)
    .map(([base, period, shape]) => ({process: 'diurnal' as const, base, period, ...shape})),
  fc
    .array(fc.integer({min: 0, max: 5000}), {minLength: 2, maxLength: 20})
    .map((ms) => ms.toSorted((a, b) => a - b))
    .filter((ms) => ms[0] < ms[ms.length - 1])
    .map((ms) => ({process: 'trace' as const, at: ms.map((t) => `${t}ms`)})),
);
