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
 * Runs all, `jobs` at a time. Rejects with the error of the first run that fails, after those in progress have finished;
 * resolves early where the signal says so.
 *
 * Every worker has a stretch of neighbours, as runs of one policy are faster where that policy has run before; who is
 * done helps the one with the most left.
 */
export async function sweep(
  runs: readonly PlannedRun[],
  {jobs, signal, onOutcome, open = openPool}: SweepOptions,
): Promise<void> {
  if (runs.length === 0) return;
  const workers = Math.min(jobs, runs.length);
  const pool = open(workers);
  const take = shareOut(runs, workers);
  let failed = false;
  const work = async (worker: number): Promise<void> => {
    while (!failed && signal?.aborted !== true) {
      const run = take(worker);
      if (run === undefined) return;
      try {
        onOutcome(run, await pool.run(run, worker));
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({length: workers}, (_, worker) => work(worker)));
  await pool.close();
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

/** Hands every run to one of the workers: first those of its own stretch, in order, then the last of the longest one. */
export function shareOut<T>(runs: readonly T[], workers: number): (worker: number) => T | undefined {
  const cut = (worker: number): number => Math.floor((worker * runs.length) / workers);
  const stretches = Array.from({length: workers}, (_, worker) => ({from: cut(worker), to: cut(worker + 1)}));
  return (worker) => {
    const own = stretches[worker];
    if (own.from < own.to) return runs[own.from++];
    const longest = stretches.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a));
    return longest.from < longest.to ? runs[--longest.to] : undefined;
  };
}
