import {openLiveHost} from '../../src/experiment/liveHost.ts';
import type {LiveHost} from '../../src/experiment/liveHost.ts';
import {collectGarbage} from '../../src/experiment/quietV8.ts';
import {prepareRehearsed} from '../../src/experiment/rehearsal.ts';
import type {RunSpec} from '../../src/experiment/simulate.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {InputError} from '../../src/scheduler/errors.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';

/**
 * Runs of one mix under one policy on the GPU at hand, which is set up once for all of them: that takes several seconds, most runs
 * one. For policies whose lanes one thread serves, in one context; throws an InputError for others.
 */
export class LiveCells {
  private readonly profile: DeviceProfile;
  private host: LiveHost | null = null;

  constructor(profile: DeviceProfile) {
    this.profile = profile;
  }

  async run(spec: RunSpec, recorder: Recorder): Promise<void> {
    const {profile, host} = this;
    const shouldStop = (): boolean => false;
    // Renewed runs too: at another load a policy runs code that it has not run before.
    const run = await prepareRehearsed(spec, profile, shouldStop);
    if (host === null) {
      const {host: threads, sharing} = run.setup;
      if (threads !== 'shared' || sharing !== 'one-context')
        throw new InputError(
          `${spec.policy} has threads or contexts of its own: host-threads=shared was expected`,
        );
      this.host = await openLiveHost({run, spec, profile, ordinal: 0, recorder, shouldStop});
    } else {
      // What earlier runs left would be collected during this one: 3 to 4 ms on an H200's host, at once.
      collectGarbage('major');
      await host.renew({run, recorder});
    }
    this.host!.run();
  }

  async close(): Promise<void> {
    await this.host?.close();
    this.host = null;
  }
}
