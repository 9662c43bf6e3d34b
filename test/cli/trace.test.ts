// `replay` and `trace stats`: arrivals from files.
import {describe, expect, test} from 'vitest';
import {inRepository, smallScenario, workplace} from './commandLine.ts';

const place = workplace();

/** Two clients in turn, every 5 ms. */
const log = [
  'when,who',
  ...Array.from({length: 100}, (_, i) => `${i * 5},${i % 2 === 0 ? 'ann' : 'bob'}`),
].join('\n');
place.write('log.csv', `${log}\n`);
const map = ['--map', 'time=when,tenant=who,unit=ms'];

const replay = (...more: string[]) =>
  place.run(['replay', 'log.csv', ...map, '--policy', 'slo', '--no-report', ...more]);

interface Summary {
  duration_ns: number;
  cells: {
    replications: {
      completed: number;
      tenants: {tenant: string; model: string; slo_ns: number; arrived: number}[];
    }[];
  }[];
}

describe('replay', () => {
  test('makes a tenant of every client', async () => {
    const {code, stdout} = await replay('--model', 'resnet-18,lstm-512', '--slo', '30ms', '--format', 'json');
    expect(code).toBe(0);
    const {cells, duration_ns} = JSON.parse(stdout) as Summary;
    expect(duration_ns).toBe(495e6 + 1);
    expect(cells[0].replications[0]).toMatchObject({
      completed: 100,
      tenants: [
        {tenant: 'ann', model: 'resnet-18', slo_ns: 30e6, arrived: 50},
        {tenant: 'bob', model: 'lstm-512', slo_ns: 30e6, arrived: 50},
      ],
    });
  });

  test('gives a client the model that is named for it', async () => {
    const {stdout} = await replay('--model', 'bob=vgg-16', '--model', 'resnet-18');
    expect(stdout).toMatch(/ann +resnet-18/);
    expect(stdout).toMatch(/bob +vgg-16/);
  });

  test('deals clients to as many tenants as asked for', async () => {
    const {stdout} = await replay('--model', 'lstm-512', '--tenants', '1');
    expect(stdout).toMatch(/^tenant-0 +lstm-512 +100/m);
  });

  test('gives the arrivals to the tenants of a scenario', async () => {
    const {code, stdout} = await replay('--scenario', 'small.yaml', '--format', 'json');
    expect(code).toBe(0);
    const {cells} = JSON.parse(stdout) as Summary;
    expect(cells).toHaveLength(1);
    expect(cells[0].replications.map(({tenants}) => tenants.map(({arrived}) => arrived))).toEqual([[48, 48]]); // 4 fall into the warm-up
  });

  test('takes a window, faster and thinner', async () => {
    const {stdout} = await replay(
      '--model', 'lstm-512', '--from', '100ms', '--to', '300ms', '--time-scale', '0.5', '--format', 'json',
    ); // prettier-ignore
    const {cells, duration_ns} = JSON.parse(stdout) as Summary;
    expect(duration_ns).toBe(100e6);
    expect(cells[0].replications[0].completed).toBe(40);
    const thin = await replay('--model', 'lstm-512', '--rate-scale', '0.2', '--format', 'json');
    const kept = (JSON.parse(thin.stdout) as Summary).cells[0].replications[0].completed;
    expect(kept).toBeGreaterThan(5);
    expect(kept).toBeLessThan(40);
  });

  test('is repeated by its manifest, bit for bit, from the same trace only', async () => {
    await replay('--model', 'lstm-512', '--rate-scale', '0.5', '--replications', '2', '--output', 'one');
    const folder = place.result('one');
    const {code} = await place.run(['simulate', `${folder}/manifest.json`, '--output', 'two', '--no-report']);
    expect(code).toBe(0);
    expect(place.read(`${place.result('two')}/summary.json`)).toBe(place.read(`${folder}/summary.json`));
    place.write('log.csv', `${log}\n500,ann\n`);
    await place.run(['simulate', `${folder}/manifest.json`, '--output', 'two', '--no-report']);
    place.write('log.csv', `${log}\n`);
    expect(place.files('two')).toHaveLength(2);
  });

  test('wants to know the models', async () => {
    const {code, stderr} = await replay();
    expect(code).toBe(2);
    expect(stderr).toContain('missing models: say which with --model');
  });

  test.each([
    ['a client that the trace lacks', ['--model', 'eve=vgg-16'], 'unknown client in trace log: "eve"'],
    ['a client’s model where clients are dealt out', ['--tenants', '2', '--model', 'lstm-512,bob=vgg-16'], 'give --tenants or --model bob=vgg-16, not both: clients that are dealt to tenants have no models of their own'],
    ['a model without a name', ['--model', 'bob='], 'invalid model: "bob=" (expected the name of a model, or client=model)'],
    ['no model', ['--model', ''], 'invalid model: "" (expected the name of a model, or client=model)'],
    ['a number of tenants beside a scenario', ['--scenario', 'small.yaml', '--tenants', '3'], 'give --scenario or --tenants, not both: the scenario says which tenants there are'],
    ['models beside a scenario', ['--scenario', 'small.yaml', '--model', 'vgg-16'], 'give --scenario or --model, not both: the scenario says which tenants there are'],
    ['an SLO beside a scenario', ['--scenario', 'small.yaml', '--slo', '100ms'], 'give --scenario or --slo, not both: the scenario says which tenants there are'],
  ])('refuses %s', async (_, args, message) => {
    const {code, stderr} = await replay(...args);
    expect({code, stderr}).toEqual({code: 2, stderr: `superkernel: ${message}\n`});
  }); // prettier-ignore

  test('runs a trace once where its replications would be the same, and says so', async () => {
    const args = ['--model', 'resnet-18', '--replications', '3'];
    const same = await replay(...args);
    expect(same.stderr).toContain(
      'superkernel: warning: nothing is drawn in a run, so that 3 replications would be the same: one is run\n',
    );
    expect(same.stdout).toMatch(/, 1 replication, seed 1\n/);
    expect(same.stdout).toContain('One replication: no intervals.');
    const thinned = await replay(...args, '--rate-scale', '0.5');
    expect(thinned.stderr).not.toContain('warning');
    expect(thinned.stdout).toContain('over 3 replications');
  });

  test('passes over bad rows when told to, and names them otherwise', async () => {
    place.write('bad.csv', 'when,who\n1,ann\nsoon,ann\n3,ann\n');
    const args = ['replay', 'bad.csv', ...map, '--model', 'lstm-512', '--policy', 'slo', '--no-report'];
    const failed = await place.run(args);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toMatch(/bad\.csv:3: /);
    const skipped = await place.run([...args, '--on-bad-row', 'skip']);
    expect(skipped.stdout).toMatch(/^ann +lstm-512 +2/m);
  });

  test('sorts rows that are out of order when told to', async () => {
    place.write('mixed.csv', 'when,who\n9,ann\n1,ann\n5,ann\n');
    const args = ['replay', 'mixed.csv', ...map, '--model', 'lstm-512', '--policy', 'slo', '--no-report'];
    expect((await place.run(args)).code).toBe(2);
    expect((await place.run([...args, '--sort'])).stdout).toMatch(/^ann +lstm-512 +3/m);
  });
});

