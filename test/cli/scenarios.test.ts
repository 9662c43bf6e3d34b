// The example scenarios do what they say.
import {readdirSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {inRepository, workplace} from './commandLine.ts';

const place = workplace();
const scenarios = readdirSync(inRepository('scenarios')).filter((file) => file.endsWith('.yaml'));

interface Summary {
  cells: {
    policy: string;
    error?: string;
    replications: {
      completed: number;
      superkernel_size_mean: number;
      throughput_per_s: number;
      tenants: {arrived: number}[];
    }[];
  }[];
}

const summaryOf = async (...args: string[]): Promise<Summary> => {
  const {code, stdout, stderr} = await place.run([...args, '--no-report', '--quiet', '--format', 'json']);
  expect({code, stderr}).toEqual({code: 0, stderr: ''});
  return JSON.parse(stdout) as Summary;
};

describe('every example', () => {
  test.each(scenarios)('%s runs under all of its policies', async (file) => {
    const {cells} = await summaryOf(
      'simulate', inRepository(`scenarios/${file}`), '--duration', '100ms', '--warmup', '5ms', '--replications', '1',
    ); // prettier-ignore
    for (const {policy, error, replications} of cells) {
      expect({policy, error}).toEqual({policy, error: undefined});
      // One request a second is all that the tenants of the replay ask for by themselves.
      if (file !== 'replay.yaml') expect(replications[0].completed).toBeGreaterThan(0);
    }
  });
});

test('the quickstart knows every policy of the table', async () => {
  const {stdout} = await place.run(['policies', '--format', 'csv']);
  const names = stdout.trimEnd().split('\n').slice(1).map((line) => line.split(',')[0]); // prettier-ignore
  const {cells} = await summaryOf(
    'simulate', inRepository('scenarios/quickstart.yaml'), '--duration', '50ms', '--warmup', '5ms', '--replications', '1', '--load', '0.5',
  ); // prettier-ignore
  expect(cells.map(({policy}) => policy.split(/[(:]/)[0]).toSorted()).toEqual(names.toSorted());
});

test('the papers’ setting keeps every tenant’s queue filled, and coalescing all of them', async () => {
  const {cells} = await summaryOf(
    'simulate', inRepository('scenarios/papers.yaml'), '--duration', '20ms', '--warmup', '5ms',
  ); // prettier-ignore
  const greedy = cells.find(({policy}) => policy.startsWith('greedy'))!.replications[0];
  expect(greedy.superkernel_size_mean).toBeCloseTo(20, 5);
  const others = cells.filter(({policy}) => !policy.startsWith('greedy'));
  for (const {replications} of others) {
    expect(replications[0].superkernel_size_mean).toBe(1);
    expect(replications[0].tenants.every(({arrived}) => arrived > 5)).toBe(true);
  }
});

test('the replay gives every client of the example trace to the tenant of its name', async () => {
  const {cells} = await summaryOf(
    'replay', inRepository('traces/examples/arrivals.csv'), '--scenario', inRepository('scenarios/replay.yaml'),
  ); // prettier-ignore
  expect(cells.map(({replications}) => replications[0].tenants.map(({arrived}) => arrived))).toEqual([
    [12, 16, 12],
    [12, 16, 12],
    [12, 16, 12],
  ]);
});
