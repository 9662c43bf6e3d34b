// What is in flight, by program.
import {describe, expect, test} from 'vitest';
import {InFlight} from '../../src/policies/inFlight.ts';
import {ObservedSharing} from '../../src/policies/observedSharing.ts';
import {Launch} from '../../src/scheduler/launch.ts';

const profile = {interference: 1.5, crowding: 0.5, crowdedInterference: 0.8, coalesced: 0.6};

function launchOf(lane: number, size: number): Launch {
  const launch = new Launch(64);
  Object.assign(launch, {lane, size, releasedAt: 0, predictedNs: 1000, finishedAt: 1000});
  return launch;
}

describe('what is in flight', () => {
  test('tells the streams that others may yet join from those that complete', () => {
    const inFlight = new InFlight(4, new ObservedSharing(profile));
    const fill = {sm: 0.5, bandwidth: 0.2};
    const launches = [launchOf(0, 12), launchOf(1, 30), launchOf(2, 5)];
    inFlight.launched(launches[0], fill, 0, 4);
    inFlight.launched(launches[1], fill, 20);
    // All of its streams are complete when it ends.
    inFlight.launched(launches[2], fill, 20, 5);
    expect([0, 20].map((program) => inFlight.joinableOf(program))).toEqual([12, 30]);
    expect([0, 20].map((program) => inFlight.endingOf(program))).toEqual([4, 5]);
    expect(inFlight.demandOf(20)).toBeCloseTo(0.5);
    expect(inFlight.demandOf(20, true)).toBeCloseTo(1);
    for (const launch of launches) inFlight.finished(launch);
    expect([0, 20].map((program) => inFlight.joinableOf(program))).toEqual([0, 0]);
    expect([0, 20].map((program) => inFlight.endingOf(program))).toEqual([0, 0]);
    expect(inFlight.demand()).toBe(0);
  });
});
