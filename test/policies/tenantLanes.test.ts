// The papers' baselines, in which every tenant submits for itself: time slicing, MPS, streams.
import {describe, expect, test} from 'vitest';
import {latencies, makePolicy, runPolicy} from './run.ts';

const two = {
  tenants: [
    {kernels: [0, 0, 0], arrivals: [0]},
    {kernels: [0, 0, 0], arrivals: [0]},
  ],
  durations: [1_000],
  smShare: 0.5,
};

describe('two tenants that would each leave half of the device idle', () => {
  test.each([
    ['time-slice', 6_000],
    ['mps', 3_000],
    ['streams', 3_000],
    ['streams:lanes=1', 6_000],
  ])('%s takes %d ns for both', (text, expected) => {
    expect(latencies(runPolicy(text, two)).at(-1)).toBe(expected);
  });
});

describe('a tenant', () => {
  test('runs one request at a time, in order', () => {
    const {completed} = runPolicy('streams', {
      tenants: [{kernels: [0, 0], arrivals: [0, 10, 20]}],
      durations: [1_000],
    });
    expect(completed.map(({arrivalAt, startedAt, at}) => [arrivalAt, startedAt, at])).toEqual([
      [0, 0, 2_000],
      [10, 2_000, 4_000],
      [20, 4_000, 6_000],
    ]);
  });

  test.each([
    ['mps', [3]],
    ['mps:run-ahead=2', [2, 1]],
    ['mps:run-ahead=1', [1, 1, 1]],
  ])('%s submits kernels ahead', (text, steps) => {
    const {launches} = runPolicy(text, {tenants: [{kernels: [0, 0, 0], arrivals: [0]}], durations: [1_000]});
    expect(launches.map((launch) => launch.steps)).toEqual(steps);
  });

  test('finishes a request that it has begun before the next, also where it waits for every kernel', () => {
    const {completed} = runPolicy('mps:run-ahead=1', {
      tenants: [{kernels: [0, 0], arrivals: [0, 500]}],
      durations: [1_000],
    });
    expect(completed.map(({at}) => at)).toEqual([2_000, 4_000]);
  });

  test('uses the lane that is its own, or that it shares with every n-th', () => {
    const tenants = Array.from({length: 5}, () => ({kernels: [0], arrivals: [0]}));
    const lanes = (text: string) =>
      runPolicy(text, {tenants, durations: [1_000]})
        .launches.map(({lane, tenants}) => [tenants[0], lane])
        .toSorted((a, b) => a[0] - b[0]);
    expect(lanes('streams')).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(lanes('streams:lanes=2')).toEqual([
      [0, 0],
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 0],
    ]);
  });
});

test('submits from a thread of its own, unless one thread submits for all', () => {
  expect(makePolicy('streams', 2).setup?.host).toBe('per-lane');
  const shared = runPolicy('streams:host-threads=shared', {...two, submitNs: 400});
  const own = runPolicy('streams', {...two, submitNs: 400});
  expect(latencies(own).at(-1)).toBe(400 + 3_000);
  expect(latencies(shared).at(-1)).toBe(3 * 400 + 400 + 3_000);
});
