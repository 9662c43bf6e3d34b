// From an experiment to named runs: what is the same has the same name, and nothing else has.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {makeExperiment} from '../../src/experiment/experiment.ts';
import type {Changes} from '../../src/experiment/experiment.ts';
import {makePlan, shardOf} from '../../src/experiment/plan.ts';
import type {Plan, World} from '../../src/experiment/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'superkernel-plan-'));
afterAll(() => rmSync(folder, {recursive: true}));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

const text = `
replications: 2
loads: [0.5, 1]
policies: [slo, ooo]
models: {own: own.csv}
tenants: [{name: a, model: own, slo: 1s}]
`;
write('own.csv', '8,8,8\n');
write('mine.mjs', '// a policy');

const planOf = (changes: Changes = {}, world?: World, scenario = text): Promise<Plan> =>
  makePlan(makeExperiment(scenario, 'x.yaml', folder, changes), world);
const runsOf = ({runs}: Plan): string[] => runs.map(({hash}) => hash);

describe('makePlan', () => {
  test('runs every variant, policy, load and replication', async () => {
    const {cells, runs} = await planOf({parameters: [{key: 'max-size', values: [1, 2]}]});
    expect(cells.map(({variant, policy, load}) => [variant.parameters['max-size'], policy, load])).toEqual([
      [1, 'slo', 0.5],
      [1, 'slo', 1],
      [1, 'ooo', 0.5],
      [1, 'ooo', 1],
      [2, 'slo', 0.5],
      [2, 'slo', 1],
      [2, 'ooo', 0.5],
      [2, 'ooo', 1],
    ]);
    expect(runs.map(({spec}) => spec.replication).slice(0, 4)).toEqual([0, 1, 0, 1]);
    expect(new Set(runs.map(({hash}) => hash)).size).toBe(16);
  });

  const still = 'tenants: [{name: a, model: lstm-512, slo: 1s, arrivals: {process: saturated}}]\n';

  test.each<[what: string, text: string, count: number]>([
    ['nothing is drawn', 'policies: [ooo, streams, evict(slo)]', 1],
    ['times are given', 'tenants: [{name: a, model: lstm-512, slo: 1s, arrivals: {process: trace, at: [0s]}}]', 1],
    ['a phase is drawn', 'tenants: [{name: a, model: lstm-512, slo: 1s, arrivals: {process: constant, rate: 5}}]', 3],
    ['clients think for as long as is drawn', 'tenants: [{name: a, model: lstm-512, slo: 1s, arrivals: {process: closed-loop, outstanding: 1, think: {distribution: uniform, mean: 1ms}}}]', 3],
    ['durations are drawn', 'noise: true', 3],
    ['the speed of MPS processes is drawn', 'policies: [ooo, evict(mps)]', 3],
    ['a user’s policy may draw', 'policies: [./mine.mjs]', 3],
  ])('where %s, repeats runs only where they may differ', async (_, more, count) => {
    const scenario = `replications: 3\n${more}\n${more.startsWith('tenants') ? '' : still}`;
    expect((await planOf({}, 'simulated', scenario)).cells[0].runs).toHaveLength(count);
    expect((await planOf({}, 'live', scenario)).cells[0].runs).toHaveLength(3);
  }); // prettier-ignore

  test('runs once what is named twice', async () => {
    const twice = planOf({
      overrides: [
        ['loads', [0.5, 1, 0.5]],
        ['policies', ['slo', 'ooo', 'slo']],
      ],
    });
    expect(await twice).toMatchObject({hash: (await planOf()).hash, cells: {length: 4}});
  });

  test('names the same runs the same', async () => {
    expect(await planOf()).toEqual(await planOf());
  });

  test('keeps the names of runs that a larger grid has, too', async () => {
    const small = runsOf(await planOf({overrides: [['loads', [1]]]}));
    const large = runsOf(await planOf({overrides: [['replications', 5]]}));
    expect(small.every((hash) => large.includes(hash))).toBe(true);
  });

  test.each<[string, Changes]>([
    ['the seed', {overrides: [['seed', 2]]}],
    ['an SLO', {overrides: [['tenants.0.slo', '2s']]}],
    ['the policies', {overrides: [['policies', ['slo:lanes=3', 'ooo:lanes=3']]]}],
    ['the duration', {overrides: [['duration', '3s']]}],
  ])('gives other names where %s differs', async (_, changes) => {
    const before = new Set(runsOf(await planOf()));
    expect(runsOf(await planOf(changes)).filter((hash) => before.has(hash))).toEqual([]);
  });

  test('gives other names where a model file or a policy module was edited', async () => {
    const policies = {overrides: [['policies', ['./mine.mjs']]]} as const;
    const before = await planOf(policies);
    expect(Object.keys(before.files)).toEqual(['profile v100', 'model own.csv', 'policy ./mine.mjs']);
    write('own.csv', '8,8,9\n');
    const model = await planOf(policies);
    write('mine.mjs', '// another');
    const module = await planOf(policies);
    expect(new Set([before, model, module].flatMap(runsOf)).size).toBe(12);
  });

  test('never mixes the simulator with a GPU', async () => {
    expect((await planOf({}, 'live')).hash).not.toBe((await planOf()).hash);
  });

  test('says which file is missing', async () => {
    const scenario = text.replace('own.csv', 'none.csv');
    await expect(planOf({}, 'simulated', scenario)).rejects.toThrow('missing model file: none.csv');
  });
});

test('shards share the runs out evenly, each run to one of them', () => {
  const runs = Array.from({length: 23}, (_, i) => i);
  const shards = [1, 2, 3, 4].map((index) => shardOf(runs, {index, count: 4}));
  expect(shards.flat().toSorted((a, b) => a - b)).toEqual(runs);
  expect(shards.map(({length}) => length)).toEqual([6, 6, 6, 5]);
});
