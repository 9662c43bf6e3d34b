import type {Method, Kernel} from '../../scheduler/kernel.ts';
import type {Bench, Repeats} from './bench.ts';
import {spreadOf} from './samples.ts';
import type {Spread} from './samples.ts';
import type {Work} from './work.ts';

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
  /** Device time per kernel within a captured run of them; null where it was not measured. */
  readonly stepNs: number | null;
}

/** Enough for a median good to about a percent; long launches vary less. */
export const usualRepeats: Repeats = {least: 5, most: 60, forNs: 8e6};

/** Launches this long leave no room between them that would matter. */
const longNs = 1e6;

/** Launches this many times longer than their submission show the device's time, not the host's, in a queue of them. */
export const timesHost = 3;

/** A captured run takes about this long, within these numbers of kernels. */
const runNs = 300e3;
const runLengths = {least: 8, most: 64};

/** Measures round trips and, if asked for, the time per launch in a lane that holds several. */
export function measurePoint(
  bench: Bench,
  work: Work,
  {repeats = usualRepeats, queued = false}: {repeats?: Repeats; queued?: boolean} = {},
): Point {
  const {submit, round} = bench.roundTrips(work, repeats);
  const after = spreadOf(round.map((ns, i) => ns - submit[i]));
  const host = spreadOf(submit);
  const isShort = queued && after.p50 < longNs;
  const isRun = isShort && work.method === 'single' && work.size === 1 && bench.context.graphs;
  const {least, most} = runLengths;
  return {
    ...work,
    submit: host,
    after,
    round: spreadOf(round),
    queuedNs: isShort && after.p50 > timesHost * host.p50 ? bench.queuedNs(work) : null,
    stepNs: isRun ? bench.stepNs(work, Math.min(most, Math.max(least, Math.ceil(runNs / after.p50)))) : null,
  };
}
