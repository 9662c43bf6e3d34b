import type {Method, Kernel} from '../../scheduler/kernel.ts';
import type {Bench, Repeats, Work} from './bench.ts';
import {spreadOf} from './samples.ts';
import type {Spread} from './samples.ts';

/** One measured (shape, size, method). Times in ns. */
export interface Point {
  readonly kernel: Kernel;
  readonly size: number;
  readonly method: Method;
  /** Host time of the submission. */
  readonly submit: Spread;
  /** From the end of the submission until the host sees the end, the lane idle before: device time and detection. */
  readonly after: Spread;
  /** From the start of the submission until the host sees the end. */
  readonly round: Spread;
  /** Device time per launch where the lane always holds more; null where it was not measured. */
  readonly queuedNs: number | null;
}

/** Enough for a median good to about a percent; long launches vary less. */
export const usualRepeats: Repeats = {least: 5, most: 60, forNs: 8e6};

/** Launches this long leave no room between them that would matter. */
const longNs = 1e6;

/** A captured graph takes about this long, so that the host's part in launching it does not count. */
const graphNs = 300e3;

/** Measures round trips and, if asked for, the time per launch in a lane that holds several. */
export function measurePoint(
  bench: Bench,
  work: Work,
  {repeats = usualRepeats, queued = false}: {repeats?: Repeats; queued?: boolean} = {},
): Point {
  const {submit, round} = bench.roundTrips(work, repeats);
  const after = spreadOf(round.map((ns, i) => ns - submit[i]));
  const host = spreadOf(submit);
  let queuedNs: number | null = null;
  if (queued && after.p50 < longNs) {
    // Where the device takes far longer than the host, a plain queue shows the device's time.
    queuedNs =
      after.p50 > 3 * host.p50
        ? bench.queuedNs(work)
        : bench.graphNs(work, Math.min(64, Math.max(8, Math.ceil(graphNs / after.p50))));
  }
  return {...work, submit: host, after, round: spreadOf(round), queuedNs};
}
