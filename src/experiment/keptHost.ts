// A live host that stays open from run to run: to open one takes seconds, as long as many a run.
import {isDeepStrictEqual} from 'node:util';
import type {HostTimes} from './hostMeter.ts';
import {HostSupply} from './hostSupply.ts';
import {openLiveHost} from './liveHost.ts';
import type {LiveHost, LiveHostOptions} from './liveHost.ts';
import type {PreparedRun} from './simulate.ts';

/** Runs whose purposes are the same but for load and arrivals may share a host. */
type Purpose = Pick<LiveHostOptions, 'spec' | 'profile' | 'ordinal' | 'plan'>;

/**
 * Keeps the host of a run for the next one of the same tenants under the same policy, which finds it as if it had just been
 * opened. Never more than one: what another held of the device's memory and queues would be missing.
 */
export class KeptHost {
  private purpose: Purpose | null = null;
  private opened: {readonly host: LiveHost; readonly run: PreparedRun} | null = null;
  private started: HostSupply | null = null;

  /** To be called first of all for a run: closes what is kept unless it may serve it. */
  async keepFor(purpose: Purpose): Promise<void> {
    const {purpose: before, opened} = this;
    const serves =
      before !== null &&
      opened?.host.canRewind !== false &&
      isDeepStrictEqual(gistOf(before), gistOf(purpose));
    if (!serves) await this.close();
    this.purpose = purpose;
  }

  /** Where tenants have hosts of their own, these come from here, and keep theirs each. */
  get supply(): HostSupply {
    return (this.started ??= new HostSupply());
  }

  /**
   * The run with the programs and shape classes of the host that is kept, by whose numbers the recorders of its launches have to
   * go. As it is where nothing is kept, or what is was set up in another way, and is closed.
   */
  async adopt(run: PreparedRun): Promise<PreparedRun> {
    const {opened} = this;
    if (opened === null) return run;
    if (opened.run.lanes === run.lanes && isDeepStrictEqual(opened.run.setup, run.setup))
      return {...run, workbench: opened.run.workbench};
    await this.close();
    return run;
  }

  /** A host that is ready for a run that `adopt` has returned. Where that fails, nothing is left open. */
  async open(options: LiveHostOptions): Promise<LiveHost> {
    if (this.opened === null) {
      this.opened = {host: await openLiveHost(options), run: options.run};
    } else {
      await this.orClose(this.opened.host.rewind(options.spec, options));
    }
    return this.opened.host;
  }

  /** Makes the run for which a host was opened. One that fails leaves nothing open. */
  run(host: LiveHost, originNs?: number): Promise<ReturnType<LiveHost['run']> & {readonly times: HostTimes}> {
    const make = async () => ({...host.run(originNs), times: await host.rest()});
    return this.orClose(make());
  }

  async close(): Promise<void> {
    const {opened, started} = this;
    this.purpose = this.opened = this.started = null;
    try {
      await opened?.host.close();
    } finally {
      await started?.close();
    }
  }

  private async orClose<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      // Closing a lost device fails as well, with less to say.
      await this.close().catch(() => {});
      throw error;
    }
  }
}

function gistOf({spec, profile, ordinal, plan}: Purpose): object {
  const {load: _, replication: __, arrivals: ___, ...same} = spec;
  return {profile, ordinal, plan, ...same};
}
