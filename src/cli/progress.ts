import {formatNumber} from '../report/format.ts';
import type {Output} from './io.ts';

/** Time between two lines where nobody watches, and between two states of the live line where somebody does. */
const lineEveryMs = 10_000;
const liveEveryMs = 100;

/** Tells how far a command has come: one live line on a terminal, otherwise a line now and then. */
export class Progress {
  private readonly name: string;
  private readonly total: number;
  private readonly output: Output;
  private readonly startedAt = performance.now();
  private shownAt: number;
  private readonly timer: NodeJS.Timeout;
  private done = 0;
  private shown = '';

  /** `total` runs are to be done. Nothing is written where `quiet`. */
  constructor(name: string, total: number, output: Output, quiet = false) {
    this.name = name;
    this.total = total;
    this.output = output;
    this.shownAt = this.startedAt;
    this.timer = setInterval(() => quiet || this.show(), liveEveryMs);
    this.timer.unref();
  }

  advance(): void {
    this.done++;
  }

  /** Clears the live line. */
  end(): void {
    clearInterval(this.timer);
    if (this.shown !== '') this.output.write('\r\x1b[2K');
    this.shown = '';
  }

  private show(): void {
    const now = performance.now();
    const {output} = this;
    if (!output.isTTY) {
      if (now - this.shownAt < lineEveryMs) return;
      this.shownAt = now;
      output.write(`${this.line(now)}\n`);
      return;
    }
    const line = this.line(now).slice(0, output.columns - 1);
    if (line === this.shown) return;
    this.shown = line;
    output.write(`\r\x1b[2K${line}`);
  }

  private line(now: number): string {
    const {done, total, name} = this;
    const counts = `${name}  ${formatNumber(done, 0)}/${formatNumber(total, 0)} runs`;
    const seconds = (now - this.startedAt) / 1000;
    if (done === 0 || seconds === 0) return counts;
    const rate = done / seconds;
    return `${counts} · ${formatNumber(rate, 1)}/s · ${formatNumber(Math.ceil((total - done) / rate), 0)} s left`;
  }
}
