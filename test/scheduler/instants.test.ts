// What happens at one instant is seen by one decision, in a fixed order; timers; ends of a run.
import {describe, expect, test} from 'vitest';
import type {Policy, Situation} from '../../src/scheduler/policy.ts';
import type {ToyWorld} from '../support/rig.ts';
import {runToy} from '../support/rig.ts';

/** Runs kernels one by one on an idle lane, longest ready first, and notes what it is told. */
function noting(events: string[], lanes = 1): Policy {
  return {
    name: 'noting',
    setup: {lanes},
    onReady: (slot, {now, streams}) => events.push(`${now} ready ${streams.tenant[slot]}`),
    onFinished: ({members}, {now, streams}) => events.push(`${now} finished ${streams.tenant[members[0]]}`),
    decide(s) {
      events.push(`${s.now} decide`);
      for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
        s.take(s.ready.first(s.ready.nonEmpty[0]));
        s.launch(lane);
      }
    },
  };
}

const world = (more: Partial<ToyWorld> & Pick<ToyWorld, 'policy'>): ToyWorld => ({
  tenants: [{kernels: [0, 0], arrivals: [0]}],
  durations: [100],
  ...more,
});

describe('at one instant', () => {
  test('completions come before arrivals, arrivals before the one decision', () => {
    const events: string[] = [];
    runToy(
      world({
        policy: noting(events),
        tenants: [
          {kernels: [0, 0], arrivals: [0]},
          {kernels: [0], arrivals: [100]},
          {kernels: [0], arrivals: [100]},
        ],
      }),
    );
    expect(events.filter((event) => event.startsWith('100 '))).toEqual([
      '100 finished 0',
      '100 ready 0',
      '100 ready 1',
      '100 ready 2',
      '100 decide',
    ]);
  });

  test('completions of several lanes are all seen before the decision', () => {
    const events: string[] = [];
    runToy(
      world({
        policy: noting(events, 3),
        smShare: 0.1,
        tenants: [0, 1, 2].map(() => ({kernels: [0], arrivals: [0]})),
      }),
    );
    expect(events.slice(-4)).toEqual(['100 finished 0', '100 finished 1', '100 finished 2', '100 decide']);
  });

  test('arrivals of one time come in the order in which they were drawn', () => {
    const {completed} = runToy(
      world({
        policy: noting([]),
        tenants: [2, 1, 0].map(() => ({kernels: [0], arrivals: [5, 5]})),
      }),
    );
    expect(completed.map(({tenant}) => tenant)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test('the host sees an end late and decides late, where that takes time', () => {
    const events: string[] = [];
    const {launches} = runToy(world({policy: noting(events), detectNs: 7, decideNs: 3, submitNs: 20}));
    // Submitted until 20, ended at 120, seen and decided on at 127; submitted from 130 until 150.
    expect(launches.map(({decidedAt, startedAt, seenAt}) => [decidedAt, startedAt, seenAt])).toEqual([
      [0, 20, 127],
      [127, 150, 257],
    ]);
  });
});

describe('a timer', () => {
  const waiting = (times: (now: number) => number[], seen: number[]): Policy => ({
    name: 'waiting',
    decide(s) {
      seen.push(s.now);
      if (s.now >= 1_000) {
        if (s.ready.total > 0 && s.lanes.idle() >= 0) {
          s.take(s.ready.first(s.ready.nonEmpty[0]));
          s.launch(0);
        }
        return;
      }
      for (const time of times(s.now)) s.wakeAt(time);
    },
  });

  test('brings a decision at its time, the earliest first', () => {
    const seen: number[] = [];
    runToy(world({policy: waiting((now) => [1_000, 600, 300].filter((time) => time > now), seen)}));
    expect(seen.slice(0, 4)).toEqual([0, 300, 600, 1_000]);
  });

  test('in the past or now comes a nanosecond later, so that time goes on', () => {
    const seen: number[] = [];
    runToy(world({policy: waiting((now) => [now < 3 ? now - 5 : 1_000], seen)}));
    expect(seen.slice(0, 5)).toEqual([0, 1, 2, 3, 1_000]);
  });

  test('is forgotten once it has gone off', () => {
    const seen: number[] = [];
    const once = waiting((now) => (now === 0 ? [500, 1_000] : [1_000]), seen);
    runToy(world({policy: once}));
    expect(seen.slice(0, 3)).toEqual([0, 500, 1_000]);
  });
});

describe('a run', () => {
  const fcfs = (): Policy => noting([]);

  test('ends when all is done, at its limit, or when it is told to', () => {
    const many = world({policy: fcfs(), tenants: [{kernels: [0], arrivals: [0, 10, 20]}]});
    expect(runToy(many).scheduler.run()).toBe('done');
    const cut = runToy({...many, policy: fcfs(), limit: 150});
    expect(cut.completed.length).toBe(1);
    expect(cut.scheduler.requests.live).toBe(2);
    expect(cut.scheduler.run(250)).toBe('limit');
    expect(cut.completed.length).toBe(2);
    expect(cut.scheduler.run()).toBe('done');
    expect(cut.completed.length).toBe(3);
  });

  test('stops from outside now and then', () => {
    const endless = runToy(
      world({
        policy: fcfs(),
        tenants: [{kernels: [0], loop: {outstanding: 1, thinkNs: () => 0}}],
        limit: 1_000,
        until: 1e12,
      }),
    );
    let asked = 0;
    expect(endless.scheduler.run(Infinity, () => ++asked === 2)).toBe('stopped');
    expect(asked).toBe(2);
  });

  test('keeps what a closed loop has outstanding, and sends nothing after its end', () => {
    const {completed, arrived} = runToy(
      world({
        policy: fcfs(),
        tenants: [{kernels: [0], loop: {outstanding: 2, thinkNs: () => 30}}],
        until: 1_000,
      }),
    );
    expect(arrived).toBe(completed.length);
    expect(Math.max(...completed.map(({arrivalAt}) => arrivalAt))).toBeLessThan(1_000);
    expect(completed.every(({arrivalAt}, i) => i < 2 || arrivalAt === completed[i - 2].at + 30)).toBe(true);
  });

  test('gives a situation whose lanes tell what is in flight', () => {
    const seen: [number, number, number][] = [];
    const policy: Policy = {
      name: 'looking',
      setup: {lanes: 2, depth: 2},
      decide(s: Situation) {
        while (s.ready.total > 0) {
          s.take(s.ready.first(s.ready.nonEmpty[0]));
          s.launch(0);
        }
        seen.push([s.lanes.inFlight, s.lanes.idle(), s.lanes.freeAt[0]]);
      },
    };
    runToy(world({policy, tenants: [{kernels: [0], arrivals: [0, 0]}]}));
    expect(seen).toEqual([
      [2, 1, 200],
      [1, 1, 200],
      [0, 0, 200],
    ]);
  });
});
