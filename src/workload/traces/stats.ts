// How fast and how bursty arrivals are.
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Trace} from './trace.ts';

/** Figures of arrivals; null where there are too few of them, or too short a time, to tell. */
export interface ArrivalStats {
  readonly count: number;
  /** Arrivals per second of the whole length. */
  readonly rate: number;
  /** Coefficient of variation of the gaps; 1 for a Poisson process. */
  readonly cv: number | null;
  /** Arrivals in the busiest second over those of the mean second. */
  readonly peakToMean: number | null;
  /** Variance over mean of the counts in windows of 1 s; 1 for a Poisson process. */
  readonly dispersion1s: number | null;
  /** The same in windows of 10 s. Where it grows with the window, bursts last longer than the window. */
  readonly dispersion10s: number | null;
}

/** The figures of sorted arrivals in [0, lengthNs). Windows that the end cuts off are left out. */
export function arrivalStats(at: Float64Array, lengthNs: Nanoseconds): ArrivalStats {
  const second = countsIn(at, 1e9, lengthNs);
  return {
    count: at.length,
    rate: lengthNs > 0 ? at.length / (lengthNs / 1e9) : 0,
    cv: gapCv(at),
    peakToMean: second === null ? null : second.peak / second.mean,
    dispersion1s: second === null ? null : second.variance / second.mean,
    dispersion10s: dispersion(countsIn(at, 10e9, lengthNs)),
  };
}

/** The figures of a trace, in all and by key. */
export function traceStats(trace: Trace): {total: ArrivalStats; keys: ({key: string} & ArrivalStats)[]} {
  const counts = new Uint32Array(trace.keys.length);
  for (const key of trace.key) counts[key]++;
  const byKey = Array.from(counts, (count) => new Float64Array(count));
  counts.fill(0);
  trace.at.forEach((at, i) => (byKey[trace.key[i]][counts[trace.key[i]]++] = at));
  return {
    total: arrivalStats(trace.at, trace.lengthNs),
    keys: byKey.map((at, i) => ({key: trace.keys[i], ...arrivalStats(at, trace.lengthNs)})),
  };
}

function gapCv(at: Float64Array): number | null {
  const n = at.length - 1;
  const mean = (at[n] - at[0]) / n;
  if (n < 2 || mean === 0) return null;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (at[i + 1] - at[i] - mean) ** 2;
  return Math.sqrt(squares / (n - 1)) / mean;
}

const dispersion = (counts: Counts | null) => (counts === null ? null : counts.variance / counts.mean);

interface Counts {
  readonly mean: number;
  readonly variance: number;
  readonly peak: number;
}

/** Moments of the counts in successive windows: one pass over the arrivals, whatever the number of windows. */
function countsIn(at: Float64Array, windowNs: number, lengthNs: Nanoseconds): Counts | null {
  const windows = Math.floor(lengthNs / windowNs);
  let total = 0;
  let squares = 0;
  let peak = 0;
  for (let i = 0; i < at.length;) {
    const window = Math.floor(at[i] / windowNs);
    if (window >= windows) break;
    const end = (window + 1) * windowNs;
    let count = 0;
    for (; i < at.length && at[i] < end; i++) count++;
    total += count;
    squares += count * count;
    peak = Math.max(peak, count);
  }
  if (windows < 2 || total === 0) return null;
  const mean = total / windows;
  return {mean, variance: (squares - total * mean) / (windows - 1), peak};
}
