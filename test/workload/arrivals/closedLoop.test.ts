// Closed loops: how many requests are outstanding, and how long clients think.
import {describe, expect, test} from 'vitest';
import {closedLoop} from '../../../src/workload/arrivals/closedLoop.ts';
import {arrivalSchema, isClosed, type ArrivalInput} from '../../../src/workload/arrivals/schema.ts';
import {stream} from '../../../src/workload/random.ts';
import {cv, deviations} from './statistics.ts';

function loopOf(input: ArrivalInput) {
  const spec = arrivalSchema.parse(input);
  if (!isClosed(spec)) throw new Error(`${spec.process} is not closed`);
  return closedLoop(spec);
}

const thinkTimes = (think: Extract<ArrivalInput, {process: 'closed-loop'}>['think'], n = 20_000) => {
  const loop = loopOf({process: 'closed-loop', outstanding: 4, think});
  const random = stream(1, 'think');
  return Array.from({length: n}, () => loop.thinkNs(random));
};

describe('closedLoop', () => {
  test('of a saturated tenant never thinks', () => {
    const loop = loopOf({process: 'saturated', outstanding: 8});
    expect(loop.outstanding).toBe(8);
    expect(loop.thinkNs(stream(1, 'x'))).toBe(0);
  });

  test('thinks the same time where only a duration is given', () => {
    expect(new Set(thinkTimes('5ms', 10))).toEqual(new Set([5e6]));
    expect(new Set(thinkTimes({distribution: 'constant', mean: '5ms'}, 10))).toEqual(new Set([5e6]));
  });

  test.each([
    [{distribution: 'exponential', mean: '5ms'}, 1],
    [{distribution: 'uniform', mean: '5ms'}, 1 / Math.sqrt(3)],
    [{distribution: 'gamma', mean: '5ms', cv: 2}, 2],
    [{distribution: 'lognormal', mean: '5ms', cv: 0.5}, 0.5],
  ] as const)('draws %j around its mean, in whole nanoseconds', (think, expectedCv) => {
    const times = thinkTimes(think);
    expect(Math.abs(deviations(times, 5e6))).toBeLessThan(4);
    expect(cv(times) / expectedCv).toBeCloseTo(1, 1);
    expect(times.every((time) => Number.isInteger(time) && time >= 0)).toBe(true);
  });

  test('draws from the stream that it is handed', () => {
    const loop = loopOf({
      process: 'closed-loop',
      outstanding: 1,
      think: {distribution: 'exponential', mean: '1s'},
    });
    const [a, b] = [stream(1, 'a'), stream(1, 'b')];
    const mixed = Array.from({length: 5}, () => [loop.thinkNs(a), loop.thinkNs(b)]);
    const again = stream(1, 'a');
    expect(mixed.map(([fromA]) => fromA)).toEqual(mixed.map(() => loop.thinkNs(again)));
  });
});
