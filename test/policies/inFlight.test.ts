// What is in flight, for a policy that asks what else may run.
import {describe, expect, test} from 'vitest';
import {InFlight} from '../../src/policies/inFlight.ts';
import {coalesced, holding, single} from '../../src/scheduler/launchKinds.ts';
import {ObservedSharing} from '../../src/policies/observedSharing.ts';

describe('what is in flight', () => {
  const launch = (lane: number, size: number, predictedNs: number) =>
    ({lane, size, predictedNs, releasedAt: 0}) as Parameters<InFlight['launched']>[0];
  const sharing = (interference: number) =>
    new ObservedSharing({interference, crowding: 0.1, crowdedInterference: 0, mixing: 0, coalesced: 0.6});
  const at = (now: number, inFlight: number) => ({now, lanes: {inFlight}}) as never;
  const fill = (sm: number) => ({sm, bandwidth: 0.1});
  /** One launch that fills `sm` for `ns`, and whether another like it has room beside it while `others` wait. */
  const beside = (size: number, kind: number, sm: number, ns: number) => {
    const inFlight = new InFlight(4, sharing(0.1));
    inFlight.launched(launch(0, size, ns), fill(sm), kind, 0);
    return (otherSm: number, otherNs: number, others = 0) =>
      inFlight.isWorthBeside(fill(otherSm), single, otherNs, 1, others, 0, at(0, 1));
  };

  test('has room for a launch that fills what is left', () => {
    expect(beside(1, single, 0.5, 100_000)(0.4, 100_000)).toBe(true);
  });

  test('has none for one that would hold up many, unless it is short', () => {
    const hasRoom = beside(16, holding, 1, 1_000_000);
    expect(hasRoom(1, 1_000_000)).toBe(false);
    expect(hasRoom(1, 50_000)).toBe(true);
  });

  test('makes room where many wait for a device whose launches wait for each other, though it is full', () => {
    const worth = (interference: number, others: number) => {
      const inFlight = new InFlight(4, sharing(interference));
      const fill = {sm: 0.6, bandwidth: 0};
      for (const lane of [0, 1]) inFlight.launched(launch(lane, 8, 100_000), fill, coalesced, 0);
      return inFlight.isWorthBeside(fill, single, 100_000, 1, others, 0, at(0, 2));
    };
    expect([worth(1.4, 90), worth(1.4, 0), worth(0, 90)]).toEqual([true, false, false]);
  });

  test('keeps launches in the order of their ends, whatever the order in which they came and went', () => {
    const inFlight = new InFlight(4, sharing(0));
    const fill = {sm: 0.2, bandwidth: 0};
    for (const [lane, ns] of [300, 100, 200].entries())
      inFlight.launched(launch(lane, 1, ns), fill, single, lane);
    expect([inFlight.nextEndsAt(), inFlight.allEndAt()]).toEqual([100, 300]);
    inFlight.finished(launch(1, 1, 100));
    expect([inFlight.nextEndsAt(), inFlight.allEndAt()]).toEqual([200, 300]);
    expect([inFlight.has(1), inFlight.has(2), inFlight.has(2, true)]).toEqual([false, true, true]);
    expect(inFlight.demandOf(2)).toBeCloseTo(0.2, 9);
    inFlight.finished(launch(0, 1, 300));
    inFlight.finished(launch(2, 1, 200));
    expect([inFlight.nextEndsAt(), inFlight.taken()]).toEqual([Infinity, 0]);
  });

  test('slows what would run beside it, least where that holds its place, and what is there not for asking', () => {
    const inFlight = new InFlight(4, sharing(1));
    for (const kind of [coalesced, holding]) expect(inFlight.slowdownOfNewcomer(kind, 0.5)).toBe(1);
    inFlight.launched(launch(0, 20, 100), {sm: 0.8, bandwidth: 0.1}, holding, 0);
    const slowed = inFlight.slowdownOfNewcomer(coalesced, 0.5);
    expect(slowed).toBeGreaterThan(inFlight.slowdownOfNewcomer(holding, 0.5));
    expect(inFlight.slowdownOfNewcomer(coalesced, 0.5)).toBe(slowed);
    expect(inFlight.taken()).toBeCloseTo(0.8, 6);
  });

  test('takes launches whose streams are all complete then for others', () => {
    const inFlight = new InFlight(4, sharing(0));
    const fill = {sm: 0.25, bandwidth: 0};
    inFlight.launched(launch(0, 3, 100), fill, coalesced, 7, 3);
    inFlight.launched(launch(1, 2, 200), fill, coalesced, 7, 1);
    expect([inFlight.endingOf(7), inFlight.endingOf(8)]).toEqual([4, 0]);
    expect([inFlight.demandOf(7), inFlight.demandBeside(7, true)]).toEqual([0.25, 0.25]);
    expect([inFlight.has(7), inFlight.has(7, true)]).toEqual([true, true]);
    // But not where its own do not count.
    inFlight.launched(launch(2, 1, 300), {sm: 0.125, bandwidth: 0}, single, 8, 1);
    expect([7, 8, 9].map((program) => inFlight.demandBeside(program, false))).toEqual([0.125, 0.5, 0.625]);
    inFlight.finished(launch(2, 1, 300));
    inFlight.finished(launch(0, 3, 100));
    expect([inFlight.endingOf(7), inFlight.has(7, true)]).toEqual([1, false]);
    expect([7, 8].map((program) => inFlight.demandBeside(program, false))).toEqual([0, 0.25]);
  });

  test('knows that a launch which ends soon after the next one leaves the device idle as well', () => {
    const inFlight = new InFlight(4, sharing(0));
    const fill = {sm: 0.5, bandwidth: 0};
    inFlight.launched(launch(0, 1, 100_000), fill, single, 0);
    inFlight.launched(launch(1, 1, 110_000), fill, single, 1);
    expect([0, 9_000, 10_000].map((gapNs) => inFlight.isUsedAfterNext(gapNs))).toEqual([true, true, false]);
  });

  test('makes room where many wait for a device that is partly idle', () => {
    const hasRoom = beside(16, holding, 0.8, 100_000);
    expect(hasRoom(0.8, 100_000)).toBe(false);
    expect(hasRoom(0.8, 100_000, 20)).toBe(true);
  });

  test('tells the streams that others may yet join from those that complete', () => {
    const inFlight = new InFlight(4, sharing(0));
    const fill = {sm: 0.5, bandwidth: 0.2};
    const launches = [launch(0, 12, 100), launch(1, 30, 100), launch(2, 5, 100)];
    inFlight.launched(launches[0], fill, coalesced, 0, 4);
    // Far behind the programs that there is room for at first.
    inFlight.launched(launches[1], fill, holding, 20);
    inFlight.launched(launches[2], fill, coalesced, 20, 5);
    expect([0, 20].map((program) => inFlight.joinableOf(program))).toEqual([12, 30]);
    expect([0, 20].map((program) => inFlight.endingOf(program))).toEqual([4, 5]);
    for (const each of launches) inFlight.finished(each);
    expect([0, 20].map((program) => inFlight.joinableOf(program))).toEqual([0, 0]);
    expect([0, 20].map((program) => inFlight.endingOf(program))).toEqual([0, 0]);
  });
});
