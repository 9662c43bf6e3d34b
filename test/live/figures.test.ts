// Figures measured on the stand-in for CUDA: within a time, with few hosts, and nothing measured is lost.
import {afterAll, describe, expect, test} from 'vitest';
import {isAlive, until} from './program.ts';
import {standInPlace, unavailable} from './standInPlace.ts';

interface Run {
  readonly policy: string;
  readonly model: string;
  readonly tenants: number;
  readonly useful_flops_per_s: number;
}

interface Result {
  readonly figures: readonly {
    readonly rows: readonly (readonly [
      m: number,
      n: number,
      k: number,
      tenants: number,
      scheme: string,
      policy: string | null,
      teraflops: number | null,
    ])[];
    readonly comparisons: readonly {readonly quantity: string; readonly ours: number | null}[];
    readonly notes: readonly string[];
  }[];
}

describe.skipIf(unavailable)('figures --live', () => {
  const place = standInPlace();
  afterAll(() => place.remove());
  // Products of the papers' shapes would take the stand-in seconds, as would filling much memory.
  const env = {FAKE_CUDA_MACS: '1', FAKE_CUDA_MEMORY: '1200000000'};
  const args = ['figures', '--live', '--quick', '--hosts', '2', '--format', 'json'];
  const runs = (folder: string): Run[] =>
    place
      .read(`${folder}/runs.jsonl`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Run);

  test('ends when its time is up: what was measured stands, the rest is a gap and counted', async () => {
    const ended = await place.run([...args, '--budget', '4s', '--output', 'short'], env);
    expect(ended.code, ended.stderr).toBe(0);
    const [{rows, notes}] = (JSON.parse(ended.stdout) as Result).figures;
    const measured = rows.filter(([, , , , , , teraflops]) => teraflops !== null);
    const made = runs('short');
    expect(measured.length).toBeGreaterThan(0);
    expect(measured.length).toBeLessThan(rows.length);
    // The large product and the most tenants come first.
    expect(made[0]).toMatchObject({model: 'gemm-4096x4096x4096', tenants: 1});
    expect(made.slice(1).every(({tenants}) => tenants === 120)).toBe(true);
    for (const [, , , tenants, , policy, teraflops] of measured) {
      const of = made.find((run) => run.policy === policy && run.tenants === tenants)!;
      expect(teraflops).toBeCloseTo(of.useful_flops_per_s / 1e12, 9);
    }
    expect(notes.join(' ')).toMatch(/\d+ were left out: the time was up/);
    expect(notes.join(' ')).toContain('At most 2 host threads or processes submit beside each other');
  });

  test('MPS that does not connect leaves a gap with the reason, and ends nothing', async () => {
    place.write(
      'nvidia-cuda-mps-control',
      `#!/bin/sh
if [ "$1" = -d ]; then
  echo "[2026-01-31 12:00:00.000 Server 7] Failed to start : out of memory" >"$CUDA_MPS_LOG_DIRECTORY/server.log"
else cat >/dev/null
fi
`,
      0o755,
    );
    const running = place.start([...args, '--output', 'no-mps'], {
      ...env,
      PATH: `${place.folder}:${process.env['PATH']}`,
      FAKE_CUDA_FAIL_MPS: '806',
    });
    await until(() => running.stderr().includes('under MPS: '), 'MPS');
    const before = runs('no-mps').length;
    await until(() => runs('no-mps').length > before, 'what comes after MPS');
    running.signal('SIGINT');
    const ended = await running.ended;
    expect(ended.stderr.match(/under MPS: /g), ended.stderr).toHaveLength(1);
    expect(ended.stderr).toMatch(
      /mps:\S+: .* under MPS: .*; the MPS server says: Failed to start : out of memory\n/,
    );
    const policies = runs('no-mps').map(({policy}) => policy.split(':')[0]);
    expect(policies).toContain('streams');
    expect(policies).not.toContain('mps');
  });

  test('Ctrl-C leaves what was measured, and no process', async () => {
    const running = place.start([...args, '--output', 'stopped'], env);
    await until(() => runs('stopped').length >= 2, 'two runs');
    const children = running.children();
    expect(children.length).toBeLessThanOrEqual(2);
    running.signal('SIGINT');
    const {code, stdout, stderr} = await running.ended;
    expect(stderr).toMatch(/superkernel: interrupted; the figures above have gaps\n$/);
    expect(code).toBe(130);
    expect((JSON.parse(stdout) as Result).figures[0].rows.some((row) => row[6] !== null)).toBe(true);
    expect(children.filter(isAlive)).toEqual([]);
  });

  test.each(['live', 'validate', 'figures'])('%s refuses a profile of another GPU', async (command) => {
    const args = command === 'figures' ? ['figures', '--live', '--device', 'v100'] : [command, 'tiny.yaml'];
    const ended = await place.run(args, env, {unforced: true});
    expect(ended.stderr).toBe(
      'superkernel: profile v100 is of another GPU: Tesla V100-SXM2-16GB (found Stand-in GPU 0); measure this one with "superkernel calibrate", or give --force\n',
    );
    expect(ended.code).toBe(2);
  });
});
