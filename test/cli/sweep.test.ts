// `sweep`: a grid of settings, that goes on where it was stopped, in parts if need be.
import {cpSync, readdirSync} from 'node:fs';
import {once} from 'node:events';
import {describe, expect, test} from 'vitest';
import {workplace} from './commandLine.ts';

const place = workplace();
const grid = ['sweep', 'small.yaml', '--param', 'tenants.0.slo=20ms,40ms', '--param', 'max-size=1:3:1', '--policy', 'greedy']; // prettier-ignore

describe('sweep', () => {
  test('runs every combination of the parameters', async () => {
    const {code, stdout} = await place.run([...grid, '--format', 'csv', '--output', 'grid', '--no-report']);
    expect(code).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^tenants\.0\.slo,max-size,policy,load,replications,/);
    expect(rows.map((row) => row.split(',').slice(0, 5).join(','))).toEqual([
      '20ms,1,greedy,0.5,2',
      '20ms,2,greedy,0.5,2',
      '20ms,3,greedy,0.5,2',
      '40ms,1,greedy,0.5,2',
      '40ms,2,greedy,0.5,2',
      '40ms,3,greedy,0.5,2',
    ]);
  });

  test('prints a table for each combination', async () => {
    const {stdout} = await place.run([...grid, '--output', 'grid', '--no-report']);
    expect(stdout).toContain('tenants.0.slo=40ms max-size=2\npolicy');
  });

  test('shows a complete result without running it again, unless told to', async () => {
    const args = ['sweep', 'small.yaml', '--output', 'complete', '--no-report'];
    const first = await place.run(args);
    const folder = place.result('complete');
    const summary = place.read(`${folder}/summary.json`);
    // What is shown comes from the file.
    place.write(`${folder}/summary.json`, summary.replace('"name": "small"', '"name": "kept"'));
    const second = await place.run(args);
    expect(second.stderr).toContain(`${folder} is complete; shown as it is`);
    expect(second.stdout).toBe(first.stdout.replace('small on', 'kept on'));
    const third = await place.run([...args, '--fresh']);
    expect(third.stdout).toBe(first.stdout);
    expect(place.read(`${folder}/summary.json`)).toBe(summary);
  });

  test('in shards, whose runs copied together make the same result', async () => {
    const whole = [...grid, '--no-report'];
    await place.run([...whole, '--output', 'whole']);
    for (const shard of ['1/3', '2/3', '3/3']) {
      const {code, stdout, stderr} = await place.run([
        ...whole,
        '--output',
        `shard-${shard[0]}`,
        '--shard',
        shard,
      ]);
      expect(code).toBe(0);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/this shard is done; 8 of 12 runs are missing/);
    }
    for (const shard of [2, 3]) {
      cpSync(place.path(`shard-${shard}`), place.path('shard-1'), {recursive: true});
    }
    const {stderr} = await place.run([...whole, '--output', 'shard-1']);
    expect(stderr).toContain('sweep: 12 of 12 runs were done before');
    expect(place.read(`${place.result('shard-1')}/summary.json`)).toBe(
      place.read(`${place.result('whole')}/summary.json`),
    );
  });

  test('runs again what another accident left unreadable', async () => {
    const args = ['sweep', 'small.yaml', '--output', 'damaged', '--no-report'];
    await place.run([...args, '--shard', '1/2']);
    const folder = place.result('damaged');
    const [run] = readdirSync(place.path(`${folder}/runs`));
    place.write(`${folder}/runs/${run}`, '{"summary": {');
    const {code, stderr} = await place.run(args);
    expect(code).toBe(0);
    expect(stderr).toContain('sweep: 1 of 4 runs were done before');
    expect(place.files(folder)).toEqual(['manifest.json', 'summary.json']);
  });
});

describe('an interrupted command', () => {
  // Long enough that the signal comes in the middle: some hundred runs of a few ten milliseconds each.
  const long = [
    'sweep',
    'small.yaml',
    '--replications',
    '400',
    '--duration',
    '1s',
    '--no-report',
    '--jobs',
    '2',
  ];

  const interrupted = async (args: string[], ...signals: NodeJS.Signals[]) => {
    const child = place.spawn(args);
    const closed = once(child, 'close') as Promise<[number]>;
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const root = args[args.indexOf('--output') + 1];
    while (place.files(root).length === 0 || place.files(`${place.result(root)}/runs`).length < 5) {
      if (child.exitCode !== null) throw new Error(`ended before it could be interrupted: ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const signal of signals) {
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const [code] = await closed;
    return {code, stderr};
  };

  test('keeps what is done, prints how to go on, and goes on', async () => {
    const args = [...long, '--output', 'stopped'];
    const {code, stderr} = await interrupted(args, 'SIGINT');
    expect(code).toBe(130);
    expect(stderr).toContain('stopping after the runs in progress; interrupt again to stop at once');
    const kept = Number(/interrupted; (\d+) of 800 runs are kept/.exec(stderr)?.[1]);
    expect(kept).toBeGreaterThanOrEqual(5);
    expect(kept).toBeLessThan(800);
    expect(stderr).toContain(`continue with: superkernel ${args.join(' ')}`);
    const folder = place.result('stopped');
    expect(place.files(folder)).toEqual(['manifest.json', 'runs']);
    expect(place.files(`${folder}/runs`)).toHaveLength(kept);
    // A shard is enough to see that it goes on.
    const again = await place.run([...args, '--shard', '1/400']);
    expect(again.stderr).toMatch(/sweep: [12] of 2 runs were done before/);
  });

  test('ends at once at the second signal', async () => {
    const {code} = await interrupted([...long, '--output', 'twice'], 'SIGINT', 'SIGINT');
    expect(code).toBe(130);
  });

  test('ends with 143 when it is terminated', async () => {
    const {code, stderr} = await interrupted([...long, '--output', 'terminated'], 'SIGTERM');
    expect(code).toBe(143);
    expect(stderr).toContain('continue with: superkernel sweep');
  });
});
