// The commands figures and profile, run in this process with a made-up terminal.
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import {afterAll, describe, expect, test} from 'vitest';
import {run} from '../../../src/cli/program.ts';
import {readProfile} from '../../../src/experiment/profileFiles.ts';
import {gemmModelOf} from '../../../src/profile/gemmModel.ts';

const folder = mkdtempSync(join(tmpdir(), 'superkernel-figures-'));
afterAll(() => rmSync(folder, {recursive: true}));
const inFolder = (name: string): string => join(folder, name);

async function command(...args: string[]): Promise<{code: number; stdout: string; stderr: string}> {
  let stdout = '';
  let stderr = '';
  const code = await run(args, {
    stdout: {write: (text) => void (stdout += text), isTTY: false, columns: 100},
    stderr: {write: (text) => void (stderr += text), isTTY: false, columns: 100},
    env: {},
    args,
    interrupt: new AbortController().signal,
  });
  return {code, stdout, stderr};
}

describe('figures', () => {
  test('lists what there is', async () => {
    const {code, stdout} = await command('figures', '--list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^memory-wall +Device memory of ResNet-50 replicas +\[ST\] fig. 5$/m);
  });

  test('answers an unknown name with the nearest', async () => {
    expect(await command('figures', 'memory-wal')).toMatchObject({
      code: 2,
      stderr: 'superkernel: unknown figure: memory-wal; did you mean "memory-wall"?\n',
    });
  });

  test('prints what was published beside ours, and what made it', async () => {
    const {stdout} = await command('figures', 'memory-wall', '--vary', 'contexts-2x');
    expect(stdout).toMatch(/^memory-wall +streams in one process: most replicas +≥ 60 +\d+ +[\d.]+ +\d+$/m);
    expect(stdout).toMatch(/v100, simulated, profile [0-9a-f]{12}, code [0-9a-f]{12}\.$/m);
    expect(stdout).toContain('Made by `superkernel figures memory-wall --vary contexts-2x` on 20');
  });

  test('the JSON holds data, comparisons and variations', async () => {
    const {stdout} = await command('figures', 'memory-wall', '--vary', 'contexts-2x', '--format', 'json');
    const {figures, variations} = JSON.parse(stdout) as {
      figures: {comparisons: {ours: number}[]}[];
      variations: {name: string; figures: {comparisons: {ours: number}[]}[]}[];
    };
    expect(variations[0].name).toBe('contexts-2x');
    const [time, varied] = [figures, variations[0].figures].map(([figure]) => figure.comparisons[0].ours);
    expect(varied).toBeLessThan(time);
  });

  test('writes data and drawings', async () => {
    const {code} = await command('figures', 'memory-wall', 'clusters', '--output', inFolder('out'));
    expect(code).toBe(0);
    expect(readdirSync(inFolder('out')).sort()).toEqual([
      'clusters.csv',
      'clusters.svg',
      'comparison.csv',
      'memory-wall.csv',
      'memory-wall.svg',
    ]);
    expect(readFileSync(inFolder('out/memory-wall.csv'), 'utf8')).toMatch(
      /^scheme,replicas,memory_gb,capacity_gb\ntime,1,/,
    );
  });

  test('replaces the table between the marks of a document, and nothing else', async () => {
    const file = inFolder('figures.md');
    writeFileSync(file, 'before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n');
    await command('figures', 'memory-wall', '--update', file);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^before\n<!-- figures: begin -->\n\n\| figure /);
    expect(text).toMatch(/<!-- figures: end -->\nafter\n$/);
    expect(text).not.toContain('old');
    writeFileSync(file, 'no marks');
    expect(await command('figures', 'memory-wall', '--update', file)).toMatchObject({code: 2});
    expect(readFileSync(file, 'utf8')).toBe('no marks');
  });
});

