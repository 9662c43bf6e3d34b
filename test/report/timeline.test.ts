import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {Timeline} from '../../src/report/timeline.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import {Streams} from '../../src/scheduler/streams.ts';
import {runToy, toyKernel} from '../support/rig.ts';
import type {ToyResult, ToyTenant} from '../support/rig.ts';
import {tenant} from '../metrics/queue.ts';
import {traceProblems} from './traceChecker.ts';
import type {TraceEvent} from './traceChecker.ts';

const coalescing = (host: 'shared' | 'per-lane'): Policy => ({
  name: 'coalescing',
  setup: {lanes: 3, depth: 2, host},
  decide(s) {
    for (let lane = 0; lane < s.lanes.count && s.ready.total > 0; lane++) {
      if (s.lanes.outstanding[lane] >= s.lanes.depth) continue;
      s.takeGroup(s.ready.nonEmpty[0], 3);
      s.launch(lane);
    }
  },
});

function traceOf(
  tenants: ToyTenant[],
  host: 'shared' | 'per-lane' = 'shared',
  limit?: number,
): {events: TraceEvent[]; text: string; world: ToyResult} {
  let text = '';
  const timeline = new Timeline({
    write: (piece) => (text += piece),
    tenants: tenants.map(({sloNs}, i) => tenant(`tenant${i}`, sloNs ?? 1e9)),
    kernels: [0, 1, 2].map(toyKernel),
    lanes: 3,
    host,
    device: 'toy',
  });
  const policy = coalescing(host);
  const world = runToy({
    policy: {...policy, attach: (situation) => timeline.attach(situation)},
    tenants,
    durations: [1000, 2500, 400],
    submitNs: 70,
    detectNs: 30,
    smShare: 0.4,
    ...(limit === undefined ? {} : {limit}),
    recorder: {
      arrived: (...event) => timeline.arrived(...event),
      completed: (...event) => timeline.completed(...event),
      dropped: (...event) => timeline.dropped(...event),
      finished: (...event) => timeline.finished(...event),
    },
  });
  timeline.end();
  return {events: (JSON.parse(text) as {traceEvents: TraceEvent[]}).traceEvents, text, world};
}

const worlds = fc.array(
  fc.record({
    kernels: fc.array(fc.nat(2), {minLength: 1, maxLength: 4}),
    arrivals: fc.array(fc.nat(30_000), {maxLength: 20}),
    sloNs: fc.integer({min: 500, max: 20_000}),
  }),
  {minLength: 1, maxLength: 4},
);

