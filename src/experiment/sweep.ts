import type {Outcome} from './outcome.ts';
import type {PlannedRun} from './plan.ts';
import {openPool} from './pool.ts';
import type {Pool} from './pool.ts';

export interface SweepOptions {
  /** Runs at a time. */
  readonly jobs: number;
  /** Stops handing out runs; those in progress finish. */
  readonly signal?: AbortSignal;
  /** A run has finished. */
  readonly onOutcome: (run: PlannedRun, outcome: Outcome) => void;
  /** Where runs are made, by default worker threads that simulate. */
  readonly open?: (threads: number) => Pool;
}

/**
 * Runs all, `jobs` at a time, in order. Rejects with the error of the first run that fails, after those in progress have
 * finished; resolves early where the signal says so.
 */
export async function sweep(
  runs: readonly PlannedRun[],
  {jobs, signal, onOutcome, open = openPool}: SweepOptions,
): Promise<void> {
  if (runs.length === 0) return;
  const threads = Math.min(jobs, runs.length);
  const pool = open(threads);
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < runs.length && !failed && signal?.aborted !== true) {
      const run = runs[next++];
      try {
        onOutcome(run, await pool.run(run));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({length: threads}, work));
  await pool.close();
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
