import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {RunRecorder} from '../../src/metrics/runRecorder.ts';
import {summarise} from '../../src/metrics/summarise.ts';
import type {RunSummary} from '../../src/metrics/result.ts';
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Method} from '../../src/scheduler/kernel.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import {runToy, toyKernel} from '../support/rig.ts';
import type {ToyResult, ToyTenant} from '../support/rig.ts';
import {tenant} from './queue.ts';

const kernels = Array.from({length: 4}, (_, id) => toyKernel(id));

/** Takes all of the first group that is ready on every idle lane. */
const coalescing: Policy = {
  name: 'coalescing',
  setup: {lanes: 2},
  decide(s) {
    for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
      s.takeGroup(s.ready.nonEmpty[0], 8);
      s.launch(lane);
    }
  },
};

/** Runs a toy world with a recorder and summarises it. */
function recorded(
  tenants: ToyTenant[],
  {
    window = {startNs: 0, endNs: 1e6},
    policy = coalescing,
    limit,
  }: {window?: {startNs: number; endNs: number}; policy?: Policy; limit?: number} = {},
): {recorder: RunRecorder; world: ToyResult; summary: RunSummary} {
  const recorder = new RunRecorder({
    tenants: tenants.map(({sloNs}, i) => tenant(`tenant${i}`, sloNs ?? 1e9)),
    kernels,
    lanes: 2,
    window,
  });
  const world = runToy({
    policy,
    tenants,
    durations: [100, 250, 400, 50],
    submitNs: 5,
    ...(limit === undefined ? {} : {limit}),
    recorder: {
      arrived: (...event) => recorder.arrived(...event),
      completed: (...event) => recorder.completed(...event),
      dropped: (...event) => recorder.dropped(...event),
      finished: (...event) => recorder.finished(...event),
    },
  });
  const summary = summarise(recorder, {
    policy: policy.name,
    seed: 1,
    ended: world.scheduler.requests.live === 0 ? 'done' : 'limit',
    endedAtNs: world.clock.time,
    soloNs: tenants.map(() => 100),
  });
  return {recorder, world, summary};
}

const worlds = fc.array(
  fc.record({
    kernels: fc.array(fc.nat(3), {minLength: 1, maxLength: 5}),
    arrivals: fc.array(fc.nat(20_000), {maxLength: 40}),
    sloNs: fc.integer({min: 100, max: 5000}),
  }),
  {minLength: 1, maxLength: 4},
);

