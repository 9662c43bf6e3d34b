// One model at a time owns the GPU: whose turn it is, and how large its batches are.
import {describe, expect, test} from 'vitest';
import {latencies, runPolicy} from './run.ts';

const durations = [1_000, 1_000];

describe('exclusive', () => {
  test('serves the model with the earliest deadline, or the one that has waited longest', () => {
    const world = {
      tenants: [
        {kernels: [0], arrivals: [0]},
        {kernels: [0], arrivals: [10], sloNs: 1e6},
        {kernels: [1], arrivals: [20], sloNs: 1e5},
      ],
      durations,
      maxSize: 1,
    };
    const order = (text: string) => runPolicy(text, world).completed.map(({tenant}) => tenant);
    expect(order('exclusive')).toEqual([0, 2, 1]);
    expect(order('exclusive:order=arrival')).toEqual([0, 1, 2]);
  });

  test('batches what waits, the replicas of a model together or each alone', () => {
    const world = {
      tenants: [0, 1, 2].map(() => ({kernels: [0, 1], arrivals: [0, 0], family: 0})),
      durations,
      maxSize: 1,
    };
    const {completed, launches} = runPolicy('exclusive', world);
    expect(launches.map(({steps}) => steps)).toEqual([2]);
    expect(completed.map(({at}) => at)).toEqual(Array(6).fill(2 * 1_000 * (1 + 5 / 4)));
    expect(runPolicy('exclusive:across-replicas=false', world).launches.length).toBe(3);
    expect(runPolicy('exclusive:max-batch=4', world).launches.length).toBe(2);
  });

  test('forms the largest batch that the first deadline allows', () => {
    // Batches of 1, 2, 3, 4 take 1000, 1250, 1500, 1750 ns.
    const world = (sloNs: number) => ({
      tenants: [{kernels: [0], arrivals: [0, 0, 0, 0], sloNs}],
      durations,
      maxSize: 1,
    });
    const first = (sloNs: number) => latencies(runPolicy('exclusive', world(sloNs)))[0];
    expect(first(1e6)).toBe(1_750);
    expect(first(1_600)).toBe(1_500);
    expect(first(1_000)).toBe(1_000);
    // Lost anyhow: the queue is cleared as fast as it can be.
    expect(first(900)).toBe(1_750);
  });

  test('with a GPU each, models run at the same time and at full speed', () => {
    const world = {
      tenants: [
        {kernels: [0, 0], arrivals: [0]},
        {kernels: [1, 1], arrivals: [0]},
      ],
      durations,
      maxSize: 1,
    };
    expect(runPolicy('exclusive:gpus=own', world).completed.map(({at}) => at)).toEqual([2_000, 2_000]);
    expect(runPolicy('exclusive', world).completed.map(({at}) => at)).toEqual([2_000, 4_000]);
  });
});
