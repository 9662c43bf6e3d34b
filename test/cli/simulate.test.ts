// `simulate`: a scenario in, a table and a result folder out.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {lstatSync} from 'node:fs';
import {text} from 'node:stream/consumers';
import {describe, expect, onTestFinished, test} from 'vitest';
import {traceProblems} from '../report/traceChecker.ts';
import type {TraceEvent} from '../report/traceChecker.ts';
import {program, workplace} from './commandLine.ts';

const place = workplace();
interface SummaryFile {
  schema_version: number;
  name: string;
  hash: string;
  cells: {
    policy: string;
    load: number;
    parameters: Record<string, unknown>;
    replications: {completed: number; seed: string; latency_p50_ns: number | null}[];
    aggregate: {replications: number} | null;
    error?: string;
  }[];
}

const summaryIn = (folder: string): SummaryFile =>
  JSON.parse(place.read(`${folder}/summary.json`)) as SummaryFile;

describe('simulate', () => {
  test('prints one row for each policy and load on stdout, and nothing but them', async () => {
    const {code, stdout} = await place.run(['simulate', 'small.yaml', '--load', '0.3,0.6']);
    expect(code).toBe(0);
    const rows = stdout.split('\n').filter((line) => /^(greedy|streams) /.test(line));
    expect(rows.map((row) => row.split(/ +/).slice(0, 2))).toEqual([
      ['greedy', '0.3'],
      ['greedy', '0.6'],
      ['streams', '0.3'],
      ['streams', '0.6'],
    ]);
    expect(stdout).toContain(
      'small on v100, simulated: 2 tenants, 180 ms after 20.0 ms of warm-up, 2 replications',
    );
  });

  test('writes manifest, summary and report into a folder named by a hash, and no remains', async () => {
    const {code, stderr} = await place.run(['simulate', 'small.yaml', '--output', 'written']);
    expect(code).toBe(0);
    const folder = place.result('written');
    expect(folder).toMatch(/^written\/[0-9a-f]{12}$/);
    expect(place.files(folder)).toEqual(['manifest.json', 'report.html', 'summary.json']);
    expect(stderr).toContain(`written: ${folder}/report.html`);
    const summary = summaryIn(folder);
    expect(summary).toMatchObject({schema_version: 1, name: 'small', hash: folder.slice(-12)});
    expect(summary.cells.map(({replications}) => replications.length)).toEqual([2, 2]);
    expect(summary.cells[0].replications[0].completed).toBeGreaterThan(5);
    expect(place.read(`${folder}/report.html`)).toContain('<html');
  });

  test('repeats a manifest with the same bytes', async () => {
    await place.run(['simulate', 'small.yaml', '--output', 'first', '--seed', '7', '--no-report']);
    const folder = place.result('first');
    const {code} = await place.run([
      'simulate',
      `${folder}/manifest.json`,
      '--output',
      'again',
      '--no-report',
    ]);
    expect(code).toBe(0);
    const again = place.result('again');
    expect(again.slice(-12)).toBe(folder.slice(-12));
    expect(place.read(`${again}/summary.json`)).toBe(place.read(`${folder}/summary.json`));
    expect(place.files(again)).toEqual(['manifest.json', 'summary.json']);
  });

  test('says what has changed since a manifest was written', async () => {
    await place.run(['simulate', 'small.yaml', '--output', 'old', '--no-report']);
    const manifest = `${place.result('old')}/manifest.json`;
    const same = await place.run(['simulate', manifest, '--output', 'new', '--no-report']);
    expect(same.stderr).not.toContain('warning');
    const edited = place.read(manifest).replace(/"code_hash": "\w+"/, '"code_hash": "0"').replace(/"profile v100": "\w+"/, '"profile v100": "0"'); // prettier-ignore
    place.write(manifest, edited);
    const {code, stderr} = await place.run(['simulate', manifest, '--output', 'new', '--no-report']);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /warning: the manifest was written by superkernel .* \(code 0\), this is .*: figures may differ/,
    );
    expect(stderr).toContain('warning: profile v100 is not as it was when the manifest was written');
  });

  test('gives other seeds other arrivals, and policies the same ones', async () => {
    const summaryOf = async (seed: string): Promise<SummaryFile> => {
      const {stdout} = await place.run([
        'simulate',
        'small.yaml',
        '--seed',
        seed,
        '--format',
        'json',
        '--no-report',
      ]);
      return JSON.parse(stdout) as SummaryFile;
    };
    const [one, two] = [await summaryOf('1'), await summaryOf('2')];
    const completed = ({cells}: SummaryFile): number[][] =>
      cells.map(({replications}) => replications.map(({completed}) => completed));
    expect(completed(one)[0]).toEqual(completed(one)[1]);
    expect(completed(one)).not.toEqual(completed(two));
  });

  test('lets flags override the scenario, and flags override the environment', async () => {
    const args = ['simulate', 'small.yaml', '--replications', '1', '--format', 'csv', '--no-report'];
    const {stdout} = await place.run([...args, '--policy', 'slo'], {
      SUPERKERNEL_POLICY: 'exclusive',
      SUPERKERNEL_LOAD: '0.25',
      SUPERKERNEL_UNHEARD_OF: 'x',
    });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^policy,load,replications,/);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/^slo,0.25,1,/);
  });

  test('sets anything by its dotted key', async () => {
    const {stdout} = await place.run([
      'simulate', 'small.yaml', '--policy', 'slo', '--no-report', '--replications', '1',
      '--set', 'tenants.0.slo=25ms', '--set', 'tenants.1.name=phone', '--set', 'name=changed',
    ]); // prettier-ignore
    expect(stdout).toContain('changed on v100');
    expect(stdout).toMatch(/phone +lstm-512/);
    expect(stdout).toMatch(/pictures +resnet-18 .* 25/);
  });

  test('prints markdown', async () => {
    const {stdout} = await place.run(['simulate', 'small.yaml', '--format', 'markdown', '--no-report']);
    expect(stdout).toMatch(/^\| policy \| load \|/m);
  });

  test('is silent on stderr when asked to be', async () => {
    const {stderr} = await place.run(['simulate', 'small.yaml', '--quiet', '--no-report']);
    expect(stderr).toBe('');
  });

  test('warns of an SLO that no request can meet', async () => {
    const {code, stderr} = await place.run([
      'simulate',
      'small.yaml',
      '--set',
      'tenants.0.slo=100us',
      '--no-report',
    ]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /warning: tenant pictures: an SLO of 100us cannot be met: resnet-18 takes [\d.]+ ms alone/,
    );
  });

  test('marks overload as saturated and prints no latency for it', async () => {
    const {code, stdout} = await place.run([
      'simulate', 'small.yaml', '--load', '4', '--duration', '1s', '--policy', 'streams', '--no-report',
    ]); // prettier-ignore
    expect(code).toBe(0);
    expect(stdout).toMatch(/^streams +4.*\* +– +–/m);
    expect(stdout).toContain('* Requests arrive faster than they are served');
  });

  test('says of a policy why it cannot run, and runs the others', async () => {
    const {code, stdout} = await place.run([
      'simulate', 'small.yaml', '--policy', 'mps', '--policy', 'greedy', '--set', 'tenants.0.replicas=60', '--no-report',
    ]); // prettier-ignore
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mps .*does not fit in memory: needs [\d.]+ of [\d.]+ GB/m);
    expect(stdout).toMatch(/^greedy .*100/m);
  });

  test('fails where no policy can run, and leaves nothing behind', async () => {
    const {code, stderr} = await place.run([
      'simulate', 'small.yaml', '--policy', 'mps', '--set', 'tenants.0.replicas=60', '--output', 'wall',
    ]); // prettier-ignore
    expect(code).toBe(2);
    expect(stderr).toMatch(/superkernel: no policy can run this: mps does not fit in memory/);
    expect(place.files('wall')).toEqual([]);
  });

  test('writes a timeline that trace viewers read', async () => {
    const {code, stderr} = await place.run([
      'simulate', 'small.yaml', '--policy', 'slo', '--timeline', 'run.json', '--no-report',
    ]); // prettier-ignore
    expect(code).toBe(0);
    expect(stderr).toContain('written: run.json, slo at load 0.5');
    const {traceEvents} = JSON.parse(place.read('run.json')) as {traceEvents: {ph: string; name: string}[]};
    const phases = new Set(traceEvents.map(({ph}) => ph));
    expect(['X', 'b', 'e', 'M'].every((phase) => phases.has(phase))).toBe(true);
    expect(traceEvents.some(({name}) => name.startsWith('gemm '))).toBe(true);
    expect(place.files('.').filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('writes a timeline into a pipe that is there', async () => {
    execFileSync('mkfifo', [place.path('pipe')]);
    const reader = spawn('cat', [place.path('pipe')]);
    onTestFinished(() => void reader.kill());
    const read = text(reader.stdout);
    const {code} = await place.run(['simulate', 'small.yaml', '--timeline', 'pipe', '--no-report']);
    expect(code).toBe(0);
    expect(lstatSync(place.path('pipe')).isFIFO()).toBe(true);
    expect(JSON.parse(await read)).toHaveProperty('traceEvents');
  });

  test('ends where its folder cannot be made', async () => {
    const found = spawnSync(process.execPath, [program, 'simulate', 'small.yaml', '--quiet', '--output', '/proc/x'], {
      cwd: place.folder, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL',
    }); // prettier-ignore
    expect(found.stderr).toMatch(/^superkernel: \w+: [^\n]*'\/proc\/x'\n$/);
    expect(found.status).toBe(1);
  });

  test.each(['batcher', 'exclusive'])(
    'writes a timeline of %s, with the batches that it formed',
    async (policy) => {
      const {code, stderr} = await place.run([
      'simulate', 'small.yaml', '--policy', policy, '--timeline', `${policy}.json`, '--no-report',
    ]); // prettier-ignore
      expect(stderr).toContain(`written: ${policy}.json, ${policy} at load 0.5`);
      expect(code).toBe(0);
      const {traceEvents} = JSON.parse(place.read(`${policy}.json`)) as {traceEvents: TraceEvent[]};
      expect(traceProblems(traceEvents)).toEqual([]);
      const launches = traceEvents.filter(({ph, args}) => ph === 'X' && args?.['launch'] !== undefined);
      const served = launches.map(({args}) => Number(args!['requests'] ?? 1));
      expect(Math.max(...served)).toBeGreaterThan(1);
      const answers = traceEvents.filter(({ph, cat}) => ph === 'e' && cat === 'request');
      expect(served.reduce((a, b) => a + b, 0)).toBe(answers.length);
    },
  );
});
