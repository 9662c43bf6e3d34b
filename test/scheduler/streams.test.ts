// Streams through their lives: held and released, batched, dropped, run ahead, failed and tried again.
import {describe, expect, test} from 'vitest';
import {methods} from '../../src/scheduler/kernel.ts';
import type {Policy, Situation} from '../../src/scheduler/policy.ts';
import {runToy} from '../support/rig.ts';

const single = methods.indexOf('single');

/** Runs one kernel at a time, longest ready first, after `before` has had its say. */
const fcfs = (
  before: (situation: Situation) => void = () => undefined,
  setup: Policy['setup'] = {},
): Policy => ({
  name: 'fcfs',
  setup,
  decide(s) {
    before(s);
    for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
      s.take(s.ready.first(s.ready.nonEmpty[0]));
      s.launch(lane);
    }
  },
});

describe('a held tenant', () => {
  const tenants = [
    {kernels: [0, 0], arrivals: [0, 50]},
    {kernels: [0], arrivals: [0, 10]},
  ];
  const between = (from: number, to: number) => (s: Situation) => {
    if (s.now >= from && s.now < to) {
      s.hold(0);
      s.wakeAt(to);
    } else s.release(0);
  };

  test('has no kernel ready, whether it was before or becomes so, until it is released', () => {
    const {launches, completed} = runToy({
      policy: fcfs(between(0, 1_000)),
      tenants,
      durations: [100],
    });
    expect(launches.map(({tenants, startedAt}) => [tenants[0], startedAt])).toEqual([
      [1, 0],
      [1, 100],
      [0, 1_000],
      [0, 1_100],
      [0, 1_200],
      [0, 1_300],
    ]);
    expect(completed.length).toBe(4);
  });

  test('finishes the kernel that runs', () => {
    const {launches} = runToy({policy: fcfs(between(50, 1_000)), tenants: [tenants[0]], durations: [100]});
    expect(launches.map(({startedAt}) => startedAt)).toEqual([0, 1_000, 1_100, 1_200]);
  });

  test('is asked about, listed and counted', () => {
    const seen: unknown[] = [];
    runToy({
      policy: fcfs((s) => {
        if (s.now === 0) {
          s.hold(0);
          s.hold(0);
          seen.push([s.isHeld(0), s.isHeld(1), s.held.count[0], s.ready.total, s.held.total]);
          s.release(0);
          s.release(0);
          seen.push([s.isHeld(0), s.held.total, s.ready.total]);
        }
      }),
      tenants,
      durations: [100],
    });
    expect(seen).toEqual([
      [true, false, 1, 1, 1],
      [false, 0, 2],
    ]);
  });

  test('can run a kernel all the same, taken by name', () => {
    const {launches} = runToy({
      policy: {
        name: 'probing',
        decide(s) {
          s.hold(0);
          if (s.lanes.idle() < 0 || s.held.total === 0) return;
          s.take(s.held.first(0));
          s.launch(0);
        },
      },
      tenants: [tenants[0]],
      durations: [100],
    });
    expect(launches.length).toBe(4);
  });
});

describe('a batch', () => {
  const setup = {admission: 'batched'} as const;

  test('serves the longest waiting requests of a tenant, by the program of its size, until the first deadline', () => {
    const seen: unknown[] = [];
    const {completed, launches} = runToy({
      policy: fcfs((s) => {
        if (s.requests.waiting[0] === 3) {
          const slot = s.startBatch(0, 2);
          seen.push([s.streams.batch[slot], s.streams.deadlineAt[slot], s.requests.waiting[0]]);
          s.startBatch(0, 1);
        }
      }, setup),
      tenants: [{kernels: [0, 0], arrivals: [0, 10, 20], sloNs: 1_000}],
      durations: [100],
    });
    expect(seen).toEqual([[2, 1_000, 1]]);
    // Kernels of the batch take 125 ns, those of the single request 100, in turns from 20 on.
    expect(completed.map(({arrivalAt, at}) => [arrivalAt, at])).toEqual([
      [0, 370],
      [10, 370],
      [20, 470],
    ]);
    expect(launches.length).toBe(4);
  });

  test('can be shared by tenants of one family', () => {
    const {completed} = runToy({
      policy: fcfs((s) => {
        if (s.requests.waiting[1] === 2) s.startShared([0, 1], [1, 2]);
      }, setup),
      tenants: [
        {kernels: [0], arrivals: [0], family: 0},
        {kernels: [0], arrivals: [10, 20], family: 0},
      ],
      durations: [100],
    });
    expect(completed.map(({tenant, at}) => [tenant, at])).toEqual([
      [0, 170],
      [1, 170],
      [1, 170],
    ]);
  });

  test('leaves the requests that it does not take waiting, until they are dropped', () => {
    const {completed, dropped} = runToy({
      policy: fcfs((s) => {
        if (s.requests.waiting[0] < 3) return;
        s.startBatch(0, 1);
        s.dropWaiting(0);
        s.dropWaiting(0);
      }, setup),
      tenants: [{kernels: [0], arrivals: [0, 10, 20]}],
      durations: [100],
    });
    expect(completed.map(({arrivalAt}) => arrivalAt)).toEqual([0]);
    expect(dropped.map(({arrivalAt, at}) => [arrivalAt, at])).toEqual([
      [10, 20],
      [20, 20],
    ]);
  });
});

