// A calibration from end to end on a stand-in for CUDA: what is written, resumed and refused. Times mean nothing there.
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {calibrate} from '../../src/experiment/calibrate.ts';
import type {Calibration, CalibrationOptions} from '../../src/experiment/calibrate.ts';
import {checkProfileMatches} from '../../src/experiment/checkProfile.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {measureHost} from '../../src/experiment/refreshHost.ts';
import {probe} from '../../src/gpu/cuda.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import {CalibrationStopped} from '../../src/gpu/calibration/session.ts';
import type {Gemm} from '../../src/scheduler/kernel.ts';
import type {Model} from '../../src/workload/models/layer.ts';
import {findModel} from '../../src/workload/models/zoo.ts';
import {paths, unavailable} from '../fake-cuda/standIn.ts';

const gemm = (m: number, n: number, k: number, count = 1): Gemm => ({
  op: 'gemm',
  m,
  n,
  k,
  count,
  dtype: 'fp32',
});

const model: Model = {
  name: 'toy',
  title: 'Toy',
  description: 'two products and a pass',
  source: 'made up',
  layers: [
    {name: 'a', kind: 'linear', m: 8, n: 4, k: 8, count: 1, scales: 'n', elements: 64, weights: 64},
    {name: 'b', kind: 'attention', m: 4, n: 4, k: 4, count: 3, scales: 'count', elements: 96, weights: 0},
    {name: 'c', kind: 'elementwise', elements: 64, weights: 0},
  ] as Model['layers'],
};

