// What hosts record apart is put together as if one scheduler had seen it.
import {expect, test} from 'vitest';
import {Tape, play} from '../../src/experiment/tape.ts';
import {LaunchLog} from '../../src/metrics/launchLog.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {recordBoth} from '../../src/scheduler/recorder.ts';
import {runToy} from '../support/rig.ts';
import type {ToyTenant} from '../support/rig.ts';
import {parsePolicy} from '../../src/policies/parse.ts';

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