describe('a dropped stream', () => {
  test('leaves with all its requests, ready or held, and sets off the next of a closed loop', () => {
    let held = true;
    const {completed, dropped, arrived} = runToy({
      policy: fcfs((s) => {
        if (s.now > 0) return;
        if (held) s.hold(0);
        held = false;
        s.drop(s.held.first(0));
        s.release(0);
      }),
      tenants: [
        {kernels: [0], loop: {outstanding: 1, thinkNs: () => 5}},
        {kernels: [0], arrivals: [0]},
      ],
      durations: [100],
      until: 200,
    });
    expect(dropped).toEqual([{tenant: 0, arrivalAt: 0, at: 0}]);
    expect(arrived).toBe(completed.length + 1);
    expect(completed.filter(({tenant}) => tenant === 0)[0].arrivalAt).toBe(5);
  });
});

describe('steps ahead', () => {
  test('run without the host, for one stream or for several in step', () => {
    const {launches, completed} = runToy({
      policy: {
        name: 'ahead',
        decide(s) {
          if (s.ready.total < 2) return;
          s.takeGroup(0, 2);
          s.launch(0, methods.indexOf('batched'), 3);
        },
      },
      tenants: [0, 1].map(() => ({kernels: [0, 1, 0], arrivals: [0]})),
      durations: [100, 200],
      submitNs: 10,
      detectNs: 500,
    });
    // Two kernels take 1.25 of one. The device begins when it has all three steps, as their pointers travel together.
    expect(
      launches.map(({steps, size, startedAt, finishedAt}) => [steps, size, startedAt, finishedAt]),
    ).toEqual([[3, 2, 30, 530]]);
    expect(completed.map(({at}) => at)).toEqual([1_030, 1_030]);
  });

  test('move a stream on by as many kernels', () => {
    const {launches} = runToy({
      policy: {
        name: 'ahead',
        decide(s) {
          if (s.ready.total === 0) return;
          const slot = s.ready.first(s.ready.nonEmpty[0]);
          const left = s.programs.kernelsLeft(s.streams.cursor[slot]);
          s.take(slot);
          s.launch(0, single, Math.min(2, left));
        },
      },
      tenants: [{kernels: [0, 1, 2, 0, 1], arrivals: [0]}],
      durations: [100, 200, 400],
    });
    expect(launches.map(({cls, steps, finishedAt}) => [cls, steps, finishedAt])).toEqual([
      [0, 2, 300],
      [2, 2, 800],
      [1, 1, 1_000],
    ]);
  });

  test('wait for the host to submit them, where it is slower than the device', () => {
    const {launches} = runToy({
      policy: {
        name: 'ahead',
        decide(s) {
          if (s.ready.total === 0) return;
          s.takeGroup(0, 1);
          s.launch(0, single, 3);
        },
      },
      tenants: [{kernels: [0, 0, 0], arrivals: [0]}],
      durations: [100],
      submitNs: 150,
    });
    expect(launches[0].finishedAt).toBe(3 * 150 + 100);
  });
});

describe('a launch that fails', () => {
  /** Fails the launches of the given ids. */
  const failing = (...ids: number[]) => ({
    launched: (launch: {id: number; failed: boolean}) => {
      if (ids.includes(launch.id)) launch.failed = true;
    },
  });

  test('runs again', () => {
    const {completed, dropped, launches} = runToy({
      policy: fcfs(),
      tenants: [{kernels: [0, 0], arrivals: [0]}],
      durations: [100],
      recorder: failing(1, 2),
    });
    expect(launches.length).toBe(4);
    expect(completed.map(({at}) => at)).toEqual([400]);
    expect(dropped).toEqual([]);
  });

  test('three times in a row loses its requests', () => {
    const {completed, dropped} = runToy({
      policy: fcfs(),
      tenants: [{kernels: [0, 0], arrivals: [0, 1_000]}],
      durations: [100],
      recorder: failing(1, 2, 3),
    });
    expect(dropped).toEqual([{tenant: 0, arrivalAt: 0, at: 400}]);
    expect(completed.map(({arrivalAt}) => arrivalAt)).toEqual([1_000]);
  });

  test('counts from the last success', () => {
    const {completed} = runToy({
      policy: fcfs(),
      tenants: [{kernels: [0, 0], arrivals: [0]}],
      durations: [100],
      recorder: failing(0, 1, 3, 4),
    });
    expect(completed.length).toBe(1);
  });
});
