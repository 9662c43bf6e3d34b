// Live runs in a thread of their own: the scheduling loop spins there, while progress and Ctrl-C go on in the caller's.
import {fileURLToPath} from 'node:url';
import {Worker, isMainThread, parentPort, workerData} from 'node:worker_threads';
import {quitMpsAtExit} from '../gpu/mpsDaemon.ts';
import {LaunchLog} from '../metrics/launchLog.ts';
import type {LoggedLaunch} from '../metrics/launchLog.ts';
import type {RunSummary} from '../metrics/result.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import type {HostTimes} from './hostMeter.ts';
import {HostSupply} from './hostSupply.ts';
import {dropContext, keepContext} from './keptContext.ts';
import {KeptHost} from './keptHost.ts';
import {liveRun} from './live.ts';
import {readProfile} from './profileFiles.ts';
import {makeRoomForGarbage} from './quietV8.ts';
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
  /** See `LiveOptions.mostHosts`. */
  readonly mostHosts?: number;
  /** Keeps hosts and the CUDA context for the runs to come, until `close`. */
  readonly keep?: boolean;
  /** Keeps the host of this run for one of the same policy that comes next (see `KeptHost`), at most until `close`. */
  readonly keepHost?: boolean;
}

/** A live run was stopped from outside before its end: what it had measured is no result. */
export class StoppedError extends SuperkernelError {
  override readonly code: string = 'STOPPED';
}

/** Time for kept hosts to end and the MPS daemon to quit. */
const releaseMs = 25_000;

/** A thread that makes live runs, one at a time. */
export class LiveThread {
  private readonly stopFlag = new Int32Array(new SharedArrayBuffer(4));
  private worker: Worker | null = null;
  private isRunning = false;
  private keeps = false;
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
      this.keeps ||= task.keep === true || task.keepHost === true;
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
    await this.releaseKept();
    await this.worker?.terminate();
    this.worker = null;
    process.off('exit', this.onExit);
  }

  /** Gives up a thread that hears nothing, because the GPU hangs: it goes with the process, as `onExit` says. */
  abandon(): void {
    this.worker?.unref();
  }

  /** Hosts that are told end at once; those whose parent just goes have to find out. */
  private async releaseKept(): Promise<void> {
    const {worker} = this;
    if (worker === null || !this.keeps || this.isRunning) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, releaseMs);
      worker.once('message', () => resolve()).once('exit', () => resolve());
      worker.postMessage('release');
    });
    clearTimeout(timer);
  }

  private get isStopped(): boolean {
    return Atomics.load(this.stopFlag, 0) === 1;
  }

  private startWorker(): Worker {
    makeRoomForGarbage();
    return new Worker(fileURLToPath(import.meta.url), {workerData: {superkernelLive: this.stopFlag}});
  }

  private perform(task: Task): Promise<LiveOutcome> {
    if (this.isStopped) throw new StoppedError('the run was stopped');
    const worker = (this.worker ??= this.startWorker());
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

/** In the thread: the hosts kept for runs to come. */
let supply: HostSupply | null = null;
const kept = new KeptHost();

async function perform(task: Task, stop: Int32Array): Promise<LiveOutcome> {
  const {spec, profile, ordinal, log, mostHosts, keep = false, keepHost = false} = task;
  if (!keepHost) await kept.close();
  if (keep) {
    keepContext(ordinal);
    supply ??= new HostSupply();
  }
  const recorder = log ? new LaunchLog() : undefined;
  const warnings: string[] = [];
  let host: HostTimes | undefined;
  const summary = await liveRun(spec, readProfile(profile), {
    ordinal,
    shouldStop: () => Atomics.load(stop, 0) === 1,
    warn: (sentence) => warnings.push(sentence),
    onHost: (times) => (host = times),
    ...(recorder === undefined ? {} : {recorder}),
    ...(mostHosts === undefined ? {} : {mostHosts}),
    ...(keep ? {supply: supply!} : {}),
    ...(keepHost ? {kept} : {}),
  });
  return {summary, host: host!, launches: recorder?.inOrder() ?? [], warnings};
}

async function release(): Promise<void> {
  await kept.close().catch(() => {});
  await supply?.close().catch(() => {}); // what does not end now is ended with the process
  supply = null;
  dropContext();
}

const shared = (workerData as {superkernelLive?: Int32Array} | null)?.superkernelLive;
if (!isMainThread && shared !== undefined) {
  parentPort!.on('message', (task: Task | 'release') => {
    void (task === 'release' ? release() : perform(task, shared))
      .catch((error: unknown) => ({failure: failureOf(error)}))
      .then((result) => parentPort!.postMessage(result));
  });
}
