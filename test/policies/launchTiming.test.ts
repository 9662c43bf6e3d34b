// Whether what is ready is launched now or waits for launches to end.
import {expect, test} from 'vitest';
import {InFlight} from '../../src/policies/inFlight.ts';
import type {LaunchPlan} from '../../src/policies/launchPlanner.ts';
import {LaunchTiming} from '../../src/policies/launchTiming.ts';
import type {LaunchTimingOptions} from '../../src/policies/launchTiming.ts';
import {ObservedSharing} from '../../src/policies/observedSharing.ts';
import {Reaction} from '../../src/policies/reaction.ts';
import {single} from '../../src/scheduler/launchKinds.ts';

/** Whether one short kernel has room beside so many launches that would take all of the device each, for a long time. */
function hasRoom(launches: number, recurs: boolean): boolean {
  const none = {interference: 0, crowding: 1, crowdedInterference: 0, mixing: 0, coalesced: 1};
  const inFlight = new InFlight(16, new ObservedSharing(none));
  for (let lane = 0; lane < launches; lane++) {
    const launch = {lane, size: 1, predictedNs: 1e9, releasedAt: 0} as Parameters<InFlight['launched']>[0];
    inFlight.launched(launch, {sm: 1, bandwidth: 0}, single, 1);
  }
  const plan: LaunchPlan = {
    size: 1,
    beside: 1,
    recurs,
    method: 0,
    steps: 1,
    sm: 0.1,
    bandwidth: 0,
    completionNs: 1_000,
  };
  const timing = new LaunchTiming({
    inFlight,
    populations: {program: () => 0} as unknown as LaunchTimingOptions['populations'],
    planner: {} as LaunchTimingOptions['planner'],
    reaction: new Reaction(),
    groups: [],
    planOf: () => plan,
  });
  const situation = {
    now: 0,
    ready: {total: 1, count: [1], list: () => 0},
    streams: {cursor: [0]},
    programs: {classes: [0]},
    costs: {submitNs: () => 0, launchNs: 0, memberNs: 0, durationNs: () => 1_000},
  };
  return timing.hasRoom(0, plan, situation as never);
}

test('what does not recur waits where launches would take the device more than five times', () => {
  expect([5, 6].map((launches) => hasRoom(launches, false))).toEqual([true, false]);
  expect([5, 6].map((launches) => hasRoom(launches, true))).toEqual([true, true]);
});
