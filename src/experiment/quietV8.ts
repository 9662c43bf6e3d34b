// Pauses of V8's in live runs: a full collection takes as long as some requests may, and code that is not compiled ten times as long.
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/**
 * MB of young objects that a thread may make before it has to look which of them are still in use; it takes up to twice as
 * much. V8 begins with 1 and goes up to 16, of which a live run of 3 s on an H200 filled one or two.
 */
const youngMB = 32;

/** Of a process that collects seldom: some seconds of a live run leave less garbage than fits. */
export const roomForGarbage = [
  `--max-semi-space-size=${youngMB}`,
  `--min-semi-space-size=${youngMB}`,
] as const;

/** The same for threads made from now on. For the whole process. */
export function makeRoomForGarbage(): void {
  for (const flag of roomForGarbage) setFlagsFromString(flag);
}

/** What has been compiled stays, though it does not run for seconds. For the whole process. */
export function keepCompiledCode(): void {
  setFlagsFromString('--no-flush-bytecode');
}

type Collect = (options?: {type: 'minor'}) => void;

let collect: Collect | undefined;

/** Collects now what this thread no longer uses, so that it need not soon: all of it, or of what is young only. */
export function collectGarbage(type: 'minor' | 'major'): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    // V8 gives it to contexts that are made from now on.
    collect = runInNewContext('gc') as Collect;
  }
  if (type === 'minor') collect({type});
  else collect();
}
