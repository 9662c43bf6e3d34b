import {fileURLToPath} from 'node:url';
import {Tinypool} from 'tinypool';
import type {Outcome} from './outcome.ts';
import type {PlannedRun} from './plan.ts';
import runTask, {errorOf} from './worker.ts';
import type {Failure} from './worker.ts';

/** Runs planned runs, one at a time on each of its workers. */
export interface Pool {
  /** Rejects with the error that ended the run. Workers count from 0. */
  run(run: PlannedRun, worker: number): Promise<Outcome>;
  close(): Promise<void>;
}

/** A pool of `threads` worker threads. From source (tests) the runs share this thread, as workers load JavaScript only. */
export function openPool(threads: number): Pool {
  if (!import.meta.url.endsWith('.js')) {
    return {run: async (run) => outcomeOf(await runTask(run)), close: async () => {}};
  }
  // A pool of one thread for each worker, as a pool of several chooses for itself who runs what.
  const workers = Array.from(
    {length: threads},
    () =>
      new Tinypool({
        filename: fileURLToPath(new URL('worker.js', import.meta.url)),
        minThreads: 1,
        maxThreads: 1,
        idleTimeout: Infinity,
      }),
  );
  return {
    run: async (run, worker) => outcomeOf((await workers[worker].run(run)) as Outcome | {failure: Failure}),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.destroy()));
    },
  };
}

function outcomeOf(result: Outcome | {failure: Failure}): Outcome {
  if ('failure' in result) throw errorOf(result.failure);
  return result;
}
