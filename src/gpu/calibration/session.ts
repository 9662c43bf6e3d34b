import {setImmediate} from 'node:timers/promises';
import {SuperkernelError} from '../../scheduler/errors.ts';
import {DeviceLostError} from '../cuda.ts';
import type {Journal} from './journal.ts';

/** Calibration was asked to stop; what is measured is in the journal. */
export class CalibrationStopped extends SuperkernelError {
  override readonly code: string = 'STOPPED';
}

export interface SessionOptions {
  readonly journal: Journal;
  /** Monotonic time in ns. */
  readonly nowNs: () => number;
  /** From now on, how long measuring may take. */
  readonly budgetNs: number;
  readonly log: (line: string) => void;
  readonly shouldStop?: () => boolean;
}

/** One calibration as it goes on: what is known, how much time is left, whom to tell. */
export class Session {
  readonly journal: Journal;
  readonly log: (line: string) => void;
  private readonly nowNs: () => number;
  private readonly startedAt: number;
  private readonly budgetNs: number;
  readonly shouldStop: () => boolean;

  constructor({journal, nowNs, budgetNs, log, shouldStop}: SessionOptions) {
    this.journal = journal;
    this.nowNs = nowNs;
    this.budgetNs = budgetNs;
    this.log = log;
    this.shouldStop = shouldStop ?? (() => false);
    this.startedAt = nowNs();
  }

  /** Share of the budget that has been used: above 1 when it is over. */
  get used(): number {
    return (this.nowNs() - this.startedAt) / this.budgetNs;
  }

  get elapsedNs(): number {
    return this.nowNs() - this.startedAt;
  }

  /**
   * The value under `key`: from the journal, or measured now and recorded. Null where measuring failed; the failure is
   * recorded and the calibration goes on, unless the device is lost. Throws CalibrationStopped when asked to stop.
   */
  async measure<T>(key: string, measure: () => T | Promise<T>): Promise<T | null> {
    if (this.journal.has(key)) return this.journal.get(key) as T;
    // Lets signals through: measuring keeps the thread to itself.
    await setImmediate();
    if (this.shouldStop()) throw new CalibrationStopped('calibration stopped; run it again to go on');
    try {
      const value = await measure();
      this.journal.record(key, value);
      return value;
    } catch (error) {
      if (error instanceof CalibrationStopped || error instanceof DeviceLostError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      this.journal.fail(key, message);
      this.log(`  failed: ${key}: ${message}`);
      return null;
    }
  }

  /** Runs a part of the calibration and says how long it took; what it throws beyond `measure` ends that part alone. */
  async part<T>(name: string, run: () => Promise<T>): Promise<T | null> {
    const begin = this.nowNs();
    this.log(`${name} ...`);
    try {
      const result = await run();
      this.log(`${name}: ${((this.nowNs() - begin) / 1e9).toFixed(1)} s`);
      return result;
    } catch (error) {
      if (error instanceof CalibrationStopped || error instanceof DeviceLostError) throw error;
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.journal.fail(`part ${name}`, message);
      this.log(`${name} failed: ${message}`);
      return null;
    }
  }
}
