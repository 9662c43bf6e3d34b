// Live runs in a thread of their own: the scheduling loop spins there, while progress and Ctrl-C go on in the caller's.
import {fileURLToPath} from 'node:url';
import {Worker, isMainThread, parentPort, workerData} from 'node:worker_threads';
import {quitMpsAtExit} from '../gpu/mpsDaemon.ts';
import {LaunchLog} from '../metrics/launchLog.ts';
import type {LoggedLaunch} from '../metrics/launchLog.ts';
import type {RunSummary} from '../metrics/result.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import type {HostTimes} from './hostMeter.ts';
import {liveRun} from './live.ts';
import {readProfile} from './profileFiles.ts';
import type {RunSpec} from './simulate.ts';
import {errorOf, failureOf} from './worker.ts';
import type {Failure} from './worker.ts';

/** A live run's outcome; `launches` where they were asked for, in the order in which they were decided. */
export interface LiveOutcome {
  readonly summary: RunSummary;
  readonly host: HostTimes;
  readonly launches: readonly LoggedLaunch[];
  readonly warnings: readonly string[];
}

interface Task {
  readonly spec: RunSpec;
  readonly profile: string;
  readonly ordinal: number;
  readonly log: boolean;
}

/** A live run was stopped from outside before its end: what it had measured is no result. */
export class StoppedError extends SuperkernelError {
  override readonly code: string = 'STOPPED';
}

/** A thread that makes live runs, one at a time. */
export class LiveThread {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  private worker: Worker | null = null;
  private isRunning = false;
  /**
   * A process that exits waits for its threads, and one that waits for a hung GPU never ends: then the signal that asked
   * for the end is left to do what it does to programs that do not handle it.
   */
  private readonly onExit = (code: number): void => {
    if (!this.isRunning) return;
    const signal = code === 143 ? 'SIGTERM' : 'SIGINT';
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };

  constructor() {
    // In this order: the daemon would outlive us.
    quitMpsAtExit();
    process.on('exit', this.onExit);
  }

  /** Rejects with what ended the run, typed as it was thrown; with a StoppedError where `stop` did. */
  async run(task: Task): Promise<LiveOutcome> {
    try {
      this.isRunning = true;
      const outcome = await this.perform(task);
      if (!this.isStopped) return outcome;
    } catch (error) {
      if (!this.isStopped) throw error;
    } finally {
      this.isRunning = false;
    }
    throw new StoppedError('the run was stopped');
  }

  /** Ends the run in progress early, and those to come at once. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = null;
    process.off('exit', this.onExit);
  }

  private get isStopped(): boolean {
    return Atomics.load(this.stopFlag, 0) === 1;
  }

  private perform(task: Task): Promise<LiveOutcome> {
    if (this.isStopped) throw new StoppedError('the run was stopped');
    const worker = (this.worker ??= new Worker(fileURLToPath(import.meta.url), {
      workerData: {superkernelLive: this.stopFlag},
    }));
    return new Promise((resolve, reject) => {
      // Not `removeAllListeners`: a Worker delivers nothing any more after that.
      const settle = (act: () => void): void => {
        worker.off('message', onMessage).off('error', onEnd).off('exit', onExit);
        act();
      };
      const onMessage = (result: LiveOutcome | {failure: Failure}): void =>
        settle(() => ('failure' in result ? reject(errorOf(result.failure)) : resolve(result)));
      const onEnd = (error: Error): void => {
        this.worker = null;
        settle(() => reject(error));
      };
      const onExit = (code: number): void => onEnd(new Error(`the live thread ended with exit code ${code}`));
      worker.on('message', onMessage).on('error', onEnd).on('exit', onExit);
      worker.postMessage(task);
    });
  }
}

async function perform({spec, profile, ordinal, log}: Task, stop: Int32Array): Promise<LiveOutcome> {
  const recorder = log ? new LaunchLog() : undefined;
  const warnings: string[] = [];
  let host: HostTimes | undefined;
  const summary = await liveRun(spec, readProfile(profile), {
    ordinal,
    profileName: profile,
    shouldStop: () => Atomics.load(stop, 0) === 1,
    warn: (sentence) => warnings.push(sentence),
    onHost: (times) => (host = times),
    ...(recorder === undefined ? {} : {recorder}),
  });
  return {summary, host: host!, launches: recorder?.inOrder() ?? [], warnings};
}

const shared = (workerData as {superkernelLive?: Int32Array} | null)?.superkernelLive;
if (!isMainThread && shared !== undefined) {
  parentPort!.on('message', (task: Task) => {
    void perform(task, shared)
      .catch((error: unknown) => ({failure: failureOf(error)}))
      .then((result) => parentPort!.postMessage(result));
  });
}
