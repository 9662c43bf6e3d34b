import {requireDevice} from '../gpu/cuda.ts';
import {profileMismatch} from './checkProfile.ts';
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
  /** Told what the host's part of each run took. */
  readonly onHost?: (policy: string, host: HostTimes) => void;
}

/** Runs planned runs on a GPU, one after another. Throws a NoDeviceError where there is none. */
export function openLivePool({ordinal, signal, warn, onHost}: LivePoolOptions): Pool {
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
      if (device !== undefined) warnOfMismatch(profile, device, warnOnce);
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

/** Policies decide by the profile: of another GPU, they decide by wrong predictions. */
export function warnOfMismatch(
  profile: string,
  device: Parameters<typeof profileMismatch>[1],
  warn: (sentence: string) => void,
): void {
  const {name} = readProfile(profile);
  const mismatch = profileMismatch(readProfile(profile), device);
  if (mismatch !== null) {
    warn(`profile ${name} ${mismatch}; measure this one with "superkernel calibrate"`);
  }
}