describe('a timeline', () => {
  test.prop([worlds, fc.constantFrom('shared' as const, 'per-lane' as const)])(
    'is a sound trace of every launch and every request',
    (tenants, host) => {
      const {events, world} = traceOf(tenants, host);
      expect(traceProblems(events)).toEqual([]);
      const count = (ph: string, cat?: string): number =>
        events.filter((event) => event.ph === ph && (cat === undefined || event.cat === cat)).length;
      expect(count('b')).toBe(world.completed.length);
      expect(count('X', 'submit')).toBe(world.launches.length);
      expect(count('X')).toBe(2 * world.launches.length);
      expect(count('s')).toBe(world.launches.length);
      const late = world.completed.filter(
        ({tenant, arrivalAt, at}) => at - arrivalAt > tenants[tenant].sloNs,
      );
      expect(count('i')).toBe(late.length);
    },
  );

  test('shows launches when and where the device ran them', () => {
    const {events, world} = traceOf([{kernels: [0, 1], arrivals: [0, 100, 5000]}]);
    const slices = events.filter(({ph, cat}) => ph === 'X' && cat !== 'submit');
    for (const {id, lane, startedAt, finishedAt, size} of world.launches) {
      const slice = slices.find(({args}) => args!['launch'] === id)!;
      expect(slice.tid).toBe(2000 + lane);
      expect(slice.ts).toBeCloseTo(startedAt / 1000, 9);
      expect(slice.ts! + slice.dur!).toBeCloseTo(finishedAt / 1000, 9);
      expect(slice.args!['size']).toBe(size);
      expect(slice.args!['tenants']).toBe(Array.from({length: size}, () => 'tenant0').join(', '));
    }
  });

  test('counts the requests in the system', () => {
    const {events} = traceOf([{kernels: [0], arrivals: [0, 0, 0]}]);
    const counts = events.filter(({ph}) => ph === 'C').map(({args}) => args!['requests']);
    expect(counts.slice(0, 3)).toEqual([1, 2, 3]);
    expect(counts.at(-1)).toBe(0);
  });

  test('that was cut short opens once its brackets are closed', () => {
    const {text} = traceOf([{kernels: [0, 1], arrivals: [0, 100, 5000]}]);
    const lines = text.split('\n');
    const cut = lines.slice(0, 12).join('\n').replace(/,$/, '');
    expect(JSON.parse(`${cut}]}`)).toHaveProperty('traceEvents');
  });

  test('shows a batch that runs ahead as one stream of several requests', () => {
    let text = '';
    const timeline = new Timeline({
      write: (piece) => (text += piece),
      tenants: [tenant('chat/0'), tenant('chat/1')],
      kernels: [toyKernel(0)],
      lanes: 1,
      host: 'per-lane',
      device: 'toy',
    });
    const streams = new Streams();
    timeline.attach({streams});
    const launch = Object.assign(new Launch(4), {size: 1, steps: 53, startedAt: 10, finishedAt: 90});
    launch.members[0] = streams.allocate(1, 0, 1e9, 0, 8);
    timeline.finished(launch, 95);
    timeline.end();
    const {traceEvents} = JSON.parse(text) as {traceEvents: TraceEvent[]};
    const slice = traceEvents.find(({ph}) => ph === 'X')!;
    expect(slice.name).toBe('gemm 1x1x1 fp32, and 52 more');
    expect(slice.args).toMatchObject({size: 1, steps: 53, requests: 8, tenants: 'chat/1'});
  });

  test('of a device that cannot tell its times keeps a lane’s slices apart', () => {
    let text = '';
    const timeline = new Timeline({
      write: (piece) => (text += piece),
      tenants: [],
      kernels: [toyKernel(0)],
      lanes: 1,
      host: 'shared',
      device: 'GPU',
    });
    for (const [id, releasedAt, at] of [
      [0, 100, 300],
      [1, 150, 400],
    ]) {
      const launch = new Launch(4);
      Object.assign(launch, {
        id,
        size: 1,
        submittedAt: releasedAt - 20,
        releasedAt,
        startedAt: NaN,
        finishedAt: NaN,
      });
      timeline.finished(launch, at);
    }
    timeline.end();
    const {traceEvents} = JSON.parse(text) as {traceEvents: TraceEvent[]};
    expect(traceProblems(traceEvents)).toEqual([]);
  });
});

describe('the checker', () => {
  const slice = (tid: number, ts: number, dur: number): TraceEvent => ({
    ph: 'X',
    name: 'k',
    pid: 1,
    tid,
    ts,
    dur,
  });
  const names: TraceEvent[] = [
    {ph: 'M', name: 'process_name', pid: 1, args: {name: 'p'}},
    {ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: {name: 't'}},
  ];

  test.each([
    ['a partial overlap', [slice(1, 0, 10), slice(1, 5, 10)], 'overlaps'],
    ['a slice without a length', [{...slice(1, 0, 10), dur: undefined}], 'lacks dur'],
    ['a time that is none', [slice(1, NaN, 10)], 'no numbers'],
    [
      'a request that does not end',
      [{ph: 'b', name: 'r', cat: 'c', id: '1', pid: 1, ts: 0}],
      'begins 1 times and ends 0',
    ],
    ['an arrow into nothing', [{ph: 's', name: 'a', cat: 'c', id: 1, pid: 1, tid: 1, ts: 0}], 'has 1 ends'],
    ['a thread without a name', [slice(2, 0, 1)], 'has no name'],
  ])('finds %s', (_, events, problem) => {
    expect(traceProblems([...names, ...(events as TraceEvent[])]).join('\n')).toContain(problem);
  });

  test('allows slices inside one another', () => {
    expect(traceProblems([...names, slice(1, 0, 10), slice(1, 2, 3), slice(1, 10, 1)])).toEqual([]);
  });
});