describe('what is recorded of a run', () => {
  test.prop([worlds])('agrees with the events one by one', (tenants) => {
    const {world, summary} = recorded(tenants);
    const latencies = world.completed.map(({arrivalAt, at}) => at - arrivalAt);
    const sum = latencies.reduce((a, b) => a + b, 0);
    expect(summary.arrived).toBe(world.arrived);
    expect(summary.completed).toBe(world.completed.length);
    expect(summary.unfinished).toBe(0);
    expect(summary.kernels).toBe(world.launches.reduce((total, {size, steps}) => total + size * steps, 0));
    expect(summary.launches).toBe(world.launches.length);
    if (latencies.length === 0) return;
    expect(summary.latency_mean_ns).toBeCloseTo(sum / latencies.length, 6);
    expect(summary.latency_max_ns).toBe(Math.max(...latencies));
    const met = world.completed.filter(({tenant, arrivalAt, at}) => at - arrivalAt <= tenants[tenant].sloNs);
    expect(summary.slo_attainment).toBeCloseTo(met.length / latencies.length, 12);
    expect(summary.goodput_per_s).toBeCloseTo(met.length / 1e-3, 6);
  });

  test.prop([worlds])(
    'keeps Little’s law: the mean backlog is the sum of the latencies over the time',
    (tenants) => {
      const {world, summary} = recorded(tenants);
      const sum = world.completed.reduce((total, {arrivalAt, at}) => total + at - arrivalAt, 0);
      expect(summary.backlog_mean! * 1e6).toBeCloseTo(sum, 3);
    },
  );

  test('keeps it where requests arrive while the host is busy, and are reported after what ended meanwhile', () => {
    const arrivals = [
      [17698, 14333, 9936],
      [12166, 11062, 15453, 8970, 16507, 8770],
      [11817, 8970, 9436],
      [13712, 7735, 15454],
    ];
    const kernels = [
      [1, 2, 0, 3, 3],
      [0, 2, 1, 0, 2],
      [1, 0, 2, 2, 3],
      [1, 3, 2, 2, 1],
    ];
    const tenants = arrivals.map((times, i) => ({kernels: kernels[i], arrivals: times, sloNs: 100}));
    for (const endNs of [1e6, 40_000]) {
      const {world, summary} = recorded(tenants, {window: {startNs: 0, endNs}});
      const sum = world.completed.reduce((total, {arrivalAt, at}) => total + at - arrivalAt, 0);
      expect(summary.backlog_mean! * endNs).toBeCloseTo(sum, 3);
    }
  });

  test.prop([worlds, fc.nat(10_000), fc.integer({min: 1, max: 10_000}), fc.nat(20_000)])(
    'loses no request, whatever the window and the end',
    (tenants, startNs, length, drain) => {
      const window = {startNs, endNs: startNs + length};
      const limit = window.endNs + drain;
      const {world, summary, recorder} = recorded(tenants, {window, limit});
      const inWindow = (at: number): boolean => at >= startNs && at < window.endNs;
      const end = world.scheduler.requests.live === 0 ? Infinity : world.clock.time;
      const arrivals = tenants.flatMap(({arrivals, sloNs}) => arrivals.map((at) => ({at, due: at + sloNs})));
      const inside = arrivals.filter(({at}) => inWindow(at));
      expect(summary.arrived).toBe(inside.length);
      expect(summary.completed + summary.dropped + summary.unfinished).toBe(summary.arrived);
      expect(summary.throughput_per_s).toBeCloseTo(
        world.completed.filter(({at}) => inWindow(at)).length / (length / 1e9),
        3,
      );
      summary.tenants.forEach((each) => {
        expect(each.completed + each.dropped + each.unfinished).toBe(each.arrived);
      });
      for (const name of ['arrived', 'completed', 'dropped', 'unfinished'] as const)
        expect(summary.tenants.reduce((total, each) => total + each[name], 0)).toBe(summary[name]);
      // Missed: answered late, or unfinished past the deadline. What may still be in time does not count.
      const done = world.completed.filter(({arrivalAt}) => inWindow(arrivalAt));
      const met = done.filter(({tenant, arrivalAt, at}) => at - arrivalAt <= tenants[tenant].sloNs);
      const overdueInAll = inside.filter(({due}) => due < end).length;
      const overdueDone = done.filter(
        ({tenant, arrivalAt}) => arrivalAt + tenants[tenant].sloNs < end,
      ).length;
      const resolved = done.length + overdueInAll - overdueDone;
      if (resolved === 0) expect(summary.slo_attainment).toBeNull();
      else expect(summary.slo_attainment).toBeCloseTo(met.length / resolved, 9);
      const busy = recorder.laneBusyNs;
      for (const time of busy) expect(time).toBeLessThanOrEqual(length);
    },
  );

  test.prop([worlds])(
    'counts every kernel’s FLOPs once, and none of padding where nothing is padded',
    (tenants) => {
      const {recorder, summary} = recorded(tenants);
      const flops = tenants
        .flatMap(({kernels, arrivals}) => kernels.map((id) => 2 * (id + 1) * arrivals.length))
        .reduce((a, b) => a + b, 0);
      expect(recorder.flops()).toEqual({useful: flops, executed: flops});
      expect(summary.padding_waste).toBe(flops === 0 ? null : 0);
      expect(summary.useful_flops_per_s).toBeCloseTo(flops / 1e-3, 3);
    },
  );
});

/** A launch that finished, to be recorded by itself. */
function launchOf(fields: Partial<Launch> & {by?: Method}, classes: number[] = [0]): Launch {
  const launch = new Launch(8);
  launch.size = classes.length;
  launch.cls = classes[0];
  launch.classes.set(classes);
  launch.method = methods.indexOf(fields.by ?? 'single');
  launch.releasedAt = 100;
  launch.startedAt = 100;
  launch.finishedAt = 200;
  return Object.assign(launch, fields);
}

const recorder = (): RunRecorder =>
  new RunRecorder({tenants: [tenant('one')], kernels, lanes: 1, window: {startNs: 0, endNs: 1000}});

