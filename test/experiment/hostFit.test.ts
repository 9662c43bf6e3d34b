// The host's terms of a profile from what live runs took.
import {describe, expect, test} from 'vitest';
import {fitHost} from '../../src/experiment/hostFit.ts';
import type {HostCalls} from '../../src/gpu/calibration/calls.ts';
import type {HostRun} from '../../src/experiment/hostRuns.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {spreadOf} from '../../src/gpu/calibration/samples.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import type {Gemm} from '../../src/scheduler/kernel.ts';

const base = readProfile('v100');
const source = Object.keys(base.sources)[0];
const spread = (ns: number, n = 50) => spreadOf(Array<number>(n).fill(ns));
const submit = (
  method: 'single' | 'batched',
  size: number,
  steps: number,
  ns: number,
  op: 'gemm' | 'elementwise' = 'gemm',
) => ({op, method, size, steps, ns: spread(ns)}) as const;
const unseen = {single: null, elementwise: null, batched: null, steps: null};
const run = (policy: string, wakeUpNs: number, submits: HostRun['submits'] = []): HostRun => ({
  policy,
  submits,
  latencies: unseen,
  wakeUps: {
    whole: spread(wakeUpNs),
    first: spread(wakeUpNs),
    byWork: [{launches: 1, members: 2, ns: spread(wakeUpNs)}],
  },
});
/** A run whose wake-ups of so many members, of one launch or as many as told, took so long, `n` times each. */
const wakeUpsOf = (
  policy: string,
  groups: readonly (readonly [members: number, ns: number, n: number, launches?: number])[],
): HostRun => {
  const all = groups.flatMap(([, ns, n]) => Array<number>(n).fill(ns));
  const byWork = groups.map(([members, ns, n, launches = 1]) => ({launches, members, ns: spread(ns, n)}));
  return {...run(policy, 0), wakeUps: {whole: spreadOf(all), first: spreadOf(all), byWork}};
};
const kernel: Gemm = {op: 'gemm', m: 64, n: 64, k: 64, count: 1, dtype: 'fp32'};

/** Singles: 1 us + 2 us a member, 0.1 us a step and member; batches: 4 us + 10 ns a member. */
const runs = [
  run(
    'streams',
    1500,
    [10, 50, 150].map((steps) => submit('single', 1, steps, 3000 + (steps - 1) * 100)),
  ),
  run('greedy', 2000, [
    ...[1, 2, 4].map((size) => submit('single', size, 1, 1000 + 2000 * size)),
    ...[2, 8, 32].map((size) => submit('batched', size, 1, 4000 + 10 * size)),
    ...[1, 4].map((size) => submit('batched', size, 1, 2500, 'elementwise')),
  ]),
  run('ooo', 9000),
];

