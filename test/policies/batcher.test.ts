// Triton's dynamic batcher: sizes, delays, priorities, timeouts, instances.
import {describe, expect, test} from 'vitest';
import type {ToyTenant} from '../support/rig.ts';
import {runPolicy} from './run.ts';

/** Replicas of one model whose kernel takes 1000 ns, of which two in a batch take 1250. */
const replicas = (...arrivals: number[][]) => ({
  tenants: arrivals.map((at): ToyTenant => ({kernels: [0], arrivals: at, family: 0})),
  durations: [1_000],
  maxSize: 1,
});

/** Start of every batch and the tenants it serves, by when they started. */
function batches(text: string, world: Parameters<typeof runPolicy>[1]): [number, number[]][] {
  const {completed, dropped} = runPolicy(text, world);
  expect(dropped).toEqual([]);
  const starts = new Map<number, number[]>();
  for (const {tenant, startedAt} of completed)
    starts.set(startedAt, [...(starts.get(startedAt) ?? []), tenant]);
  return [...starts]
    .map(([at, tenants]): [number, number[]] => [at, tenants.toSorted((a, b) => a - b)])
    .toSorted((a, b) => a[0] - b[0]);
}

describe('a batch', () => {
  test('holds all that wait when an instance gets free', () => {
    expect(batches('batcher', replicas([0, 100, 200], [300]))).toEqual([
      [0, [0]],
      [1_000, [0, 0, 1]],
    ]);
  });

  test('is no larger than the maximal batch', () => {
    expect(batches('batcher:max-batch=2', replicas([0, 100, 200], [300]))).toEqual([
      [0, [0]],
      [1_000, [0, 0]],
      [2_250, [1]],
    ]);
  });

  test('takes the requests in order of arrival, across replicas', () => {
    expect(batches('batcher:max-batch=2', replicas([0, 300], [100], [200]))).toEqual([
      [0, [0]],
      [1_000, [1, 2]],
      [2_250, [0]],
    ]);
  });

  test('never mixes models', () => {
    const world = replicas([0], [0]);
    world.tenants[1].family = 1;
    const {launches} = runPolicy('batcher', world);
    expect(launches.map(({startedAt, lane}) => [startedAt, lane])).toEqual([
      [0, 0],
      [0, 1],
    ]);
  });
});

describe('with a queue delay', () => {
  test('the oldest request waits so long and no longer', () => {
    expect(batches('batcher:max-queue-delay=500ns', replicas([0, 300, 600]))).toEqual([
      [500, [0, 0]],
      [1_750, [0]],
    ]);
  });

  test('a full batch does not wait', () => {
    expect(batches('batcher:max-batch=2,max-queue-delay=500ns', replicas([0, 300]))).toEqual([[300, [0, 0]]]);
  });

  test('a batch of a preferred size does not wait', () => {
    expect(
      batches('batcher:preferred=[2,4],max-queue-delay=500ns', replicas([0, 100, 900, 950, 980, 990])),
    ).toEqual([
      [100, [0, 0]],
      [1_350, [0, 0, 0, 0]],
    ]);
  });

  test('the largest preferred size is taken, the rest waits on', () => {
    expect(batches('batcher:preferred=[2],max-queue-delay=2us', replicas([0, 100, 200, 300, 400]))).toEqual([
      [100, [0, 0]],
      [1_350, [0, 0]],
      [2_600, [0]],
    ]);
  });
});

test('a higher priority goes first', () => {
  const world = replicas([0, 100], [200], [300]);
  world.tenants[2].priority = 1;
  expect(batches('batcher:max-batch=1', world).map(([, tenants]) => tenants[0])).toEqual([0, 2, 0, 1]);
});

describe('with a timeout', () => {
  test('requests that have waited longer are rejected', () => {
    const {completed, dropped} = runPolicy('batcher:max-batch=1,timeout=1500ns', replicas([0, 100, 200]));
    expect(completed.map(({arrivalAt}) => arrivalAt)).toEqual([0, 100]);
    expect(dropped.map(({arrivalAt}) => arrivalAt)).toEqual([200]);
  });

  test('or go behind the others of their priority', () => {
    const world = replicas([0, 100], [200], [2_900]);
    const text = 'batcher:max-batch=1,timeout=2500ns,timeout-action=delay';
    expect(batches('batcher:max-batch=1', world).map(([, tenants]) => tenants[0])).toEqual([0, 0, 1, 2]);
    expect(batches(text, {...world, durations: [2_950]}).map(([, tenants]) => tenants[0])).toEqual([
      0, 2, 0, 1,
    ]);
  });
});

test('instances of a model run side by side', () => {
  expect(batches('batcher:max-batch=1,instances=2', {...replicas([0, 0, 0]), smShare: 0.1})).toEqual([
    [0, [0, 0]],
    [1_000, [0]],
  ]);
});
