import {fileURLToPath} from 'node:url';
import {Tinypool} from 'tinypool';
import type {Outcome} from './outcome.ts';
import type {PlannedRun} from './plan.ts';
import runTask, {errorOf} from './worker.ts';
import type {Failure} from './worker.ts';

/** Runs planned runs, several at a time. */
export interface Pool {
  /** Rejects with the error that ended the run. */
  run(run: PlannedRun): Promise<Outcome>;
  close(): Promise<void>;
}

/** A pool of `threads` worker threads. From source (tests) the runs share this thread, as workers load JavaScript only. */
export function openPool(threads: number): Pool {
  if (!import.meta.url.endsWith('.js')) {
    return {run: async (run) => outcomeOf(await runTask(run)), close: async () => {}};
  }
  const pool = new Tinypool({
    filename: fileURLToPath(new URL('worker.js', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Infinity,
  });
  return {
    run: async (run) => outcomeOf((await pool.run(run)) as Outcome | {failure: Failure}),
    close: () => pool.destroy(),
  };
}

function outcomeOf(result: Outcome | {failure: Failure}): Outcome {
  if ('failure' in result) throw errorOf(result.failure);
  return result;
}