describe('host terms', () => {
  const host = fitHost(runs, null, 5000, base.host, {measured: source, assumed: source});
  const costs = costModel(parseProfile({...base, host}));

  test('say of a launch what it took, first step and further ones', () => {
    expect(costs.submitNs(kernel, 1, 'single') / 3000).toBeCloseTo(1, 1);
    expect(costs.submitNs(kernel, 4, 'single') / 9000).toBeCloseTo(1, 1);
    expect(costs.submitNs(kernel, 32, 'batched') / 4320).toBeCloseTo(1, 1);
    expect(costs.followNs(kernel, 1, 'single') / 100).toBeCloseTo(1, 1);
    expect(costs.submitNs({op: 'elementwise', bytes: 4096, dtype: 'fp32'}, 2, 'batched') / 2500).toBeCloseTo(
      1,
      1,
    );
    expect(costs.detectNs).toBe(5000);
  });

  test('charge a wake-up by the policy, and one of a policy that was not measured as most take', () => {
    expect(['streams', 'greedy', 'ooo', 'my-own'].map((policy) => costs.decideNs(policy))).toEqual([
      1500, 2000, 9000, 2000,
    ]);
  });

  test('charge a wake-up besides for each member, where wake-ups of different members tell', () => {
    const line = [1, 2, 9, 130].map((members) => [members, 1200 + 312.34 * members, 60] as const);
    const all = [wakeUpsOf('greedy', line.slice(0, 2)), wakeUpsOf('greedy', line.slice(2)), run('ooo', 9000)];
    const fitted = fitHost(all, null, 5000, base.host, {measured: source, assumed: source});
    const model = costModel(parseProfile({...base, host: fitted}));
    // All runs of a policy make one line.
    expect([model.decideNs('greedy'), model.decideMemberNs('greedy')]).toEqual([1200, 312.3]);
    // Two members each, which take what they do under the other.
    expect([model.decideNs('ooo'), model.decideMemberNs('ooo')]).toEqual([8375, 312.3]);
    expect(model.decideMemberNs('my-own')).toBe(0);
    expect(fitted.decide_ns.value).toBe(Math.round((1200 + 9000 - 2 * 312.34) / 2));
  });

  test('charge a wake-up besides for each launch, which busy moments have more of', () => {
    const groups = [[0, 0], [0, 1], [1, 2], [5, 2], [40, 3], [120, 1]] as const; // prettier-ignore
    const all = [
      wakeUpsOf(
        'ooo',
        groups.map(([members, launches]) => [members, 600 + 1700 * launches + 50 * members, 60, launches]),
      ),
      // Too few members to tell what one takes.
      wakeUpsOf(
        'slo',
        [0, 1, 2, 4].map((launches) => [launches, 900 + 750 * launches, 100, launches]),
      ),
    ];
    const fitted = fitHost(all, null, null, base.host, {measured: source, assumed: source});
    const model = costModel(parseProfile({...base, host: fitted}));
    const terms = ['ooo', 'slo'].map((policy) => [
      model.decideNs(policy),
      model.decideLaunchNs(policy),
      model.decideMemberNs(policy),
    ]);
    expect(terms).toEqual([[600, 1700, 50], [900, 700, 50]]); // prettier-ignore
    // One that was not measured pays what most do, by the launch too.
    expect([model.decideNs('my-own'), model.decideLaunchNs('my-own')]).toEqual([750, 1200]);
  });

  test('do not tell what a member takes from wake-ups of a few, which are those of busy moments', () => {
    const few = [[0, 2000, 5000], [1, 7000, 300], [5, 20_000, 200], [40, 9000, 4]] as const; // prettier-ignore
    const fitted = fitHost([wakeUpsOf('ooo', few)], null, null, base.host, {
      measured: source,
      assumed: source,
    });
    const model = costModel(parseProfile({...base, host: fitted}));
    expect(model.decideMemberNs('ooo')).toBe(0);
    expect(model.decideNs('ooo')).toBeGreaterThan(2000);
  });

  test('charge a member as under other policies, where a policy had few of them', () => {
    const known = [1, 2, 9, 130].map((members) => [members, 1200 + 300 * members, 60] as const);
    const terms = fitHost(
      [wakeUpsOf('ooo', known), wakeUpsOf('slo', [[2, 2600, 90]])],
      null,
      100,
      base.host,
      {
        measured: source,
        assumed: null,
      },
    );
    expect(terms.decide_members_by_policy!['slo']).toEqual({value: 300, source});
    // As long as they took on the whole.
    expect(terms.decide_by_policy!['slo']).toEqual({value: 2000, source});
  });

  test('charge what all wake-ups of a policy took together, whatever their members', () => {
    const perWakeUp = [
      // Neither on a line, nor equally many; dearer without members; without a fixed part.
      [[0, 900, 700], [2, 2500, 3000], [5, 2400, 40], [128, 41_000, 9]], // prettier-ignore
      [[1, 3000, 100], [8, 1000, 20]], // prettier-ignore
      [[10, 1000, 50], [20, 5000, 50]], // prettier-ignore
    ] as const;
    for (const groups of perWakeUp) {
      const all = [wakeUpsOf('slo', groups)];
      const fitted = fitHost(all, null, null, base.host, {measured: source, assumed: source});
      const model = costModel(parseProfile({...base, host: fitted}));
      const [fixed, perMember] = [model.decideNs('slo'), model.decideMemberNs('slo')];
      let [seen, charged] = [0, 0];
      for (const [members, ns, n] of groups) {
        seen += n * ns;
        charged += n * (fixed + members * perMember);
      }
      expect(charged / seen).toBeCloseTo(1, 2);
      expect(Math.min(fixed, perMember)).toBeGreaterThanOrEqual(0);
    }
  });

  test('of what was not seen stay as they were: marked as assumed, or as in the profile that is refreshed', () => {
    expect(host.submit.grouped).toEqual({...base.host.submit.grouped, source});
    const before = {
      ...base.host,
      decide_by_policy: {edf: {value: 77, source}},
      decide_launches_by_policy: {edf: {value: 600, source}},
      decide_members_by_policy: {edf: {value: 7.5, source}, ooo: {value: 99, source}},
    };
    const refreshed = fitHost(runs, null, null, before, {measured: 'now', assumed: null});
    expect(refreshed.submit.grouped).toEqual(base.host.submit.grouped);
    expect(refreshed.detect_ns).toEqual(base.host.detect_ns);
    expect(refreshed.decide_by_policy!['edf']).toEqual({value: 77, source});
    expect(refreshed.decide_by_policy!['ooo']).toEqual({value: 9000, source: 'now'});
    expect(refreshed.decide_launches_by_policy!['edf']).toEqual({value: 600, source});
    expect(refreshed.decide_members_by_policy!['edf']).toEqual({value: 7.5, source});
    expect(refreshed.decide_members_by_policy!['ooo']).toEqual({value: 0, source: 'now'});
    expect(refreshed.submit.single.source).toBe('now');
  });

  test('take further steps and products of batches from calls: live batches are too small to say how they grow', () => {
    const calls: HostCalls = {
      empty: null,
      submit: [{kind: 'batched', size: 4, ns: spread(2020)}],
      steps: [2, 4, 8].map((size) => ({size, ns: 100 + 20 * size})),
      productNs: 5,
      loops: null,
      look: null,
    };
    const terms = {measured: source, assumed: source};
    // Steps that take ten times as long as in a loop are no reason to think so of steps of many members.
    const seen = [2, 4, 8].map((size) => submit('batched', size, 16, 4000 + 15 * 10 * (100 + 20 * size)));
    const {follow, per_product_ns} = fitHost(
      [...runs, run('slo', 1000, seen)],
      calls,
      null,
      base.host,
      terms,
    );
    expect(per_product_ns).toEqual({value: 5, source});
    expect(follow!.batched!.fixed_ns).toBeCloseTo(100, 0);
    expect(follow!.batched!.per_member_ns).toBeCloseTo(20, 0);
    expect(follow!.padded).toEqual(follow!.batched);
  });

  test('detect an end as late as live runs saw those of single kernels, policies alike; else as a loop did', () => {
    const seen = (policy: string, ns: number, n: number): HostRun => ({
      ...run(policy, 1000),
      latencies: {
        ...unseen,
        single: spread(ns, n),
        elementwise: spread(9999, 5000),
        batched: spread(9999, 5000),
      },
    });
    const terms = {measured: source, assumed: source};
    const detect = (...more: HostRun[]): number =>
      fitHost([...runs, ...more], null, 3000, base.host, terms).detect_ns.value;
    expect(detect()).toBe(3000);
    expect(detect(seen('greedy', 5000, 30_000), seen('slo', 6000, 200), seen('delay', 6500, 100))).toBe(6000);
    // Too few to say anything, and ends that are seen before they are predicted.
    expect(detect(seen('slo', 8000, 3))).toBe(3000);
    expect(detect(seen('slo', -500, 100))).toBe(0);
  });

  test('without a run are those of the profile', () => {
    const none = fitHost([], null, null, base.host, {measured: 'now', assumed: null});
    expect(none).toEqual(base.host);
  });
});
