// Least slack first: urgent kernels go ahead of large groups, and take their group along.
import {describe, expect, test} from 'vitest';
import {latencies, runPolicy} from './run.ts';

describe('slo', () => {
  const patient = Array.from({length: 6}, () => ({kernels: [1], arrivals: [0], sloNs: 1e6}));
  const world = {
    tenants: [{kernels: [0], arrivals: [0], sloNs: 1_500}, ...patient],
    durations: [1_000, 1_000],
  };

  test('meets a deadline that greedy misses', () => {
    expect(latencies(runPolicy('greedy:lanes=1', world), 0)).toEqual([3_250]);
    expect(latencies(runPolicy('slo:lanes=1', world), 0)).toEqual([1_000]);
  });

  test('coalesces around the most urgent kernel', () => {
    const urgent = {kernels: [1], arrivals: [0], sloNs: 2_000};
    const {launches} = runPolicy('slo:lanes=1', {...world, tenants: [...world.tenants, urgent]});
    expect(launches.map(({cls, size}) => [cls, size])).toEqual([
      [0, 1],
      [1, 7],
    ]);
  });

  test('takes the most urgent kernel where the group is larger than a superkernel', () => {
    const urgent = {kernels: [1], arrivals: [0], sloNs: 1_200};
    const {launches} = runPolicy('slo:lanes=1,max-size=2', {...world, tenants: [...world.tenants, urgent]});
    expect(launches[0].tenants).toContain(7);
    expect(launches[0].size).toBe(2);
  });

  test('counts the kernels that are still to come against the slack', () => {
    const {launches} = runPolicy('slo:lanes=1', {
      tenants: [
        {kernels: [0], arrivals: [0], sloNs: 9_000},
        {kernels: [1, 1, 1, 1, 1], arrivals: [0], sloNs: 9_500},
      ],
      durations: [1_000, 1_000],
    });
    expect(launches[0].tenants).toEqual([1]);
  });

  test('without coalescing is least slack first alone', () => {
    const {launches} = runPolicy('slo:lanes=1,coalesce=none', world);
    expect(launches.map(({size}) => size)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(launches[0].tenants).toEqual([0]);
  });
});
