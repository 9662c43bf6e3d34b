import {requireDevice} from '../gpu/cuda.ts';
import {LiveThread} from './liveThread.ts';
import type {Pool} from './pool.ts';
import {CannotRunError} from './simulate.ts';

/** Runs planned runs on a GPU, one after another. Throws a NoDeviceError where there is none. */
export function openLivePool(ordinal: number, signal: AbortSignal, warn: (sentence: string) => void): Pool {
  requireDevice();
  const thread = new LiveThread();
  const onAbort = (): void => thread.stop();
  signal.addEventListener('abort', onAbort);
  return {
    async run({spec, profile}) {
      try {
        const {summary, warnings} = await thread.run({spec, profile, ordinal, log: false});
        warnings.forEach(warn);
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
