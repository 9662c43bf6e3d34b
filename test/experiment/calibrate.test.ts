// A calibration from end to end on a stand-in for CUDA: what is written, resumed and refused. Times mean nothing there.
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {calibrate} from '../../src/experiment/calibrate.ts';
import type {Calibration, CalibrationOptions} from '../../src/experiment/calibrate.ts';
import {checkProfileMatches} from '../../src/experiment/checkProfile.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {loadModels} from '../../src/experiment/ownModels.ts';
import {measureHost} from '../../src/experiment/refreshHost.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {probe} from '../../src/gpu/cuda.ts';
import {costModel} from '../../src/profile/costModel.ts';
import {parseProfile} from '../../src/profile/parseProfile.ts';
import {CalibrationStopped} from '../../src/gpu/calibration/session.ts';
import type {Gemm} from '../../src/scheduler/kernel.ts';
import type {Model} from '../../src/workload/models/layer.ts';
import {findModel} from '../../src/workload/models/zoo.ts';
import {paths, unavailable} from '../fake-cuda/standIn.ts';
import {csvModel} from '../../src/workload/models/csvModel.ts';

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
  // What the host's calls take is measured with thousands of products of 16x16x16. Nobody looks at those, and computing them would
  // take the stand-in most of a calibration; the tests' own are smaller, padded ones too, and are computed.
  beforeAll(() => (process.env['FAKE_CUDA_MACS'] = String(16 ** 3 - 1)));
  afterAll(() => {
    delete process.env['FAKE_CUDA_MACS'];
    rmSync(folder, {recursive: true});
  });
  const lines: string[] = [];
  /** Live runs at which even a stand-in has launches enough. */
  const coRuns = {
    models: 2,
    tenants: 2,
    cells: [{policy: 'streams:host-threads=shared', load: 0.2}],
    forNs: 300e6,
  };
  const options = (output: string, more: Partial<CalibrationOptions> = {}): CalibrationOptions => ({
    models: new Map([['toy', model]]),
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
      papers: [gemm(4, 8, 8)],
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
      hosting: [],
      coRuns: {...coRuns, cells: []},
      cacheBytes: 4096,
    },
    ...more,
  });

  const withCoRuns = (output: string, more: Partial<CalibrationOptions>): CalibrationOptions => {
    const given = options(output, more);
    return {...given, extent: {...given.extent, coRuns}};
  };

  let calibrated: Promise<Calibration> | undefined;
  /** One calibration for several tests. */
  const whole = (): Promise<Calibration> =>
    (calibrated ??= calibrate(
      withCoRuns('whole.json', {
        models: new Map([
          ['toy', model],
          ['lstm-16', findModel('lstm-16')],
        ]),
      }),
    ));

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
      expect(found.co_runs.rows.map((row) => row.model)).toEqual(expect.arrayContaining(['toy', 'lstm-16']));
      // Measured only where the device takes longer than the host.
      expect(profile.launch.step_gap_ns!.value).toBeLessThan(profile.launch.gap_ns.value);
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

  test(
    'runs the tenants of models of one’s own beside others, and goes on with that',
    {timeout: 60_000},
    async () => {
      const chain = Array.from({length: 20}, () => [8, 4, 16]);
      writeFileSync(join(folder, 'chain.yaml'), JSON.stringify(chain));
      const tenant = {slo: '10ms', arrivals: {process: 'poisson', rate: 200}};
      const scenario = parseScenario(
        JSON.stringify({
          name: 'mine',
          models: {mine: 'chain.yaml'},
          loads: [0.1, 0.3],
          policies: ['streams:host-threads=shared'],
          tenants: [
            {...tenant, name: 'chained', model: 'mine', arrivals: {process: 'saturated'}},
            {...tenant, name: 'known', model: 'lstm-16'},
          ],
        }),
        'mine.yaml',
      );
      const models = await loadModels({scenario, directory: folder});
      const given = withCoRuns('own.json', {models, scenario});
      const partial = join(folder, 'own.partial.jsonl');
      const seen = (): boolean =>
        existsSync(partial) && readFileSync(partial, 'utf8').includes('"co-run mine: mine+lstm-16 ');
      await expect(calibrate({...given, shouldStop: seen})).rejects.toThrow(CalibrationStopped);
      // Another model by the same name has other launches.
      const other = new Map([...models, ['mine', model]]);
      await expect(calibrate({...given, models: other})).rejects.toThrow(
        /begun on another device or with other/,
      );
      lines.length = 0;
      const {check, failed} = await calibrate(given);
      expect([...failed]).toEqual([]);
      expect(lines.filter((line) => line.includes('takes no part'))).toEqual([]);
      const {co_runs: found} = JSON.parse(readFileSync(check, 'utf8')) as {
        co_runs: {rows: {model: string; load: number}[]};
      };
      const loads = found.rows.filter((row) => row.model === 'mine').map(({load}) => load);
      expect(new Set(loads)).toEqual(new Set([0.15, 0.25]));
    },
  );

  test('refuses to go on with the measurements of other models', async () => {
    await expect(calibrate(options('other.json', {shouldStop: () => true}))).rejects.toThrow(
      CalibrationStopped,
    );
    await expect(calibrate(options('other.json', {models: new Map()}))).rejects.toThrow(
      /other\.partial\.jsonl: begun on another device or with other options/,
    );
    await expect(
      calibrate(options('other.json', {models: new Map(), restart: true, shouldStop: () => true})),
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
    const stage = {
      name: 'host run',
      models: ['lstm-512'],
      replicas: 2,
      maxSize: 8,
      policies: ['greedy', 'streams'],
      // On a busy machine few of its launches are alone and waited for; those are what latencies are told by.
      forNs: 800e6,
      load: null,
      isClosed: false,
    };
    const crowded = {
      ...stage,
      name: 'crowded',
      models: ['tiny'],
      ownModels: new Map([['tiny', csvModel('8,4,16\n'.repeat(8), 'tiny')]]),
      replicas: 40,
      maxSize: 40,
      policies: ['greedy:lanes=1'],
      isClosed: true,
    };
    const {
      profile: refreshed,
      runs,
      failed,
    } = await measureHost({
      profile,
      paths,
      date: '2026-02-01',
      log: (line) => lines.push(line),
      stages: [stage, crowded],
      shapes: [gemm(4, 8, 8)],
    });
    expect([...failed]).toEqual([]);
    expect(runs.map(({policy}) => policy)).toEqual(['greedy', 'streams', 'greedy']);
    // All that ask at once are answered at once: such launches tell what a member costs.
    expect(runs[2].wakeUps.byWork.some(({members, ns}) => members >= 39 && ns.n > 20)).toBe(true);
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
    for (const [policy, {value}] of Object.entries(host.decide_by_policy!))
      expect(value + host.decide_launches_by_policy![policy].value).toBeGreaterThan(0);
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