describe('a launch', () => {
  test('that is padded executes more than is useful', () => {
    const record = recorder();
    record.finished(launchOf({by: 'padded', cls: 3}, [1, 3, 2]), 200);
    // Toy kernel i has 2 (i + 1) FLOPs.
    expect(record.flops()).toEqual({useful: 4 + 8 + 6, executed: 3 * 8});
  });

  test('that is grouped executes what is useful', () => {
    const record = recorder();
    record.finished(launchOf({by: 'grouped', cls: -1}, [1, 3, 2]), 200);
    expect(record.flops()).toEqual({useful: 18, executed: 18});
    expect(record.superkernels[3]).toBe(1);
  });

  test('whose members run one by one is no superkernel', () => {
    const record = recorder();
    record.finished(launchOf({by: 'single'}, [1, 1, 1]), 200);
    record.finished(launchOf({by: 'batched'}, [1, 1, 1]), 300);
    expect(record.superkernels[1]).toBe(3);
    expect(record.superkernels[3]).toBe(1);
  });

  test('that failed has computed nothing', () => {
    const record = recorder();
    record.finished(launchOf({failed: true}), 200);
    expect(record.flops().useful).toBe(0);
    expect(record.failedLaunches).toBe(1);
    expect(record.laneBusyNs[0]).toBe(100);
  });

  test('is busy from release to sight where the device cannot tell, and never twice', () => {
    const record = recorder();
    const untimed = {startedAt: NaN, finishedAt: NaN};
    record.finished(launchOf({...untimed, releasedAt: 100}), 300);
    record.finished(launchOf({...untimed, releasedAt: 150}), 400);
    expect(record.laneBusyNs[0]).toBe(300);
  });

  test('that is partly outside the window counts for its part', () => {
    const record = recorder();
    record.finished(launchOf({startedAt: 900, finishedAt: 1400}), 1401);
    expect(record.laneBusyNs[0]).toBe(100);
    expect(record.launches).toBe(0);
  });

  test('outside the profile’s measurements counts as extrapolated where it completes inside the window', () => {
    const record = new RunRecorder({
      tenants: [],
      kernels,
      lanes: 1,
      window: {startNs: 0, endNs: 1000},
      predictions: {
        costs: {durationNs: () => 50},
        isExtrapolated: (_kernel, size) => size > 2,
      },
    });
    record.finished(launchOf({predictedNs: 300}, [1]), 200);
    record.finished(launchOf({predictedNs: 100}, [1, 1, 1]), 300);
    record.finished(launchOf({predictedNs: 5000}, [1, 1, 1]), 1000);
    record.finished(launchOf({predictedNs: 700, failed: true}, [1, 1, 1]), 400);
    const summary = summarise(record, {policy: 'x', seed: 1, ended: 'done', endedAtNs: 1000});
    expect(summary.extrapolated).toBe(0.25);
  });

  test('of several steps needs sight of the programs', () => {
    expect(() => recorder().finished(launchOf({steps: 2}), 200)).toThrow(
      'missing streams: a launch of 2 steps (attach the recorder to the scheduler)',
    );
  });
});

test('launches of several steps count every step’s kernels', () => {
  const classes = new KernelClasses();
  for (const kernel of kernels) classes.intern(kernel);
  const ahead: Policy = {
    name: 'ahead',
    setup: {lanes: 1},
    decide(s) {
      while (s.lanes.idle() === 0 && s.ready.total > 0) {
        const slot = s.ready.first(s.ready.nonEmpty[0]);
        s.take(slot);
        s.launch(0, 0, s.programs.kernelsLeft(s.streams.cursor[slot]));
      }
    },
  };
  const record = recorder();
  const launches: Launch[] = [];
  const world = runToy({
    policy: {
      ...ahead,
      attach: (situation) => record.attach(situation),
    },
    tenants: [{kernels: [0, 2, 2, 3], arrivals: [0, 10]}],
    durations: [1, 1, 1, 1],
    recorder: {finished: (launch, at) => (launches.push(launch), record.finished(launch, at))},
  });
  expect(world.launches.map(({steps}) => steps)).toEqual([4, 4]);
  expect(record.superkernels[1]).toBe(8);
  expect(record.kernelsOf(2)).toBe(4);
  expect(record.flops().useful).toBe(2 * (2 + 6 + 6 + 8));
});

test('a run that was stopped in its warm-up has nothing to summarise', () => {
  const record = new RunRecorder({tenants: [], kernels, lanes: 1, window: {startNs: 500, endNs: 1000}});
  expect(() => summarise(record, {policy: 'x', seed: 1, ended: 'stopped', endedAtNs: 400})).toThrow(
    'nothing measured: the run ended at 400 ns, and its warm-up lasts until 500 ns',
  );
});

test('a window without length is refused', () => {
  const options = {tenants: [], kernels, lanes: 1};
  expect(() => new RunRecorder({...options, window: {startNs: 5, endNs: 5}})).toThrow(
    'invalid window: 5 to 5 ns',
  );
  expect(() => new RunRecorder({...options, window: {startNs: 0, endNs: Infinity}})).toThrow(
    'invalid window',
  );
});
