// The host's time between seeing something and acting on it.
import {describe, expect, test} from 'vitest';
import {runToy} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';

/** Launches all that is ready together, on the next lane. */
const together: Policy = {
  name: 'together',
  setup: {lanes: 4},
  decide(s) {
    if (s.ready.total === 0) return;
    const group = s.ready.nonEmpty[0];
    s.takeGroup(group, 8);
    s.launch(s.lanes.inFlight % 4);
  },
};

const arrivingAt = (arrivals: number[], policy: Policy = together) =>
  runToy({
    policy,
    tenants: arrivals.map((at) => ({kernels: [0], arrivals: [at]})),
    durations: [100_000],
    decideNs: 5000,
    detectNs: 300,
  });

describe('a host that decides for 5 us', () => {
  test('decides on what it saw, and next on what came meanwhile', () => {
    const {launches} = arrivingAt([1000, 3000, 5999]);
    expect(launches.map(({size}) => size)).toEqual([1, 2]);
    expect(launches.map(({decidedAt}) => decidedAt)).toEqual([1000, 6000]);
    // The second one was found without a wait, and takes nothing more.
    expect(launches.map(({startedAt}) => startedAt)).toEqual([6000, 6000]);
  });

  test('sees an end as soon as it is detected', () => {
    const {completed} = arrivingAt([1000]);
    expect(completed[0].at).toBe(6000 + 100_000 + 300);
  });

  test('takes that time also where it launches nothing', () => {
    const second: Policy = {...together, decide: (s) => (s.ready.total < 2 ? undefined : together.decide(s))};
    const {launches} = arrivingAt([1000, 3000], second);
    expect(launches.map(({decidedAt, startedAt}) => [decidedAt, startedAt])).toEqual([[6000, 11_000]]);
  });
});
