// Ctrl-C while a GPU is at work: nothing hangs, and nothing is left behind.
import {existsSync, readdirSync} from 'node:fs';
import {afterAll, describe, expect, test} from 'vitest';
import {survivesInterrupts, untilInTheMiddle} from '../contracts/liveFaults.ts';
import {isAlive, until, usesCuda} from './program.ts';
import {standInPlace, unavailable} from './standInPlace.ts';
import type {Running} from './program.ts';

describe.skipIf(unavailable)('Ctrl-C on the stand-in', () => {
  const place = standInPlace();
  afterAll(() => place.remove());
  // A daemon in name only: it notes what it is told.
  place.write(
    'nvidia-cuda-mps-control',
    '#!/bin/sh\nif [ "$1" = -d ]; then echo start; else cat; fi >>"$MPS_NOTES"\n',
    0o755,
  );
  const notes = place.path('notes');
  const long = ['--duration', '60s', '--quiet', '--set', 'tenants.0.replicas=1'];

  const envOf = (name: string): Record<string, string> => ({
    FAKE_CUDA_REPORT: place.path(`${name}.report`),
    PATH: `${place.folder}:${process.env['PATH']}`,
    MPS_NOTES: notes,
  });
  const start = (args: readonly string[], name: string, env: Record<string, string> = {}): Running =>
    place.start([...args, ...long, '--output', name], {...envOf(name), ...env});

  survivesInterrupts({
    place,
    scenario: 'tiny.yaml',
    cases: [
      ['live', 'greedy', 0],
      ['live', 'streams', 0],
      ['live', 'mps', 2],
      ['validate', 'greedy', 0],
      ['validate', 'batcher', 0],
      ['validate', 'time-slice', 2],
    ],
    envOf,
    after(name, policy, processes) {
      if (policy === 'mps') expect(place.read('notes')).toBe('start\nquit\n');
      // Processes that are killed leave it to the driver to free what they had.
      if (processes === 0)
        expect(JSON.parse(place.read(`${name}.report`))).toMatchObject({memory: 0, streams: 0, handles: 0});
    },
    memoryInUse: () => null,
  });

  test('an interrupted run is no result: the same command makes it again', async () => {
    const args = ['live', 'tiny.yaml', '--policy', 'greedy', '--policy', 'slo'];
    const running = start([...args, '--replications', '2'], 'again');
    await untilInTheMiddle(running);
    running.signal('SIGINT');
    const {code} = await running.ended;
    expect(code).toBe(130);
    const files = existsSync(place.path('again')) ? readdirSync(place.path('again'), {recursive: true}) : [];
    expect(files.filter((file) => /runs.\w+\.json$/.test(String(file)))).toEqual([]);
  });

  test('a terminal signals every process: tenants leave it to the program', async () => {
    const running = start(['live', 'tiny.yaml', '--policy', 'time-slice'], 'group');
    await until(() => running.children().filter(usesCuda).length === 2, 'two processes with CUDA');
    await untilInTheMiddle(running);
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
    await untilInTheMiddle(running);
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
    await untilInTheMiddle(running);
    running.signal('SIGINT');
    await until(() => running.stderr().includes('interrupt again'), 'the first to be seen');
    running.signal('SIGINT');
    const {code, signal} = await running.ended;
    expect(signal ?? code).toBe('SIGINT');
  });

  test('where the program is killed, its processes end by themselves', async () => {
    const running = start(['live', 'tiny.yaml', '--policy', 'time-slice'], 'orphans');
    await until(() => running.children().length === 2, 'two processes');
    await untilInTheMiddle(running);
    const children = running.children();
    running.signal('SIGKILL');
    await running.ended;
    await until(() => children.every((child) => !isAlive(child)), 'the processes to end');
    expect(place.leftBehind()).toEqual([]);
  });
});
