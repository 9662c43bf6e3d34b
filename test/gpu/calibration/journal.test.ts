// The journal of a calibration, and the session that fills it: what survives an interruption.
import {appendFileSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {Journal} from '../../../src/gpu/calibration/journal.ts';
import {CalibrationStopped, Session} from '../../../src/gpu/calibration/session.ts';
import {DeviceLostError} from '../../../src/gpu/cuda.ts';

const folder = mkdtempSync(join(tmpdir(), 'superkernel-journal-'));
afterAll(() => rmSync(folder, {recursive: true}));

describe('a journal', () => {
  test('is read again with what was recorded, failures left out', () => {
    const path = join(folder, 'a.jsonl');
    const journal = new Journal(path, {gpu: 'x'});
    journal.record('one', {ns: 1.5});
    journal.fail('two', 'no');
    const again = new Journal(path, {gpu: 'x'});
    expect(again.resumed).toBe(1);
    expect(again.get('one')).toEqual({ns: 1.5});
    expect(again.has('two')).toBe(false);
  });

  test('makes the folder that it is to lie in', () => {
    const path = join(folder, 'not', 'there', 'c.jsonl');
    new Journal(path, {}).record('one', 1);
    expect(new Journal(path, {}).get('one')).toBe(1);
  });

  test('forgets a last line that was cut off, and goes on behind it', () => {
    const path = join(folder, 'b.jsonl');
    new Journal(path, {}).record('one', 1);
    appendFileSync(path, '{"key":"two","val');
    const journal = new Journal(path, {});
    expect(journal.resumed).toBe(1);
    journal.record('three', 3);
    const last = new Journal(path, {});
    expect(last.get('three')).toBe(3);
    expect(last.resumed).toBe(2);
  });

  test('refuses a file of another heading', () => {
    const path = join(folder, 'c.jsonl');
    new Journal(path, {gpu: 'x'}).record('one', 1);
    expect(() => new Journal(path, {gpu: 'y'})).toThrow('begun on another device or with other options');
  });
});

describe('a session', () => {
  const start = (path: string | null, shouldStop = (): boolean => false) => {
    let now = 0;
    const lines: string[] = [];
    const journal = new Journal(path, {});
    const session = new Session({
      journal,
      nowNs: () => (now += 1e6),
      budgetNs: 1e9,
      log: (line) => lines.push(line),
      shouldStop,
    });
    return {session, journal, lines};
  };

  test('measures a key once', async () => {
    const {session} = start(null);
    let calls = 0;
    const measure = (): Promise<number | null> => session.measure('key', () => ++calls);
    expect([await measure(), await measure(), calls]).toEqual([1, 1, 1]);
  });

  test('records a failure and goes on; a lost device ends it', async () => {
    const {session, journal, lines} = start(null);
    const failing = (error: Error) => () => {
      throw error;
    };
    expect(await session.measure('bad', failing(new Error('odd')))).toBe(null);
    expect(journal.failed.get('bad')).toBe('odd');
    expect(lines).toEqual(['  failed: bad: odd']);
    await expect(session.measure('lost', failing(new DeviceLostError('gone', 'c', 's')))).rejects.toThrow(
      'gone',
    );
  });

  test('stops before the next measurement when asked to', async () => {
    const path = join(folder, 'd.jsonl');
    let stop = false;
    const {session} = start(path, () => stop);
    await session.measure('one', () => 1);
    stop = true;
    await expect(session.measure('two', () => 2)).rejects.toThrow(CalibrationStopped);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3);
  });
});
