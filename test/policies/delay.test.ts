// Holding kernels on purpose: when each condition lets a group go, and what waiting gains.
import {describe, expect, test} from 'vitest';
import {latencies, mean, meanSize, poisson, runPolicy} from './run.ts';

/** Kernels of 1000 ns, of which two take 1250 together, in requests that have 5000. */
const world = (arrivals: number[]) => ({
  tenants: arrivals.map((at) => ({kernels: [0], arrivals: [at], sloNs: 5_000})),
  durations: [1_000],
});

describe('a group is launched', () => {
  test.each([
    ['at once', 'condition=immediately', [0], 0],
    ['at once where nothing is known of the next arrival', 'condition=gain', [0], 0],
    ['when it is as large as the target', 'condition=size,target=3', [0, 200, 700], 700],
    ['when the longest waiting has waited the longest delay', 'condition=age,max-delay=300ns', [0, 200], 300],
    ['while one more would still be in time', 'condition=frontrun,jitter=100ns', [0], 5_000 - 1_250 - 100],
    ['while it is in time itself', 'condition=latest,jitter=100ns', [0], 5_000 - 1_000 - 100],
    [
      'at the latest when it has to, where the target is not reached',
      'condition=size,target=3,jitter=100ns',
      [0, 200],
      5_000 - 1_250 - 100,
    ],
    ['after the longest delay whatever the condition', 'condition=latest,max-delay=2us', [0], 2_000],
  ])('%s', (_, parameters, arrivals, expected) => {
    const {launches} = runPolicy(
      `delay:lanes=1,${parameters}${parameters.includes('jitter') ? '' : ',jitter=0ns'}`,
      world(arrivals),
    );
    expect(launches.map(({startedAt}) => startedAt)).toEqual([expected]);
    expect(launches[0].size).toBe(arrivals.length);
  });

  test('when those that wait would spend more time than the next arrival is expected to save', () => {
    // One more saves 750 ns. Gaps are near 400 ns: worth waiting for one kernel, not for two.
    const {launches} = runPolicy(
      'delay:lanes=1,jitter=0ns',
      world([0, 300, 600, 2_000, 2_300, 2_600, 2_900]),
    );
    expect(launches.map(({startedAt, size}) => [startedAt, size])).toEqual([
      [0, 1],
      [1_000, 2],
      [2_300, 2],
      [3_550, 2],
    ]);
  });

  test('when the next arrival has not come by the time that it would save', () => {
    const {launches} = runPolicy('delay:lanes=1,jitter=0ns', world([0, 200, 400, 2_200]));
    expect(launches.map(({startedAt, size}) => [startedAt, size])).toEqual([
      [0, 1],
      [1_000, 2],
      [2_950, 1],
    ]);
  });
});

test('other groups fill the wait', () => {
  const {launches} = runPolicy('delay:lanes=1,condition=age,max-delay=900ns,jitter=0ns', {
    tenants: [
      {kernels: [0], arrivals: [0], sloNs: 1e6},
      {kernels: [1], arrivals: [100], sloNs: 300},
    ],
    durations: [1_000, 300],
  });
  // The second is late if it waits, so it is due at once; the first waits on.
  expect(launches.map(({cls, startedAt}) => [cls, startedAt])).toEqual([
    [1, 100],
    [0, 900],
  ]);
});

test('under load, waiting coalesces more than greedy and costs little latency', () => {
  const tenants = Array.from({length: 20}, (_, i) => ({
    kernels: [0],
    arrivals: poisson(`tenant ${i}`, 10_000, 200),
    sloNs: 1e6,
  }));
  const greedy = runPolicy('greedy:lanes=2', {tenants, durations: [1_000], smShare: 0.5});
  const delay = runPolicy('delay:lanes=2,jitter=0ns', {tenants, durations: [1_000], smShare: 0.5});
  expect(meanSize(delay)).toBeGreaterThan(1.2 * meanSize(greedy));
  expect(mean(latencies(delay))).toBeLessThan(1.5 * mean(latencies(greedy)));
});