describe('the arrivals of a run', () => {
  /** What requests there were, and what became of them. */
  const requestsOf = (stdout: string) =>
    (JSON.parse(stdout) as Summary).cells.map(({replications: [{completed, tenants}]}) => [
      completed,
      tenants.map(({arrived}) => arrived),
    ]);

  test('are the same when they are replayed', async () => {
    const options = ['--policy', 'slo', '--no-report', '--format', 'json'];
    const run = await place.run(['simulate', 'small.yaml', '--arrivals', 'run.csv', ...options]);
    expect(run.stderr).toContain('written: run.csv, the arrivals of slo at load 0.5\n');
    const again = await place.run(['replay', 'run.csv', '--scenario', 'small.yaml', '--duration', '200ms', ...options]); // prettier-ignore
    expect(requestsOf(again.stdout)).toEqual(requestsOf(run.stdout));
  });

  test('leave out those that answers set off, which set off the same again', async () => {
    place.write('loop.yaml', `${smallScenario}  - {name: loop, model: lstm-512, slo: 10ms, arrivals: {process: saturated}}\n`); // prettier-ignore
    const options = ['--policy', 'slo', '--replications', '1', '--no-report', '--format', 'json'];
    const run = await place.run(['simulate', 'loop.yaml', '--arrivals', 'loop.csv', ...options]);
    expect(place.read('loop.csv')).toMatch(/^at_ns,tenant\n(\d+,(pictures|keyboard)\n)+$/);
    const again = await place.run(['replay', 'loop.csv', '--scenario', 'loop.yaml', '--deal', 'name', '--duration', '200ms', ...options]); // prettier-ignore
    expect(requestsOf(again.stdout)).toEqual(requestsOf(run.stdout));
  });
});

describe('trace stats', () => {
  test('tells rate and burstiness of all and of each client', async () => {
    const {code, stdout} = await place.run(['trace', 'stats', 'log.csv', ...map]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^log: csv, 100 requests of 2 clients in 495 ms/);
    expect(stdout).toMatch(/^all +100 +202 +0/m);
    expect(stdout).toMatch(/^ann +50 +101/m);
  });

  test('spaces the requests of a minute evenly when told to', async () => {
    const file = inRepository('traces/examples/azure-functions-2019.csv');
    const stats = (...more: string[]) => place.run(['trace', 'stats', file, ...more]);
    expect((await stats('--spread', 'even')).stdout).not.toBe((await stats()).stdout);
  });

  test('shows the busiest clients only', async () => {
    const {stdout} = await place.run(['trace', 'stats', 'log.csv', ...map, '--top', '1', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({length_ns: 495e6 + 1, clients: [{key: 'ann', count: 50}]});
  });

  test.each([
    'arrivals.csv',
    'azure-functions-2019.csv',
    'azure-llm.csv',
    'burstgpt.csv',
    'mooncake.jsonl',
    'orion.json',
  ])('reads the example %s without being told its format', async (file) => {
    const {code, stdout} = await place.run(['trace', 'stats', inRepository(`traces/examples/${file}`)]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^all /m);
  });
});
