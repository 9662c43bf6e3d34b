import type {Nanoseconds} from '../../scheduler/clock.ts';
import {stream, type Random} from '../random.ts';
import {sortArrivals, type Arrivals} from './sortArrivals.ts';

/**
 * Superposes copies of a trace's arrivals, `scale` (above 1) of each on average. A copy is moved by up to the mean gap
 * of its key to either side, so that copies interleave where requests are sparse and follow bursts and the day's shape;
 * at the ends of [0, lengthNs) it is reflected.
 */
export function copyArrivals(
  trace: Arrivals & {keys: readonly string[]},
  lengthNs: Nanoseconds,
  scale: number,
  seed: number | string,
): Arrivals {
  const {keys} = trace;
  const count = new Float64Array(keys.length);
  for (const key of trace.key) count[key]++;
  const streams: (Random | undefined)[] = [];
  const copies = Math.ceil(scale) - 1;
  const expected = trace.at.length * scale;
  const at = new Float64Array(
    Math.min(trace.at.length * (copies + 1), Math.ceil(expected + 8 * Math.sqrt(expected) + 8)),
  );
  const key = new Int32Array(at.length);
  let n = 0;
  for (let i = 0; i < trace.at.length; i++) {
    const owner = trace.key[i];
    const random = (streams[owner] ??= stream(seed, `trace/${keys[owner]}/copies`));
    const reach = lengthNs / count[owner];
    at[n] = trace.at[i];
    key[n++] = owner;
    for (let copy = 1; copy <= copies; copy++) {
      if (copy > scale - 1 && random() >= scale % 1) continue;
      at[n] = reflect(Math.floor(trace.at[i] + (2 * random() - 1) * reach), lengthNs);
      key[n++] = owner;
    }
  }
  return sortArrivals(at.subarray(0, n), key.subarray(0, n));
}

/** Folds a time that is less than a length outside [0, lengthNs) back into it. */
function reflect(time: number, lengthNs: Nanoseconds): Nanoseconds {
  const above = time < 0 ? -1 - time : time;
  return above < lengthNs ? above : Math.max(0, 2 * lengthNs - 1 - above);
}
