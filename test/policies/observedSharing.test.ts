// What launches take beside others corrects the profile.
import {describe, expect, test} from 'vitest';
import {coalesced, holding, single} from '../../src/scheduler/launchKinds.ts';
import {ObservedSharing} from '../../src/policies/observedSharing.ts';
import {slowdownBeside} from '../../src/scheduler/sharingTerms.ts';

const profile = {interference: 1.5, crowding: 0.5, crowdedInterference: 0.8, mixing: 0.5, coalesced: 0.6};

/** Lets it see launches that take what they do with so many times the interference. */
function show(observed: ObservedSharing, kind: number, times: number, pressures: readonly number[]): void {
  const exposure = kind === single ? 1 : profile.coalesced;
  for (let i = 0; i < 2_000; i++) {
    const pressure = pressures[i % pressures.length];
    const slowed = 1 + times * (slowdownBeside(profile, exposure, pressure) - 1);
    observed.seen(kind, 100_000 * slowed, 100_000, pressure, 1);
  }
}

const factorOf = (observed: ObservedSharing, kind: number): number =>
  observed.of(kind).interference / profile.interference;

describe('how launches slow each other', () => {
  test.for([0.3, 1, 2])('is found to be %s times what the profile says', (times) => {
    const observed = new ObservedSharing(profile);
    show(observed, single, times, [0.3, 0.8, 2]);
    expect(Math.abs(factorOf(observed, single) - times)).toBeLessThan(0.11);
    expect(observed.of(single).crowdedInterference / profile.crowdedInterference).toBeCloseTo(
      factorOf(observed, single),
    );
    expect(observed.of(coalesced)).toEqual(profile);
    show(observed, coalesced, times, [0.8, 2]);
    expect(Math.abs(factorOf(observed, coalesced) - times)).toBeLessThan(0.11);
    expect(observed.version > 0).toBe(times !== 1);
  });

  test('shows only beyond what sharing the device out costs anyway', () => {
    const observed = new ObservedSharing(profile);
    const expected = slowdownBeside(profile, 1, 1);
    for (let i = 0; i < 1_000; i++) observed.seen(single, 1.5 * expected * 1e5, 1e5, 1, 2 * expected);
    expect(observed.version).toBe(0);
    for (let i = 0; i < 1_000; i++) observed.seen(single, 3 * expected * 1e5, 1e5, 1, 2 * expected);
    expect(factorOf(observed, single)).toBeGreaterThan(1.5);
  });

  test('is not told by launches that hold their places, that had no company, or where it is given', () => {
    const observed = new ObservedSharing(profile);
    show(observed, holding, 3, [0.8]);
    show(observed, single, 3, [0.01]);
    const given = new ObservedSharing(profile, true);
    show(given, single, 3, [0.8]);
    expect([observed.version, given.version]).toEqual([0, 0]);
    expect([observed.of(single), observed.of(holding), given.of(single)]).toEqual([
      profile,
      profile,
      profile,
    ]);
  });

  test('is not turned over by one pause of the host', () => {
    const observed = new ObservedSharing(profile);
    show(observed, single, 1, [0.8]);
    observed.seen(single, 1e9, 1e5, 0.8, 1);
    expect(Math.abs(factorOf(observed, single) - 1)).toBeLessThan(0.05);
  });

  test.for([0.8, 1, 1.3])(
    'tells what singles take of the device where they take %s times as long as it takes to share that out',
    (times) => {
      const observed = new ObservedSharing(profile);
      const among = (ofSingles: number, kind: number) => {
        // As launches are: with the shares that are known by then.
        for (let i = 0; i < 1_000; i++)
          observed.seen(kind, times * 1e6, 1e5, 0.5, 10 * observed.shareOf(1), ofSingles);
      };
      among(0.5, single);
      among(1, coalesced);
      expect(observed.shareOf(1)).toBe(1);
      among(0.95, single);
      expect(Math.abs(observed.shareOf(1) - Math.min(1, times))).toBeLessThan(0.05);
      expect(observed.shareOf(2)).toBe(1);
      if (times === 1) expect(observed.version).toBe(0);
    },
  );
});