describe('profile', () => {
  const profile = readProfile('v100');
  const model = gemmModelOf(profile, 'fp32', profile.sources['deepbench'].clock_mhz);
  const shapes = [64, 256, 1024].flatMap((side) => [1, 4].map((k) => ({m: side, n: side, k: 128 * k})));
  /** Times that are `factor` of what the profile predicts. */
  const data = (factor: number): string =>
    [
      'source,kind,batch,m,n,k,time_us',
      ...shapes.map(({m, n, k}) => {
        const us = (factor * model.singleNs({batch: 1, m, n, k})) / 1e3;
        return `deepbench,cublas_NN,1,${m},${n},${k},${us}`;
      }),
    ].join('\n');

  test('lists the profiles that ship', async () => {
    const {stdout} = await command('profile', 'list');
    expect(stdout).toMatch(/^v100 +Tesla V100/m);
  });

  test('shows facts with their sources, assumptions, and a roofline', async () => {
    const {code, stdout} = await command('profile', 'show', 'v100', '-o', inFolder('roof.svg'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hardware\.sms +80 +igniter$/m);
    expect(stdout).toMatch(/^Nobody’s measurement: .*contention\.interference/m);
    expect(readFileSync(inFolder('roof.svg'), 'utf8')).toContain('Roofline of v100');
  });

  test('finds no error in its own predictions, and a bias in slower ones', async () => {
    writeFileSync(inFolder('own.csv'), data(1));
    writeFileSync(inFolder('slow.csv.gz'), gzipSync(data(1.25)));
    const overall = async (file: string) => {
      const {stdout} = await command('profile', 'check', 'v100', inFolder(file), '--format', 'json');
      return (JSON.parse(stdout) as {overall: {rows: number; median: number; bias: number}}).overall;
    };
    expect(await overall('own.csv')).toMatchObject({rows: shapes.length, median: 0, bias: 0});
    expect(await overall('slow.csv.gz')).toMatchObject({median: 0.2, bias: -0.2});
    const {stdout} = await command('profile', 'check', 'v100', inFolder('own.csv'));
    expect(stdout).toMatch(/^deepbench single +6 +0\.?0* +0\.?0* +0\.?0*$/m);
    expect(stdout).toMatch(/^worst +source +kernel/m);
  });

  test('a fit follows the measurements, and the profile it writes can be read', async () => {
    writeFileSync(inFolder('slow.csv'), data(1.25));
    const args = ['profile', 'fit', inFolder('slow.csv'), '-o', inFolder('mine.json'), '--name', 'mine'];
    const {code, stdout} = await command(...args, '--error', '1ns');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^written: .*mine\.json$/m);
    const mine = readProfile(inFolder('mine.json'));
    expect(mine.name).toBe('mine');
    const error = async (name: string): Promise<number> => {
      const {stdout} = await command('profile', 'check', name, inFolder('slow.csv'), '--format', 'json');
      return (JSON.parse(stdout) as {overall: {median: number}}).overall.median;
    };
    expect(await error(inFolder('mine.json'))).toBeLessThan(0.5 * (await error('v100')));
  });

  test('compares two', async () => {
    const {stdout} = await command('profile', 'compare', 'v100', 'v100');
    expect(stdout).toContain('No fact differs.');
    expect(stdout).toMatch(/^one at a time +1\.000 +1\.000 +1\.000$/m);
  });

  test.each([
    [['show'], 'expected one profile: "profile show NAME"'],
    [['check', 'v100'], 'missing data: expected "profile check NAME DATA..."'],
    [['check', 'v100', 'nowhere.csv'], 'missing data: nowhere.csv'],
    [['compare', 'v100'], 'profile compare takes two profiles, as in "compare v100 h200"'],
    [['fit', 'a.csv'], 'missing data or --output: expected "profile fit DATA... -o FILE"'],
  ])('profile %s is refused', async (args, message) => {
    expect(await command('profile', ...args)).toMatchObject({code: 2, stderr: `superkernel: ${message}\n`});
  });
});
