// The notebooks run from end to end on a small result and on a small profile, and show what those hold.
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {inRepository} from '../cli/commandLine.ts';

const folder = mkdtempSync(join(tmpdir(), 'superkernel-notebooks-'));
afterAll(() => rmSync(folder, {recursive: true}));
const runner = inRepository('notebooks/run.js');
const notebooks = readdirSync(inRepository('notebooks')).filter((name) => name.endsWith('.ipynb'));

/** The page that a notebook makes. */
function pageOf(name: string, env: Record<string, string>): string {
  const page = join(folder, `${name}.html`);
  execFileSync(process.execPath, [runner, inRepository(`notebooks/${name}`), page], {
    env: {...process.env, ...env},
    stdio: 'pipe',
  });
  return readFileSync(page, 'utf8');
}

const rowsOf = (page: string): string[][] =>
  [...page.matchAll(/<tr>(<td>.*?)<\/tr>/g)].map(([, row]) =>
    [...row.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell),
  );
const linesOf = (page: string): string[] =>
  [...page.matchAll(/class="series" .*data-name="([^"]*)"/g)].map(([, name]) => name);

/** Four numbers of one policy at one load, as `summary.json` has them. */
const cell = (policy: string, load: number, attained: number, p99Ms: number | null) => {
  const of = (mean: number) => ({mean, half_width: 0.01 * mean, n: 3});
  const metrics = {
    slo_attainment: of(attained),
    latency_p99_ns: p99Ms === null ? null : of(1e6 * p99Ms),
    goodput_per_s: of(100 * load),
    superkernel_size_mean: of(2),
  };
  const tenants = ['chat', 'search'].map((tenant) => ({tenant, model: 'lstm-1024', metrics}));
  const aggregate = {saturated: p99Ms === null, metrics, tenants};
  return {policy, load, parameters: {}, replications: [], aggregate};
};

test('compare-policies shows every policy, load and tenant of the result', () => {
  const cells = [
    cell('ooo', 0.5, 1, 4),
    cell('ooo', 0.9, 0.9731, 12.34),
    cell('streams', 0.5, 0.99, 6),
    cell('streams', 0.9, 0.25, null),
    {policy: 'mps', load: 0.5, parameters: {}, replications: [], aggregate: null, error: 'does not fit'},
  ];
  const summary = {
    kind: 'superkernel-summary',
    name: 'small',
    device: 'v100',
    world: 'simulated',
    tenants: 2,
    replications: 3,
    cells,
  };
  writeFileSync(join(folder, 'summary.json'), JSON.stringify(summary));
  const page = pageOf('compare-policies.ipynb', {SUPERKERNEL_RESULT: folder});
  expect(page).toContain('small on v100, simulated: 2 tenants, 3 replications, 2 policies');
  const rows = rowsOf(page);
  expect(rows).toContainEqual(['ooo', '0.90', '97.31 ± 0.97', '12.34 ± 0.12', '90.0 ± 0.9', '2.0 ± 0.0']);
  expect(rows).toContainEqual(['streams', '0.90', '25.00 ± 0.25', 'saturated', '90.0 ± 0.9', '2.0 ± 0.0']);
  // At the load that no policy is saturated at.
  expect(page).toContain('<pre>load 0.5</pre>');
  expect(rows).toContainEqual(['chat', 'lstm-1024', '100.0 ± 1.0', '99.0 ± 1.0']);
  expect(linesOf(page)).toEqual(['ooo', 'streams', 'ooo', 'streams']);
});

test('pay-off shows from which size on superkernels are faster than their members alone', () => {
  const table = (method: string, points: [number, number][]) => ({
    source: 'x',
    m: 8,
    n: 4,
    k: 2,
    count: 1,
    dtype: 'fp32',
    method,
    points,
  });
  const measured = [
    table('single', [[1, 5000]]),
    table('batched', [
      [2, 11_000],
      [4, 10_000],
      [8, 16_000],
    ]),
  ];
  const file = join(folder, 'mine.json');
  writeFileSync(file, JSON.stringify({...readProfile('v100'), name: 'mine', measured}));
  const page = pageOf('pay-off.ipynb', {SUPERKERNEL_PROFILE: file});
  expect(page).toContain('1 shapes measured alone and together');
  expect(rowsOf(page)).toEqual([['8x4x2 fp32', '5.0', '4', '2.50', '8']]);
  expect(linesOf(page)).toEqual(['8x4x2 fp32']);
});

test('pay-off runs on the profile that ships', () => {
  expect(linesOf(pageOf('pay-off.ipynb', {})).length).toBeGreaterThan(1);
});

test('a notebook that fails ends with 1 and names the cell, and leaves no file behind', () => {
  const page = join(folder, 'none.html');
  const {status, stderr} = spawnSync(
    process.execPath,
    [runner, inRepository('notebooks/compare-policies.ipynb'), page],
    {env: {...process.env, SUPERKERNEL_RESULT: join(folder, 'nowhere')}, encoding: 'utf8'},
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/compare-policies\.ipynb, cell 2: Error: ENOENT/);
  expect(readdirSync(inRepository('notebooks')).filter((name) => name.endsWith('.mjs'))).toEqual([]);
});

test('notebooks are kept without outputs', () => {
  for (const name of notebooks) {
    const {cells} = JSON.parse(readFileSync(inRepository(`notebooks/${name}`), 'utf8')) as {
      cells: {cell_type: string; outputs?: unknown[]}[];
    };
    expect(cells.filter(({outputs}) => (outputs ?? []).length > 0)).toEqual([]);
  }
});
