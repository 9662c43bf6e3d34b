// What a command tells of its progress: a live line for people, a line now and then for logs.
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {Progress} from '../../src/cli/progress.ts';

const output = (isTTY: boolean) => {
  const written: string[] = [];
  return {written, isTTY, columns: 60, write: (text: string) => void written.push(text)};
};

beforeEach(() => vi.useFakeTimers({toFake: ['setInterval', 'clearInterval', 'performance']}));
afterEach(() => vi.useRealTimers());

/** Half of 40 runs in 4 s. */
function half(progress: Progress): void {
  for (let i = 0; i < 20; i++) {
    vi.advanceTimersByTime(200);
    progress.advance();
  }
}

describe('on a terminal', () => {
  test('one line is rewritten with counts, rate and time left, and wiped at the end', () => {
    const terminal = output(true);
    const progress = new Progress('sweep', 40, terminal);
    half(progress);
    vi.advanceTimersByTime(100);
    expect(terminal.written.at(-1)).toBe('\r\x1b[2Ksweep  20/40 runs · 4.9/s · 5 s left');
    progress.end();
    expect(terminal.written.at(-1)).toBe('\r\x1b[2K');
    expect(terminal.written.join('')).not.toContain('\n');
    const before = terminal.written.length;
    vi.advanceTimersByTime(1000);
    expect(terminal.written).toHaveLength(before);
  });

  test('no line is wider than it', () => {
    const terminal = {...output(true), columns: 20};
    half(new Progress('sweep', 40, terminal));
    expect(Math.max(...terminal.written.map((line) => line.replace('\r\x1b[2K', '').length))).toBeLessThan(
      20,
    );
  });
});

describe('elsewhere', () => {
  test('a line every 10 s, without control characters', () => {
    const log = output(false);
    const progress = new Progress('sweep', 40, log);
    half(progress);
    expect(log.written).toEqual([]);
    vi.advanceTimersByTime(16_100);
    expect(log.written).toEqual([
      'sweep  20/40 runs · 2.0/s · 10 s left\n',
      'sweep  20/40 runs · 1.0/s · 20 s left\n',
    ]);
    progress.end();
    expect(log.written).toHaveLength(2);
  });

  test('nothing at all where it is to be quiet', () => {
    const log = output(false);
    half(new Progress('sweep', 40, log, true));
    vi.advanceTimersByTime(60_000);
    expect(log.written).toEqual([]);
  });
});
