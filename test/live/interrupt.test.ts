// Ctrl-C while a GPU is at work: nothing hangs, and nothing is left behind.
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {afterAll, describe, expect, test} from 'vitest';
import {Workplace, isAlive, unavailable, until, usesCuda} from './program.ts';
import type {Running} from './program.ts';

describe.skipIf(unavailable)('Ctrl-C on the stand-in', () => {
  const place = new Workplace();
  afterAll(() => place.remove());
  // A daemon in name only: it notes what it is told.
  place.write(
    'nvidia-cuda-mps-control',
    '#!/bin/sh\nif [ "$1" = -d ]; then echo start; else cat; fi >>"$MPS_NOTES"\n',
    0o755,
  );
  const notes = place.path('notes');
  const long = ['--duration', '60s', '--quiet', '--set', 'tenants.0.replicas=1'];

  const start = (args: readonly string[], name: string, env: Record<string, string> = {}): Running =>
    place.start([...args, ...long, '--output', name], {
      FAKE_CUDA_REPORT: place.path(`${name}.report`),
      PATH: `${place.folder}:${process.env['PATH']}`,
      MPS_NOTES: notes,
      ...env,
    });
  /** Some time after the first run has begun, of which a warning tells. */
  const inTheMiddle = async (running: Running): Promise<void> => {
    await until(() => running.stderr().includes('is of another GPU'), 'the first run');
    await new Promise((resolve) => setTimeout(resolve, 800));
  };

  test.for([
    ['live', 'greedy', 0],
    ['live', 'streams', 0],
    ['live', 'mps', 2],
    ['validate', 'batcher', 0],
    ['validate', 'time-slice', 2],
  ] as const)('%s of %s ends with 130', async ([command, policy, processes]) => {
    const name = `${command}-${policy}`;
    const before = place.read('notes');
    const running = start([command, 'tiny.yaml', '--policy', policy], name);
    await until(() => running.children().length === processes, `${processes} processes`);
    await inTheMiddle(running);
    const children = running.children();
    expect(children).toHaveLength(processes);
    // Each has one lane, and this program's 32 hardware queues are not handed down.
    for (const child of children) expect(environmentOf(child)).toContain('CUDA_DEVICE_MAX_CONNECTIONS=1');
    const at = performance.now();
    running.signal('SIGINT');
    const {code, stderr} = await running.ended;
    expect(stderr).toMatch(/superkernel: interrupted[^\n]*\n$/);
    expect(code).toBe(130);
    expect(performance.now() - at).toBeLessThan(5000);
    expect(children.filter(isAlive)).toEqual([]);
    if (policy === 'mps') {
      expect(place.read('notes').slice(before.length)).toBe('start\nquit\n');
    }
    expect(place.leftBehind()).toEqual([]);
    // Processes that are killed leave it to the driver to free what they had.
    if (processes === 0)
      expect(JSON.parse(place.read(`${name}.report`))).toMatchObject({memory: 0, streams: 0, handles: 0});
  });

  test('an interrupted run is no result: the same command makes it again', async () => {
    const args = ['live', 'tiny.yaml', '--policy', 'greedy', '--policy', 'slo'];
    const running = start([...args, '--replications', '2'], 'again');
    await inTheMiddle(running);
    running.signal('SIGINT');
    const {code} = await running.ended;
    expect(code).toBe(130);
    const files = existsSync(place.path('again')) ? readdirSync(place.path('again'), {recursive: true}) : [];
    expect(files.filter((file) => /runs.\w+\.json$/.test(String(file)))).toEqual([]);
  });

  test('an interrupted validation is gone on with', async () => {
    const args = ['validate', 'tiny.yaml', '--repeats', '1', '--duration', '300ms', '--output', 'v/v.json'];
    for (const policy of ['streams', 'slo', 'ooo']) args.push('--policy', policy);
    interface Written {
      readonly cells: readonly {readonly policy: string}[];
    }
    const written = (): Written => JSON.parse(place.read('v/v.json')) as Written;
    const running = place.start(args);
    await until(() => running.stderr().includes('validate  1/3'), 'the first policy');
    running.signal('SIGINT');
    const {code, stderr} = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /superkernel: interrupted after \d policies and loads; [^\n]*goes on with [^\n]*v\.partial\.jsonl\n$/,
    );
    const first = written().cells;
    expect(first.length).toBeLessThan(3);
    expect(place.read('v/v.partial.jsonl').split('\n').length).toBe(first.length + 2);
    const other = await place.run([...args, '--set', 'tenants.0.slo=50ms']);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/v\.partial\.jsonl: begun on another device or with other options/);
    const again = await place.run(args);
    expect(again.code).toBe(0);
    const {cells} = written();
    expect(cells.map(({policy}) => policy)).toEqual(['streams', 'slo', 'ooo']);
    // Not measured again: times of a GPU are not twice the same.
    expect(cells.slice(0, first.length)).toEqual(first);
    expect(readdirSync(place.path('v'))).toEqual(['v.json']);
  });

  test('a terminal signals every process: tenants leave it to the program', async () => {
    const running = start(['live', 'tiny.yaml', '--policy', 'time-slice'], 'group');
    await until(() => running.children().filter(usesCuda).length === 2, 'two processes with CUDA');
    await inTheMiddle(running);
    const children = running.children();
    for (const child of children) process.kill(child, 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(children.filter(isAlive)).toEqual(children);
    running.signal('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect(children.filter(isAlive)).toEqual([]);
  });

  test('a second Ctrl-C ends the program at once, and the daemon with it', async () => {
    const before = place.read('notes');
    const running = start(['live', 'tiny.yaml', '--policy', 'mps'], 'twice');
    await until(() => running.children().length === 2, 'two processes');
    await inTheMiddle(running);
    const children = running.children();
    running.signal('SIGINT');
    running.signal('SIGINT');
    const {code, signal} = await running.ended;
    // Two at once may be one; either way a shell says 130.
    expect(['SIGINT', 130]).toContain(signal ?? code);
    // Once more where the program ends while it is being told.
    expect(place.read('notes').slice(before.length)).toMatch(/^start\n(quit\n){1,2}$/);
    expect(place.leftBehind()).toEqual([]);
    await until(() => children.every((child) => !isAlive(child)), 'the processes to end');
  });

  test('a second Ctrl-C ends a program that waits for a GPU that hangs', async () => {
    const running = start(['live', 'tiny.yaml', '--policy', 'greedy'], 'hung', {
      FAKE_CUDA_KERNEL_US: '60000000',
    });
    await inTheMiddle(running);
    running.signal('SIGINT');
    await until(() => running.stderr().includes('interrupt again'), 'the first to be seen');
    running.signal('SIGINT');
    const {code, signal} = await running.ended;
    expect(signal ?? code).toBe('SIGINT');
  });

  test('where the program is killed, its processes end by themselves', async () => {
    const running = start(['live', 'tiny.yaml', '--policy', 'time-slice'], 'orphans');
    await until(() => running.children().length === 2, 'two processes');
    await inTheMiddle(running);
    const children = running.children();
    running.signal('SIGKILL');
    await running.ended;
    await until(() => children.every((child) => !isAlive(child)), 'the processes to end');
    expect(place.leftBehind()).toEqual([]);
  });
});

/** As the process was started with it. */
const environmentOf = (process: number): string[] =>
  readFileSync(`/proc/${process}/environ`, 'utf8').split('\0');
