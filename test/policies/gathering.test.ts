// What runs in one launch with a kernel that has been taken.
import {expect, test} from 'vitest';
import {Gathering} from '../../src/policies/gathering.ts';
import {SlackQueue} from '../../src/policies/slackQueue.ts';
import {Timeliness} from '../../src/policies/timeliness.ts';
import type {Situation} from '../../src/scheduler/policy.ts';
import {runToy} from '../support/rig.ts';

/**
 * Chains of six kernels, the second and third of which arrive while the first runs four, on one lane, most urgent first; in
 * strides of so many kernels or none. Returns who ran in each launch, and how far.
 */
function launchesOf(stride: number): [number[], number][] {
  const queue = new SlackQueue();
  let gathering: Gathering;
  const {launches} = runToy({
    tenants: [0, 1_500, 2_000].map((at) => ({
      kernels: Array.from({length: 6}, () => 0),
      arrivals: [at],
      sloNs: 1e6 + 10 * at,
      model: 'toy',
    })),
    durations: [1_000],
    batching: () => 1,
    policy: {
      name: 'gathers',
      setup: {lanes: 1, runsAhead: true},
      attach(situation: Situation) {
        gathering = new Gathering(new Timeliness(situation));
      },
      onReady(slot: number, situation: Situation) {
        queue.push(slot, situation.latestStart(slot), situation);
      },
      decide(situation: Situation) {
        const {lanes, ready, streams, programs} = situation;
        const lane = ready.total === 0 ? -1 : lanes.idle();
        if (lane < 0) return;
        const seed = queue.onTime.take(streams);
        const group = ready.list(seed);
        const cursor = streams.cursor[seed];
        gathering.begin(Math.min(4, programs.kernelsLeft(cursor)), stride);
        situation.take(seed);
        if (ready.total > 0) gathering.gather(group, queue, cursor, 8, 0, false, situation);
        situation.launch(lane, -1, gathering.steps);
      },
    },
  });
  return launches.map(({tenants, steps}) => [tenants.toSorted((a, b) => a - b), steps]);
}

test('who ends soon takes the others along, and cuts their launches', () => {
  expect(launchesOf(0)).toEqual([
    [[0], 4],
    [[0, 1, 2], 2],
    [[1, 2], 4],
  ]);
});

test('in strides who ends within one goes apart from the others', () => {
  expect(launchesOf(4)).toEqual([
    [[0], 4],
    [[0], 2],
    [[1, 2], 4],
    [[1, 2], 2],
  ]);
});
