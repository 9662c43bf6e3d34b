import {requireDevice} from '../gpu/cuda.ts';
import {profileOnDevice} from './checkProfile.ts';
import type {HostTimes} from './hostMeter.ts';
import {LiveThread} from './liveThread.ts';
import type {Pool} from './pool.ts';
import {readProfile} from './profileFiles.ts';
import {CannotRunError} from './simulate.ts';

export interface LivePoolOptions {
  readonly ordinal: number;
  /** Ends the run in progress, which then rejects with a StoppedError. */
  readonly signal: AbortSignal;
  readonly warn: (sentence: string) => void;
  /** Use a profile of another GPU all the same. */
  readonly force?: boolean;
  /** Told what the host's part of each run took. */
  readonly onHost?: (policy: string, host: HostTimes) => void;
}

/**
 * Runs planned runs on a GPU, one after another. Throws a NoDeviceError where there is none; a run rejects with an
 * InputError where its profile is of another GPU, unless forced.
 */
export function openLivePool({ordinal, signal, warn, force = false, onHost}: LivePoolOptions): Pool {
  const device = requireDevice()[ordinal];
  const thread = new LiveThread();
  const onAbort = (): void => thread.stop();
  signal.addEventListener('abort', onAbort);
  const told = new Set<string>();
  const warnOnce = (sentence: string): void => {
    if (!told.has(sentence)) warn(sentence);
    told.add(sentence);
  };
  return {
    async run({spec, profile}) {
      if (device !== undefined) profileOnDevice(readProfile(profile), device, {force, warn: warnOnce});
      try {
        const {summary, warnings, host} = await thread.run({spec, profile, ordinal, log: false});
        warnings.forEach(warnOnce);
        onHost?.(spec.policy, host);
        return {summary};
      } catch (error) {
        if (error instanceof CannotRunError) return {cannot_run: error.message};
        throw error;
      }
    },
    async close() {
      signal.removeEventListener('abort', onAbort);
      await thread.close();
    },
  };
}