describe.skipIf(unavailable)('calibrate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'superkernel-calibrate-'));
  afterAll(() => rmSync(folder, {recursive: true}));
  const lines: string[] = [];
  const options = (output: string, more: Partial<CalibrationOptions> = {}): CalibrationOptions => ({
    models: [model],
    output: join(folder, output),
    name: 'stand-in',
    // Several times what it takes on an idle machine: what there is no time for is left out.
    budgetNs: 60e9,
    paths,
    date: '2026-01-31',
    command: 'superkernel calibrate',
    log: (line) => lines.push(line),
    extent: {
      generic: [gemm(4, 4, 4)],
      papers: [gemm(4, 8, 16)],
      maxSize: 8,
      lanes: 2,
      maxMembers: 64,
      poolBytes: 1 << 20,
      // Times on the CPU vary: refinement would measure every size, and leave none to check.
      tolerance: 1,
      requests: [2],
      checks: 6,
      slicing: {kernel: gemm(8, 8, 8), forNs: 20e6},
      // Live runs have a test of their own.
      hosting: {models: [], policies: [], forNs: 0, load: null},
      // Of known models only: none in most of these tests.
      coRuns: {
        models: 1,
        tenants: 2,
        cells: [{policy: 'streams:host-threads=shared', load: 0.2}],
        forNs: 300e6,
      },
      cacheBytes: 4096,
    },
    ...more,
  });

  let calibrated: Promise<Calibration> | undefined;
  /** One calibration for several tests. */
  const whole = (): Promise<Calibration> =>
    (calibrated ??= calibrate(options('whole.json', {models: [model, findModel('lstm-16')]})));

  test(
    'writes a profile that predicts what it has measured, by every method',
    {timeout: 60_000},
    async () => {
      const {profile, durations, equivalence, records, check, failed} = await whole();
      expect([...failed]).toEqual([]);
      expect(readProfile(join(folder, 'whole.json'))).toEqual(profile);
      // What runs of launches take longer than launches one by one is a second term, whatever it was found to be here.
      const costs = costModel({...profile, measured_in_runs: undefined});
      for (const table of profile.measured!) {
        const {m, n, k, count, method, points} = table;
        for (const [size, ns] of points) {
          expect(costs.durationNs(gemm(m, n, k, count), size, method)).toBe(ns);
        }
      }
      const measured = profile.measured!.map(({m, n, k, method}) => `${m}x${n}x${k} ${method}`);
      for (const method of ['single', 'batched', 'grouped']) expect(measured).toContain(`8x4x8 ${method}`);
      expect(durations!.rows).toBeGreaterThan(0);
      expect(equivalence.map(({method}) => method)).toContain('padded');
      for (const {worst} of equivalence) expect(worst).toBeLessThan(1);
      expect(existsSync(records)).toBe(true);
      const shares = profile.measured_shares!.map(({m, n, k, method}) => `${m}x${n}x${k} ${method}`);
      expect(shares).toContain('8x4x8 single');
      expect(shares).toContain('8x4x8 batched');
      expect(profile.contention.interference.source).toBe('calibration');
      expect(profile.launch.start_interval_ns).toMatchObject({source: 'calibration'});
      const [least, most] = profile.elementwise.bytes!;
      expect(least).toBeLessThan(most);
      expect(profile.elementwise.shares!.map(([bytes]) => bytes)).toContain(2 ** 14);
      const found = JSON.parse(readFileSync(check, 'utf8')) as {
        unseen: {durations: unknown; superkernels: unknown[]};
        co_runs: {rows: {model: string; launches: number}[]};
      };
      expect(found.co_runs.rows[0].model).toBe('lstm-16');
      expect(profile.launch.step_gap_ns!.source).toBe('calibration');
      expect(found.unseen.superkernels).toHaveLength(durations!.rows);
      expect(existsSync(join(folder, 'whole.partial.jsonl'))).toBe(false);
    },
  );

  test('goes on where it was stopped, measuring nothing twice', {timeout: 60_000}, async () => {
    let looks = 0;
    await expect(calibrate(options('cut.json', {shouldStop: () => ++looks > 60}))).rejects.toThrow(
      CalibrationStopped,
    );
    const keys = (file: string): string[] =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .slice(1, -1)
        .map((line) => (JSON.parse(line) as {key: string}).key);
    const before = keys('cut.partial.jsonl');
    expect(before).toHaveLength(60);
    await calibrate(options('cut.json'));
    const after = keys('cut.measurements.jsonl');
    expect(after.slice(0, 60)).toEqual(before);
    expect(new Set(after).size).toBe(after.length);
  });

  test('refuses to go on with the measurements of other models', async () => {
    await expect(calibrate(options('other.json', {shouldStop: () => true}))).rejects.toThrow(
      CalibrationStopped,
    );
    await expect(calibrate(options('other.json', {models: []}))).rejects.toThrow(
      /other\.partial\.jsonl: begun on another device or with other options/,
    );
    await expect(
      calibrate(options('other.json', {models: [], restart: true, shouldStop: () => true})),
    ).rejects.toThrow(CalibrationStopped);
  });

  test('records what failed and goes on', {timeout: 60_000}, async () => {
    process.env['FAKE_CUDA_FAIL'] = 'cublasGemmGroupedBatchedEx=15';
    const {profile, failed} = await calibrate(options('faults.json')).finally(() => {
      delete process.env['FAKE_CUDA_FAIL'];
    });
    expect(failed.size).toBeGreaterThan(0);
    for (const reason of failed.values()) expect(reason).toMatch(/^cublasGemmGroupedBatchedEx failed/);
    expect(profile.measured!.some(({method}) => method === 'batched')).toBe(true);
    expect(profile.measured!.some(({method}) => method === 'grouped')).toBe(false);
    // Without co-runs interference is that of lanes of kernels.
    expect(profile.contention.interference.source).toBe('calibration');
  });

  test('measures the host in live runs, and puts it into a profile', {timeout: 60_000}, async () => {
    const {profile} = await whole();
    // What the host did in co-runs.
    expect(Object.keys(profile.host.decide_by_policy!)).toEqual(['streams']);
    const stage = {models: ['lstm-512'], policies: ['greedy', 'streams'], forNs: 400e6, load: null};
    const {
      profile: refreshed,
      runs,
      failed,
    } = await measureHost({
      profile,
      paths,
      date: '2026-02-01',
      log: (line) => lines.push(line),
      stage,
      shapes: [gemm(4, 8, 16)],
    });
    expect([...failed]).toEqual([]);
    expect(runs.map(({policy}) => policy)).toEqual(['greedy', 'streams']);
    for (const {wakeUps, submits} of runs) {
      expect(wakeUps.whole.n).toBeGreaterThan(0);
      expect(submits.length).toBeGreaterThan(0);
    }
    // Products of this model have not been measured, so that nothing is told of how late they were seen.
    const [greedy, streams] = runs.map(({latencies}) => latencies);
    expect([greedy.single, streams.single]).toEqual([null, null]);
    expect(streams.steps!.n).toBeGreaterThan(0);
    expect(lines.join('\n')).toMatch(
      /seen after the predicted end under streams, us: steps \d+, p10 -?[\d.]+ p50 -?[\d.]+ p90 -?[\d.]+/,
    );
    const {host, sources, ...rest} = refreshed;
    const {host: _, sources: __, ...before} = profile;
    expect(rest).toEqual(before);
    expect(sources['host'].date).toBe('2026-02-01');
    expect(Object.keys(host.decide_by_policy!).toSorted()).toEqual(['greedy', 'streams']);
    for (const {value} of Object.values(host.decide_by_policy!)) expect(value).toBeGreaterThan(0);
    expect(host.submit.single.source).toBe('host');
    expect(parseProfile(refreshed)).toEqual(refreshed);
  });

  test('refuses to put this host into the profile of another GPU', async () => {
    const profile = readProfile('v100');
    const refused = measureHost({profile, paths, date: '2026-02-01', log: () => {}});
    await expect(refused).rejects.toThrow(/^profile v100 is of another GPU: Tesla V100-SXM2-16GB/);
  });

  test('says which GPU is missing', async () => {
    await expect(calibrate(options('none.json', {ordinal: 3}))).rejects.toThrow(
      'unknown device: cuda:3 (expected cuda:0 to cuda:0)',
    );
  });

  test('a profile of another GPU does not pass for this one', () => {
    const [device] = probe(paths).devices;
    expect(() => checkProfileMatches(readProfile('v100'), device)).toThrow(
      /^profile v100 is of another GPU: Tesla V100-SXM2-16GB \(found Stand-in GPU 0\)/,
    );
  });
});
