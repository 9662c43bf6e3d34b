// Launches of several steps: what the host and the lane take between them.
import {describe, expect, test} from 'vitest';
import {runToy} from '../support/rig.ts';
import type {ToyWorld} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';

/** Runs whole requests, one a launch. */
const whole = (depth = 1): Policy => ({
  name: 'whole',
  setup: {lanes: 1, depth},
  decide(s) {
    while (s.ready.total > 0 && s.lanes.outstanding[0] < depth) {
      const slot = s.ready.first(s.ready.nonEmpty[0]);
      const steps = s.programs.kernelsLeft(s.streams.cursor[slot]);
      s.take(slot);
      s.launch(0, -1, steps);
    }
  },
});

const one = (world: Partial<ToyWorld>) =>
  runToy({
    policy: whole(),
    tenants: [{kernels: [0, 1, 2, 1], arrivals: [0]}],
    durations: [1000, 2000, 3000],
    ...world,
  });

/** Runs all that is ready of the first class, to the end. */
const together: Policy = {
  name: 'together',
  setup: {lanes: 1},
  decide(s) {
    if (s.lanes.inFlight > 0 || s.ready.total === 0) return;
    const group = s.ready.nonEmpty[0];
    const steps = s.programs.kernelsLeft(s.streams.cursor[s.ready.first(group)]);
    s.takeGroup(group, s.ready.count[group]);
    s.launch(0, -1, steps);
  },
};

describe('the method of a launch of several steps', () => {
  const four = {policy: together, tenants: Array.from({length: 4}, () => ({kernels: [0, 1], arrivals: [0]}))};
  const of = (world: Partial<ToyWorld>) => {
    const {launches} = one({...four, ...world});
    expect(launches).toHaveLength(1);
    const [{method, startedAt, finishedAt}] = launches;
    return {method, ns: finishedAt - startedAt};
  };

  test('is the one that takes least, grouped where that is', () => {
    expect(of({})).toEqual({method: 'batched', ns: 1.75 * 3000});
    expect(of({batching: (size) => 2 * size})).toEqual({method: 'single', ns: 4 * 3000});
    expect(of({grouping: () => 1.25})).toEqual({method: 'grouped', ns: 1.25 * 3000});
  });

  test('is grouped only where all steps are best so', () => {
    const hasNone = (cls: number): number => (cls === 1 ? Infinity : 1);
    expect(of({grouping: hasNone})).toEqual({method: 'batched', ns: 1.75 * 3000});
    const isSlow = (cls: number): number => (cls === 1 ? 1.8 : 1);
    expect(of({grouping: isSlow})).toEqual({method: 'batched', ns: 1.75 * 3000});
  });
});

describe('a launch of several steps', () => {
  test('takes the durations of its steps and the gaps between them', () => {
    const {launches} = one({stepGapNs: 70, device: {gapNs: 1000}});
    expect(launches[0].finishedAt).toBe(1000 + 2000 + 3000 + 2000 + 3 * 70);
  });

  test('is predicted to take what it takes on an idle device', () => {
    let predicted = 0;
    const {launches} = one({
      stepGapNs: 70,
      recorder: {launched: (launch) => (predicted = launch.predictedNs)},
    });
    expect(predicted).toBe(launches[0].finishedAt - launches[0].startedAt);
  });

  test('keeps its lane waiting for the gap between launches, not between steps, behind another', () => {
    const {launches} = one({
      policy: whole(2),
      tenants: [{kernels: [0, 0], arrivals: [0, 0]}],
      stepGapNs: 70,
      device: {gapNs: 500},
    });
    expect(launches.map(({startedAt}) => startedAt)).toEqual([0, 2070 + 500]);
  });

  test('costs the host the time of each further step by its own shape', () => {
    const followNs = (cls: number): number => [0, 100, 10_000][cls];
    const {clock, launches} = one({submitNs: 500, followNs});
    // The first step is released at 500, the third at 10 600, by when the second is over; the last one by 10 700.
    expect(launches[0].startedAt).toBe(500);
    expect(launches[0].finishedAt).toBe(10_600 + 3000 + 2000);
    expect(clock.time).toBe(15_600);
  });

  test('keeps the host busy until its last step is released', () => {
    const {launches} = runToy({
      policy: {
        name: 'two lanes',
        setup: {lanes: 2},
        decide(s) {
          for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
            s.take(s.ready.first(s.ready.nonEmpty[0]));
            s.launch(lane, -1, 3);
          }
        },
      },
      tenants: [{kernels: [0, 1, 2], arrivals: [0, 0]}],
      durations: [1000, 1000, 1000],
      smShare: 0.1,
      submitNs: 500,
      followNs: (cls) => [0, 100, 250][cls],
    });
    expect(launches.map(({releasedAt}) => releasedAt)).toEqual([500, 500 + 100 + 250 + 500]);
  });
});
