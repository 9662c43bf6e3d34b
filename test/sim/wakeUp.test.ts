// The host's time between seeing something and acting on it.
import {describe, expect, test} from 'vitest';
import {runToy} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import type {HostModel} from '../../src/sim/simulatedDevice.ts';

type Threads = HostModel['threads'];

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

describe('a host that takes time for each launch and further member', () => {
  const count = 3;
  /** As many tenants of `steps` kernels each, all launched together and again as soon as all have ended. */
  const inStep = (
    steps: number,
    each: {decideNs: number; decideLaunchNs?: number; decideMemberNs: number},
    host: Threads = 'shared',
  ) => {
    const {completed, launches} = runToy({
      policy: {...together, setup: {lanes: 4, host}},
      tenants: Array.from({length: count}, () => ({kernels: Array<number>(steps).fill(0), arrivals: [1000]})),
      durations: [100_000],
      detectNs: 300,
      ...each,
    });
    expect(launches.map(({size}) => size)).toEqual(Array<number>(steps).fill(count));
    return completed[count - 1].at;
  };

  test.each<Threads>(['shared', 'per-lane'])(
    'pays as a launch is made and as its end is seen, %s',
    (host) => {
      for (const steps of [1, 2, 5]) {
        const without = inStep(steps, {decideNs: 5000, decideMemberNs: 0}, host);
        const paid = inStep(steps, {decideNs: 5000, decideMemberNs: 200}, host) - without;
        // What follows the last end concerns no request any more.
        expect(paid).toBe((2 * steps - 1) * (count - 1) * 200);
        const both = {decideNs: 5000, decideLaunchNs: 900, decideMemberNs: 200};
        expect(inStep(steps, both, host) - without - paid).toBe((2 * steps - 1) * 900);
      }
    },
  );

  test('is not told from one that takes the same for a wake-up, where all are of as many members', () => {
    // But for the first one, which sees no end.
    const first = (count - 1) * 70;
    expect(inStep(4, {decideNs: 1000, decideMemberNs: 70})).toBe(
      inStep(4, {decideNs: 1000 + 2 * (count - 1) * 70, decideMemberNs: 0}) - first,
    );
  });

  test('keeps whole ns', () => {
    const [at, without] = [12.34, 0].map((decideMemberNs) => inStep(4, {decideNs: 5000, decideMemberNs}));
    expect(Number.isInteger(at)).toBe(true);
    // Off by half a ns for each of seven times.
    expect(Math.abs(at - without - 7 * (count - 1) * 12.34)).toBeLessThanOrEqual(3.5);
  });

  test('takes that time also where it only sees an end, and sees later what comes meanwhile', () => {
    /** From the end of two until the decision on a third, which arrives 10 ns after it is seen. */
    const decidedAfter = (decideMemberNs: number): number => {
      const seenAt = 1000 + decideMemberNs + 100_000 + 300;
      const {launches} = runToy({
        policy: together,
        tenants: [1000, 1000, seenAt + 10].map((at) => ({kernels: [0], arrivals: [at]})),
        durations: [100_000],
        batching: () => 1,
        detectNs: 300,
        decideMemberNs,
      });
      expect(launches.map(({size}) => size)).toEqual([2, 1]);
      return launches[1].decidedAt - seenAt;
    };
    expect([0, 8, 10, 12, 80].map(decidedAfter)).toEqual([10, 10, 10, 12, 80]);
  });
});
