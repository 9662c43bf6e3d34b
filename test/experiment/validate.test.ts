// What validation makes of runs in two worlds, and the draws that simulated runs differ by.
import {describe, expect, test} from 'vitest';
import {simulateRun} from '../../src/experiment/simulate.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {validateCell} from '../../src/experiment/validate.ts';
import type {Runner} from '../../src/experiment/validate.ts';
import {verdicts} from '../../src/experiment/verdict.ts';
import type {RunSummary} from '../../src/metrics/result.ts';
import type {RunSpec} from '../../src/experiment/simulate.ts';

const scenario = parseScenario(
  JSON.stringify({
    device: 'h200',
    duration: '300ms',
    warmup: '30ms',
    tenants: [
      {
        name: 'a',
        model: 'resnet-50',
        replicas: 4,
        slo: '4ms',
        arrivals: {process: 'poisson', rate: 60},
      },
    ],
  }),
  'draws',
);
const specOf = (replication: number): RunSpec => ({
  scenario,
  policy: 'greedy:run-ahead=16',
  load: 1.2,
  replication,
  directory: '.',
});

describe('draws of a simulated run', () => {
  test('are as predicted, or the same run with slightly other times, the same every time', async () => {
    const spec = specOf(0);
    const [plain, zeroth, first, again, second] = await Promise.all([
      simulateRun(spec),
      simulateRun(spec, {draw: 0}),
      simulateRun(spec, {draw: 1}),
      simulateRun(spec, {draw: 1}),
      simulateRun(spec, {draw: 2}),
    ]);
    expect(zeroth).toEqual(plain);
    expect(again).toEqual(first);
    for (const [a, b] of [
      [plain, first],
      [first, second],
    ]) {
      expect(b.completed).toBe(a.completed);
      expect(b.latency_p50_ns).not.toBe(a.latency_p50_ns);
      expect(b.latency_p50_ns! / a.latency_p50_ns!).toBeCloseTo(1, 0);
    }
  });
});

describe('validateCell', () => {
  /** Runs that attain what the table has, by replication and time. */
  const world =
    (table: readonly (readonly number[])[], calls: string[] = []): Runner =>
    async ({replication}, time) => {
      calls.push(`${replication}/${time}`);
      const summary = {
        slo_attainment: table[replication][time],
        latency_p50_ns: 1000 * (1 + time),
        latency_p99_ns: null,
        throughput_per_s: 10,
      } as RunSummary;
      return {summary, launches: [], clockMHz: 1980};
    };
  const names = {kernel: () => '', lanesApart: false};
  const specs = [specOf(0), specOf(1)];

  test('compares the means over all runs, and tells the spread within runs of the same arrivals', async () => {
    const calls: string[] = [];
    const simulated = [
      [0.9, 0.92, 0.94],
      [0.8, 0.8, 0.8],
    ];
    const measured = [
      [0.9, 0.9],
      [0.84, 0.8],
    ];
    const cell = await validateCell(
      specs,
      world(simulated, calls),
      world(measured),
      {simulated: 3, measured: 2},
      names,
    );
    expect(calls).toEqual(['0/0', '0/1', '0/2', '1/0', '1/1', '1/2']);
    const {slo_attainment, latency_p50_ns, latency_p99_ns} = cell.metrics;
    expect(slo_attainment!.simulated).toBeCloseTo(0.86, 12);
    expect(slo_attainment!.measured).toBeCloseTo(0.86, 12);
    expect(slo_attainment!.error).toBeCloseTo(0, 9);
    expect(slo_attainment!.simulatedSpread).toBeCloseTo(1, 9);
    expect(slo_attainment!.spread).toBeCloseTo(1, 9);
    expect(latency_p50_ns!.error).toBeCloseTo(2000 / 1500 - 1, 12);
    expect(latency_p99_ns).toBeUndefined();
    expect([cell.simulated.length, cell.measured.length, cell.replications]).toEqual([6, 4, 2]);
    expect(cell.clocksMHz).toEqual([1980, 1980, 1980, 1980]);
  });

  test('verdicts take an arrivals file as one sample, however often it was run', async () => {
    const counts = {simulated: 1, measured: 2};
    const cellOf = async (policy: string, attained: readonly (readonly number[])[]) => ({
      ...(await validateCell(specs, world(attained), world(attained), counts, names)),
      policy,
    });
    const worse = await cellOf('a', [
      [0.5, 0.5],
      [0.6, 0.6],
    ]);
    const better = await cellOf('b', [
      [0.8, 0.8],
      [0.91, 0.91],
    ]);
    expect(worse.metrics.slo_attainment).toMatchObject({simulatedSpread: null, spread: 0});
    const [verdict] = verdicts([worse, better]);
    expect(verdict.advantage.mean).toBeCloseTo(30.5, 9);
    // Two samples, 30 and 31 points: t of one degree of freedom at 95 % is 12.706.
    expect(verdict.advantage.half_width).toBeCloseTo(12.706 * 0.5, 2);
    expect(verdict.verdict).toBe('safe');
  });

  test('verdicts over one arrivals file go by the stretches of its runs', async () => {
    const cellOf = async (policy: string, met: (stretch: number, time: number) => number) => {
      const runs: Runner = async (_, time) => {
        const stretches = Array.from({length: 20}, (_, i) => ({arrived: 100, met: met(i, time)}));
        const summary = {
          slo_attainment: stretches.reduce((sum, each) => sum + each.met, 0) / 2000,
          latency_p50_ns: 1,
          latency_p99_ns: 2,
          throughput_per_s: 10,
          stretches,
        };
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what validation reads
        return {summary: summary as RunSummary, launches: [], clockMHz: 1980};
      };
      const counts = {simulated: 1, measured: 2};
      return {...(await validateCell([specOf(0)], runs, runs, counts, names)), policy};
    };
    const base = await cellOf('a', (i) => 80 + (i % 2));
    // The repeats' means: 5 more in every other stretch, 7 more in the others.
    const [verdict] = verdicts([
      base,
      await cellOf('b', (i, time) => 85 + 3 * (i % 2) + (time === 0 ? 1 : -1)),
    ]);
    expect(verdict.advantage.mean).toBeCloseTo(6, 9);
    // Student's t of 19 degrees of freedom at 95 % is 2.093; ten differences of 5 and ten of 7.
    expect(verdict.advantage.half_width).toBeCloseTo(2.093 * Math.sqrt(20 / 19 / 20), 3);
    expect(verdict.verdict).toBe('safe');
    const [unsure] = verdicts([base, await cellOf('c', (i) => (i === 3 ? 99 : 80))]);
    expect(unsure.verdict).toBe('inside the error bar');
  });
});
