// Live runs in a thread of their own: the scheduling loop spins there, while progress and Ctrl-C go on in the caller's.
import {fileURLToPath} from 'node:url';
import {Worker, isMainThread, parentPort, workerData} from 'node:worker_threads';
import {LaunchLog} from '../metrics/launchLog.ts';
import type {LoggedLaunch} from '../metrics/launchLog.ts';
import type {RunSummary} from '../metrics/result.ts';
import {liveRun} from './live.ts';
import {readProfile} from './profileFiles.ts';
import type {RunSpec} from './simulate.ts';
import {errorOf, failureOf} from './worker.ts';
import type {Failure} from './worker.ts';

/** A live run's outcome; `launches` where they were asked for, in the order in which they were decided. */
export interface LiveOutcome {
  readonly summary: RunSummary;
  readonly launches: readonly LoggedLaunch[];
  readonly warnings: readonly string[];
}

interface Task {
  readonly spec: RunSpec;
  readonly profile: string;
  readonly ordinal: number;
  readonly log: boolean;
}

/** A thread that makes live runs, one at a time. */
export class LiveThread {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;

  constructor() {
    this.worker = new Worker(fileURLToPath(import.meta.url), {workerData: {superkernelLive: this.stopFlag}});
  }

  /** Rejects with what ended the run, typed as it was thrown. */
  run(task: Task): Promise<LiveOutcome> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.worker.removeAllListeners();
        act();
      };
      this.worker.once('message', (result: LiveOutcome | {failure: Failure}) =>
        settle(() => ('failure' in result ? reject(errorOf(result.failure)) : resolve(result))),
      );
      this.worker.once('error', (error) => settle(() => reject(error)));
      this.worker.once('exit', (code) =>
        settle(() => reject(new Error(`the live thread ended with exit code ${code}`))),
      );
      this.worker.postMessage(task);
    });
  }

  /** Ends the run in progress early; its summary says `stopped`. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

async function perform({spec, profile, ordinal, log}: Task, stop: Int32Array): Promise<LiveOutcome> {
  const recorder = log ? new LaunchLog() : undefined;
  const warnings: string[] = [];
  const summary = await liveRun(spec, readProfile(profile), {
    ordinal,
    profileName: profile,
    shouldStop: () => Atomics.load(stop, 0) === 1,
    warn: (sentence) => warnings.push(sentence),
    ...(recorder === undefined ? {} : {recorder}),
  });
  return {summary, launches: recorder?.inOrder() ?? [], warnings};
}

const shared = (workerData as {superkernelLive?: Int32Array} | null)?.superkernelLive;
if (!isMainThread && shared !== undefined) {
  parentPort!.on('message', (task: Task) => {
    void perform(task, shared)
      .catch((error: unknown) => ({failure: failureOf(error)}))
      .then((result) => parentPort!.postMessage(result));
  });
}
