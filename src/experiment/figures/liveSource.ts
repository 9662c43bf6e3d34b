import {availableParallelism} from 'node:os';
import type {RunSummary} from '../../metrics/result.ts';
import type {DeviceProfile} from '../../profile/profile.ts';
import {DeviceError, NoDeviceError} from '../../scheduler/errors.ts';
import {LiveThread, StoppedError} from '../liveThread.ts';
import type {RunSpec} from '../simulate.ts';
import {RunSource} from './runSource.ts';

/** Cores for what is no tenant's host: this process, and the driver's own threads. */
const otherCores = 2;

/** As many processes or threads as can submit beside each other without waiting for a core. */
export const hostsOfMachine = (): number => Math.max(1, availableParallelism() - otherCores);

/** A run that takes longer, its set-up included, is given up. */
const longestRunMs = 30_000;

/** Beyond the budget, for a run that has begun. */
const graceMs = 5_000;

/** A run that was told to stop ends within this time, or the GPU is given up: setting up takes seconds on a busy machine. */
const stopMs = 15_000;

export interface LiveSourceOptions {
  readonly ordinal: number;
  /** As `readProfile` takes it. */
  readonly profileName: string;
  readonly signal: AbortSignal;
  /** Told of a run that failed, and leaves a gap. */
  readonly warn: (sentence: string) => void;
  /** Told of each run that was made. */
  readonly onRun?: (spec: RunSpec, summary: RunSummary) => void;
  /** Most processes or threads that submit beside each other; by default `hostsOfMachine`. */
  readonly mostHosts?: number;
  /** After this time nothing is begun any more. */
  readonly budgetMs?: number;
}

/**
 * Answers from a GPU: the same scenarios, for long enough that the host's noise averages out. Policies decide by
 * `profile`, which should be the GPU's own. Memory is that of the profile; the library cannot be told its kernels. A run
 * that fails, or that there is no time for, leaves a gap. Has to be closed.
 */
export class LiveSource extends RunSource {
  private readonly live: LiveRuns;

  constructor(profile: DeviceProfile, options: LiveSourceOptions) {
    const live = new LiveRuns(options);
    super({
      label: `${profile.name}, live`,
      profile,
      isLive: true,
      mostHosts: live.mostHosts,
      run: (spec) => live.run(spec),
      // Thousands of launches, and many turns even of a dozen contexts with slices of milliseconds.
      gemmWindow: {warmup: '100ms', duration: '500ms'},
      modelWindow: {warmup: '500ms', duration: '3s'},
      onFailure: options.warn,
    });
    this.live = live;
  }

  override notes(): string[] {
    return this.live.notes();
  }

  close(): Promise<void> {
    return this.live.close();
  }
}

/** Runs on the GPU, one after another, in a thread that keeps processes and contexts from run to run. */
class LiveRuns {
  readonly mostHosts: number;
  private readonly options: LiveSourceOptions;
  private readonly startedAt = performance.now();
  private readonly onAbort = (): void => this.thread?.stop();
  private readonly told = new Set<string>();
  private thread: LiveThread | null = null;
  private made = 0;
  private skipped = 0;
  private failed = 0;
  private hangs = false;
  /** Whether clients of MPS have run, or failed to: it takes each half a minute to find no server. */
  private mps: 'untried' | 'runs' | 'fails' = 'untried';

  constructor(options: LiveSourceOptions) {
    this.options = options;
    this.mostHosts = options.mostHosts ?? hostsOfMachine();
    options.signal.addEventListener('abort', this.onAbort);
  }

  async run(spec: RunSpec): Promise<RunSummary | null> {
    const {signal, onRun} = this.options;
    if (signal.aborted || this.hangs || this.leftMs <= 0) {
      this.skipped++;
      return null;
    }
    this.failed++;
    const isMps = /^mps\b/.test(spec.policy);
    if (isMps && this.mps === 'fails') return null;
    const summary = await this.attempt(spec);
    if (isMps && this.mps === 'untried') this.mps = summary === null ? 'fails' : 'runs';
    if (summary === null) return null;
    this.failed--;
    this.made++;
    onRun?.(spec, summary);
    return summary;
  }

  notes(): string[] {
    const {mostHosts, made, skipped, failed} = this;
    const seconds = Math.round((performance.now() - this.startedAt) / 1e3);
    const gaps = [
      ...(skipped > 0
        ? [`${skipped} were left out: the time was up, the run interrupted, or the GPU hung`]
        : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ];
    return [
      `${made} runs on the GPU in ${seconds} s${gaps.length > 0 ? `; ${gaps.join(', ')}` : ''}.`,
      `At most ${mostHosts} host threads or processes submit beside each other (of ${availableParallelism()} cores): with more tenants, a host thread serves several lanes, a process under MPS several streams, and the tenants of one time-sliced process take turns within it.`,
    ];
  }

  async close(): Promise<void> {
    this.options.signal.removeEventListener('abort', this.onAbort);
    await this.endThread();
  }

  private async attempt(spec: RunSpec): Promise<RunSummary | null> {
    const {ordinal, profileName: profile, signal} = this.options;
    const thread = (this.thread ??= new LiveThread());
    const limitMs = Math.min(longestRunMs, this.leftMs + graceMs);
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));
    after(limitMs, () => thread.stop());
    const hangs = new Promise<never>((_, reject) => {
      after(limitMs + stopMs, () => {
        this.hangs = true;
        reject(new DeviceError('the GPU does not answer; nothing more is measured'));
      });
    });
    try {
      const task = {spec, profile, ordinal, log: false, mostHosts: this.mostHosts, keep: true};
      const {summary, warnings} = await Promise.race([thread.run(task), hangs]);
      warnings.forEach((sentence) => this.warn(sentence));
      return summary;
    } catch (error) {
      if (error instanceof NoDeviceError) throw error;
      if (!(error instanceof StoppedError || error instanceof DeviceError)) throw error;
      // What it keeps may be lost with the device, and a stopped one stays so.
      await this.endThread();
      if (!signal.aborted) {
        const what =
          error instanceof StoppedError ? `took longer than ${Math.round(limitMs / 1e3)} s` : error.message;
        this.warn(`${spec.policy}: ${what}`);
      }
      return null;
    } finally {
      timers.forEach(clearTimeout);
    }
  }

  /** Time until nothing is begun any more. */
  private get leftMs(): number {
    return this.startedAt + (this.options.budgetMs ?? Infinity) - performance.now();
  }

  private warn(sentence: string): void {
    if (!this.told.has(sentence)) this.options.warn(sentence);
    this.told.add(sentence);
  }

  private async endThread(): Promise<void> {
    const {thread} = this;
    this.thread = null;
    if (this.hangs) thread?.abandon();
    else await thread?.close();
  }
}
