// What hosts record apart is put together as if one scheduler had seen it.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readlinkSync} from 'node:fs';
import {expect, test} from 'vitest';
import {closeTapeMemory, createTapeMemory, readTape, recordInto} from '../../src/experiment/sharedTape.ts';
import {Tape, chunkLength, countArrivals, eventsOf, play} from '../../src/experiment/tape.ts';
import {LaunchLog} from '../../src/metrics/launchLog.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {recordBoth} from '../../src/scheduler/recorder.ts';
import {runToy} from '../support/rig.ts';
import type {ToyTenant} from '../support/rig.ts';
import {parsePolicy} from '../../src/policies/parse.ts';
import {unavailable} from './standInPlace.ts';

/** Notes every call but for what tapes do not keep. */
class Notes implements Recorder {
  readonly lines: string[] = [];
  arrived(...args: number[]): void {
    this.lines.push(`arrived ${args.join(' ')}`);
  }
  completed(...args: number[]): void {
    this.lines.push(`completed ${args.join(' ')}`);
  }
  dropped(...args: number[]): void {
    this.lines.push(`dropped ${args.join(' ')}`);
  }
  launched: Recorder['launched'] = ({lane, cls, steps, releasedAt, predictedNs}) => {
    this.lines.push(`launched ${lane} ${cls} ${steps} ${releasedAt} ${predictedNs}`);
  };
  finished: Recorder['finished'] = ({lane, cls, steps, finishedAt}, at) => {
    this.lines.push(`finished ${lane} ${cls} ${steps} ${finishedAt} ${at}`);
  };
}

const tenants: ToyTenant[] = [0, 1, 2].map((i) => ({
  kernels: [i, 3, i],
  arrivals: Array.from({length: 40}, (_, n) => 1000 * n * (i + 1)),
}));

const run = (text: string, recorder: Recorder = new Notes()) => {
  const {definition, parameters} = parsePolicy(text);
  const policy = definition.create(parameters, {random: () => () => 0.5, tenants: tenants.length});
  // The policy is shown what recorders are to see.
  const attach: typeof policy.attach = (situation) => {
    recorder.attach?.(situation);
    policy.attach?.(situation);
  };
  return runToy({policy: {...policy, attach}, tenants, durations: [300, 500, 700, 900], recorder});
};

test.for(['streams', 'streams:run-ahead=1', 'batcher:max-batch=4'])(
  'a tape of %s plays what was recorded, in its order',
  (policy) => {
    const tape = new Tape();
    const notes = new Notes();
    const log = new LaunchLog();
    const {scheduler} = run(policy, recordBoth(tape, notes, log));
    const replayed = new Notes();
    const relog = new LaunchLog();
    play([tape.events()], scheduler.programs, scheduler.tenants, recordBoth(replayed, relog));
    expect(replayed.lines).toEqual(notes.lines);
    expect(notes.lines.length).toBeGreaterThan(300);
    expect(relog.inOrder()).toEqual(log.inOrder());
  },
);

test('tapes are played together in order of time', () => {
  const tapes = [new Tape(), new Tape()];
  tapes[0].completed(0, 5, 6, 10);
  // Admitted after that completion, though meant for a time before it.
  tapes[0].arrived(0, 8);
  tapes[0].arrived(0, 30);
  tapes[1].arrived(1, 9);
  tapes[1].dropped(1, 9, 20);
  const notes = new Notes();
  const {scheduler} = run('streams');
  play(
    tapes.map((tape) => tape.events()),
    scheduler.programs,
    scheduler.tenants,
    notes,
  );
  expect(notes.lines).toEqual([
    'arrived 1 9',
    'completed 0 5 6 10',
    'arrived 0 8',
    'dropped 1 9 20',
    'arrived 0 30',
  ]);
});

test('a tape keeps more than one chunk', () => {
  const tape = new Tape();
  for (let i = 0; i < 50_000; i++) tape.arrived(i % 3, i);
  const notes = new Notes();
  const {scheduler} = run('streams');
  play([tape.events()], scheduler.programs, scheduler.tenants, notes);
  expect(notes.lines).toHaveLength(50_000);
  expect(notes.lines.at(-1)).toBe('arrived 1 49999');
});

test('what a host died over is left out, and what came before is kept', () => {
  const memory: Float64Array[] = [];
  const tape = new Tape(() => (memory[memory.length] = new Float64Array(chunkLength)));
  tape.completed(0, 5, 6, 10);
  tape.arrived(1, 20);
  const whole = tape.events();
  tape.dropped(1, 20, 30);
  expect(tape.events().length).toBe(whole.length + 4);
  // The kind comes last: a host that died before it had written the others alone.
  memory[0][whole.length] = 0;
  expect(eventsOf(memory)).toEqual(whole);
  expect([...countArrivals([whole, whole], 3)]).toEqual([0, 2, 0]);
});

/** Descriptors of tapes that this process has open. */
const openTapes = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('memfd:superkernel');
    } catch {
      return false; // the folder's own
    }
  }).length;

test.skipIf(unavailable)('the next tape in the same memory begins empty', () => {
  const memory = createTapeMemory();
  const first = recordInto(memory);
  for (let i = 0; i < 120_000; i++) first.arrived(i % 3, i);
  expect(readTape(memory)).toEqual(first.events());
  expect([...countArrivals([readTape(memory)], 3)]).toEqual([40_000, 40_000, 40_000]);
  const second = recordInto(memory);
  expect(readTape(memory)).toHaveLength(0);
  second.arrived(2, 7);
  expect([...countArrivals([readTape(memory)], 3)]).toEqual([0, 0, 1]);
  closeTapeMemory(memory);
  expect(openTapes()).toBe(0);
  expect(() => closeTapeMemory(-1)).toThrow('close failed: errno 9 (Bad file descriptor)');
});

test.skipIf(unavailable)(
  'a process that is killed while it records leaves all that it had recorded',
  async () => {
    const memory = createTapeMemory();
    const entry = new URL('../../dist/src/experiment/sharedTape.js', import.meta.url);
    // It tells how far it is: what it has told of has to be there.
    const code = `
    const {recordInto} = await import(${JSON.stringify(entry.href)});
    const {writeSync} = await import('node:fs');
    const tape = recordInto(3);
    for (let i = 1; ; i++) {
      tape.completed(i % 3, i, i, i);
      if (i % 50_000 === 0) writeSync(1, i + '\\n');
    }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit', memory],
    });
    let told = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.includes('200000\n')) child.kill('SIGKILL');
    });
    await once(child, 'close');
    expect(child.signalCode).toBe('SIGKILL');
    const events = readTape(memory);
    closeTapeMemory(memory);
    const last = Number(told.trim().split('\n').at(-1));
    expect(events.length).toBeGreaterThanOrEqual(5 * last);
    expect(events.length % 5).toBe(0);
    const isWhole = (at: number): boolean =>
      [events[at + 1], events[at + 3], events[at + 4]].every((value) => value === at / 5 + 1);
    for (let at = 0; at < events.length; at += 5) if (!isWhole(at)) expect(at).toBe(-1);
  },
);
