// Co-runs on a stand-in for CUDA: what is run, kept and left out. Times mean little there.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {coRunModels, measureCoRuns, scenarioMix} from '../../src/experiment/calibrationCoRuns.ts';
import type {CoRun, CoRunOptions} from '../../src/experiment/calibrationCoRuns.ts';
import {loadModels} from '../../src/experiment/ownModels.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {parseScenario} from '../../src/experiment/scenario.ts';
import {Bench} from '../../src/gpu/calibration/bench.ts';
import {measureGroups} from '../../src/gpu/calibration/groups.ts';
import {Journal} from '../../src/gpu/calibration/journal.ts';
import {OperandPool} from '../../src/gpu/calibration/operandPool.ts';
import {CalibrationStopped, Session} from '../../src/gpu/calibration/session.ts';
import {loadAddon} from '../../src/gpu/cuda.ts';
import type {CudaContext} from '../../src/gpu/cuda.ts';
import type {Model} from '../../src/workload/models/layer.ts';
import {findModel} from '../../src/workload/models/zoo.ts';
import {openStandIn, unavailable} from '../fake-cuda/standIn.ts';

const known = (...names: string[]): Map<string, Model> =>
  new Map(names.map((name) => [name, findModel(name)]));

describe.skipIf(unavailable)('co-runs on a device', () => {
  const folder = mkdtempSync(join(tmpdir(), 'superkernel-co-runs-'));
  let context: CudaContext;
  // Stays open meanwhile, as a calibration's does.
  beforeAll(() => (context = openStandIn({lanes: 1, maxMembers: 128, ringSlots: 16})));
  afterAll(() => {
    context.destroy();
    rmSync(folder, {recursive: true});
  });
  const lines: string[] = [];
  const sessionOf = (file: string, {budgetNs = 60e9, shouldStop = (): boolean => false} = {}): Session =>
    new Session({
      journal: new Journal(join(folder, file), {}),
      nowNs: () => loadAddon().nowNs(),
      budgetNs,
      log: (line) => lines.push(line),
      shouldStop,
    });
  const measure = (session: Session, more: Partial<CoRunOptions> = {}): Promise<CoRun[]> =>
    measureCoRuns(readProfile('v100'), session, {
      models: known('lstm-16', 'lstm-32'),
      batch: 1,
      stage: {
        models: 2,
        tenants: 3,
        cells: [
          {policy: 'streams:host-threads=shared', load: 0.2},
          {policy: 'greedy:run-ahead=16', load: 0.3},
        ],
        forNs: 200e6,
      },
      ordinal: 0,
      freeBytes: () => 1e12,
      until: 0.9,
      ...more,
    });

  test('are one run of all models for every policy and load; kept for another time', async () => {
    const session = sessionOf('whole.jsonl');
    const runs = await measure(session);
    expect([...session.journal.failed]).toEqual([]);
    expect(runs.map(({policy, load}) => [policy, load])).toEqual([
      ['streams:host-threads=shared', 0.2],
      ['greedy:run-ahead=16', 0.3],
    ]);
    for (const {policy, models, launches, outcome} of runs) {
      expect(outcome!.completed).toBeGreaterThan(0);
      // None where the machine is so busy that a backlog grows.
      expect(outcome!.latency_mean_ns ?? 1).toBeGreaterThan(0);
      expect(models).toEqual(['lstm-16', 'lstm-32']);
      expect(launches.length).toBeGreaterThanOrEqual(50);
      const modelOf = new Map<number, Set<number>>();
      for (const [model, kernel, steps, size, , freeAt, finishedAt, , tenant] of launches) {
        expect(models[model]).toBeDefined();
        if (tenant >= 0) modelOf.set(tenant, (modelOf.get(tenant) ?? new Set()).add(model));
        expect(kernel + steps).toBeLessThanOrEqual(findModel(models[model]).layers.length);
        expect(size).toBeGreaterThanOrEqual(1);
        expect(finishedAt).toBeGreaterThan(freeAt);
      }
      expect([...modelOf.values()].every(({size}) => size === 1)).toBe(true);
      // Launches of several members may all be of several tenants.
      if (policy.startsWith('streams')) expect(modelOf.size).toBe(4);
    }
    const stopped = (): boolean => true;
    // Nothing is left to measure, so that nothing stops.
    expect(await measure(sessionOf('whole.jsonl', {shouldStop: stopped}))).toEqual(runs);
  });

  test('are of the tenants of a scenario, where there is one, with arrivals of their own', async () => {
    const tenant = (name: string, model: string, more: object): object => ({
      name,
      model,
      slo: '5ms',
      ...more,
    });
    const scenario = parseScenario(
      JSON.stringify({
        name: 'mine',
        'max-size': 4,
        models: {own: 'chain.yaml'},
        tenants: [
          tenant('often', 'lstm-16', {replicas: 2, arrivals: {process: 'gamma', rate: 300, cv: 2}}),
          tenant('again', 'lstm-32', {arrivals: {process: 'saturated'}}),
          tenant('seldom', 'lstm-16', {arrivals: {process: 'poisson', rate: 100}}),
          tenant('several', 'lstm-16', {batch: 2}),
          tenant('chained', 'own', {arrivals: {process: 'poisson', rate: 100}}),
          tenant('halved', 'own', {dtype: 'fp16'}),
        ],
      }),
      'mine.yaml',
    );
    const chain = Array.from({length: 6}, () => [8, 4, 8]);
    writeFileSync(join(folder, 'chain.yaml'), JSON.stringify(chain));
    const models = await loadModels({scenario, directory: folder});
    const profile = readProfile('v100');
    lines.length = 0;
    const {tenants: mix} = scenarioMix(profile, scenario, models, 1, (line) => lines.push(line));
    expect(lines).toEqual(['  several takes no part in co-runs', '  halved takes no part in co-runs']);
    expect(mix.map(({name, replicas}) => [name, replicas])).toEqual([
      ['often', 2],
      ['again', 1],
      ['seldom', 1],
      ['chained', 1],
    ]);
    expect(mix.map(({arrivals: {process}}) => process)).toEqual(['gamma', 'poisson', 'poisson', 'poisson']);
    const session = sessionOf('scenario.jsonl');
    const runs = await measure(session, {models, scenario});
    expect([...session.journal.failed]).toEqual([]);
    expect(runs.map(({models}) => models)).toEqual([
      ['lstm-16', 'lstm-32', 'own'],
      ['lstm-16', 'lstm-32', 'own'],
    ]);
    const [first] = runs;
    const of = (model: number): CoRun['launches'] => first.launches.filter((launch) => launch[0] === model);
    for (const model of first.models.keys()) expect(of(model).length).toBeGreaterThan(0);
    for (const [, kernel, steps] of of(2)) expect(kernel + steps).toBeLessThanOrEqual(chain.length);
  });

  test('are left out where there is no time or no memory for them', async () => {
    expect(await measure(sessionOf('late.jsonl', {budgetNs: 1}))).toEqual([]);
    expect(await measure(sessionOf('full.jsonl', {}), {freeBytes: () => 1000})).toEqual([]);
    expect(lines).toContain('  2 co-runs left out: no time or memory for them');
  });

  test('are of the models that differ most, then in their order', () => {
    const given = known('vgg-16', 'resnet-18', 'lstm-1024', 'resnet-50');
    expect([...coRunModels(given, 3).keys()]).toEqual(['resnet-50', 'lstm-1024', 'vgg-16']);
  });

  test('that are cut short leave nothing behind', async () => {
    let looks = 0;
    const session = sessionOf('cut.jsonl', {shouldStop: () => ++looks > 3});
    await expect(measure(session)).rejects.toThrow(CalibrationStopped);
    expect(session.journal.has('co-run lstm-16+lstm-32 streams:host-threads=shared at 0.2')).toBe(false);
    expect([...session.journal.failed]).toEqual([]);
  });

  test('further steps of batches are timed by size, as far as the context has room', async () => {
    const pool = new OperandPool(context, 1 << 16, 1 << 16);
    const nowNs = () => loadAddon().nowNs();
    const session = sessionOf('steps.jsonl');
    const tiny = {op: 'gemm', m: 4, n: 4, k: 4, count: 1, dtype: 'fp32'} as const;
    for (const [maxMembers, sizes] of [
      [128, [2, 4, 8]],
      [64, [2, 4]],
    ] as const) {
      const bench = new Bench({context, nowNs, pool, lanes: 1, maxMembers, ringSlots: 16});
      const costs = await measureGroups(bench, tiny, session);
      expect([...session.journal.failed]).toEqual([]);
      expect(costs.map(({size}) => size)).toEqual(sizes);
      for (const {ns} of costs) expect(ns).toBeGreaterThan(0);
    }
    pool.free();
  });
});
