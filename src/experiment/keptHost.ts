// A live host that stays open from run to run: to open one takes seconds, as long as many a run.
import {isDeepStrictEqual} from 'node:util';
import type {HostTimes} from './hostMeter.ts';
import {openLiveHost} from './liveHost.ts';
import type {LiveHost, LiveHostOptions} from './liveHost.ts';
import type {PreparedRun} from './simulate.ts';

/** Runs whose purposes are the same but for load and arrivals may share a host. */
type Purpose = Pick<LiveHostOptions, 'spec' | 'profile' | 'ordinal'>;

/**
 * Keeps the host of a run for the next one of the same tenants under the same policy, which finds it as if it had just been
 * opened. Never more than one: what another held of the device's memory and queues would be missing.
 */
export class KeptHost {
  private kept: {readonly host: LiveHost; readonly purpose: Purpose; readonly run: PreparedRun} | null = null;

  /** To be called first of all for a run: closes the host that is kept unless it may serve it. */
  async keepFor(purpose: Purpose): Promise<void> {
    const {kept} = this;
    if (kept !== null && !(kept.host.canRewind && isDeepStrictEqual(gistOf(kept.purpose), gistOf(purpose))))
      await this.close();
  }

  /**
   * The run with the programs and shape classes of the host that is kept, by whose numbers the recorders of its launches have to
   * go. As it is where nothing is kept, or what is was set up in another way, and is closed.
   */
  async adopt(run: PreparedRun): Promise<PreparedRun> {
    const {kept} = this;
    if (kept === null) return run;
    if (kept.run.lanes === run.lanes && isDeepStrictEqual(kept.run.setup, run.setup))
      return {...run, workbench: kept.run.workbench};
    await this.close();
    return run;
  }

  /** Makes a run that `adopt` has returned. One that fails leaves nothing open. */
  async run(options: LiveHostOptions): Promise<ReturnType<LiveHost['run']> & {readonly times: HostTimes}> {
    const {run, spec, profile, ordinal} = options;
    try {
      if (this.kept !== null) await this.kept.host.rewind(spec, options);
      else this.kept = {host: await openLiveHost(options), purpose: {spec, profile, ordinal}, run};
      const {host} = this.kept;
      return {...host.run(), times: await host.rest()};
    } catch (error) {
      // Closing a lost device fails as well, with less to say.
      await this.close().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    const {kept} = this;
    this.kept = null;
    await kept?.host.close();
  }
}

function gistOf({spec, ...rest}: Purpose): object {
  const {load: _, replication: __, arrivals: ___, ...same} = spec;
  return {...rest, ...same};
}
