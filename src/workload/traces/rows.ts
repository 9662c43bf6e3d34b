import type {Nanoseconds} from '../../scheduler/clock.ts';
import {InputError} from '../../scheduler/errors.ts';
import {stream, type Random} from '../random.ts';
import {formatDuration} from '../units.ts';
import {copyArrivals} from './copies.ts';
import {sortArrivals, type Arrivals} from './sortArrivals.ts';
import type {ClosedStream, ResolvedOptions} from './trace.ts';

/** How a format counts time and orders its rows. */
export interface RowRules {
  /** What time 0 of the trace is: its first arrival, or the 0 of its own clock. */
  readonly origin: 'first' | 'zero';
  /** Whether rows come in order of time; those of a format that does not promise it are always sorted. */
  readonly ordered: boolean;
}

/**
 * The arrivals of a trace while it is read: thinned and cut to the window as they come, so that what is kept is all that
 * is held (12 bytes an arrival).
 */
export class TraceRows {
  readonly keys: string[] = [];
  readonly models: string[] = [];
  readonly closedLoops: ClosedStream[] = [];
  /** The end of the trace where the format tells it; otherwise the last arrival is the end. */
  horizonNs: Nanoseconds | undefined;

  private readonly options: ResolvedOptions;
  private readonly rules: RowRules;
  private readonly sorting: boolean;
  private readonly ids = new Map<string, number>();
  private readonly thinning: Random[] = [];
  private at = new Float64Array(1024);
  private key = new Int32Array(1024);
  private length = 0;
  private originSeconds = 0;
  private firstNs = 0;
  private lastNs = -Infinity;
  private rows = 0;

  constructor(options: ResolvedOptions, rules: RowRules) {
    this.options = options;
    this.rules = rules;
    this.sorting = options.sort || !rules.ordered;
  }

  /** The index of a key, made on first use. */
  intern(field: string, model = ''): number {
    let id = this.ids.get(field);
    if (id === undefined) {
      const name = detached(field);
      id = this.keys.length;
      this.ids.set(name, id);
      this.keys.push(name);
      this.models.push(model);
      if (this.options.rateScale < 1) this.thinning.push(stream(this.options.seed, `trace/${name}/thinning`));
    }
    return id;
  }

  /** Whether any of [fromNs, toNs) of a trace that starts at 0 is in the window. */
  wants(fromNs: Nanoseconds, toNs: Nanoseconds): boolean {
    return toNs > this.options.from && fromNs < this.options.to;
  }

  /** Adds an arrival. Throws an InputError where it is before the one before it, or there are too many. */
  add(seconds: number, nanos: number, key: number): void {
    if (this.rows++ === 0 && this.rules.origin === 'first') {
      this.originSeconds = seconds;
      this.firstNs = nanos;
    }
    const at = (seconds - this.originSeconds) * 1e9 + nanos;
    if (at < this.lastNs && !this.sorting)
      throw new InputError(
        'timestamp before that of the row above (expected rows in order of time; --sort sorts them)',
      );
    this.lastNs = at;
    const {rateScale, from, to} = this.options;
    if (rateScale < 1 && this.thinning[key]() >= rateScale) return;
    // While rows are still to be sorted, the first arrival, from which the window counts, may be yet to come.
    const known = !this.sorting || this.rules.origin === 'zero';
    if (known && (at - this.firstNs < from || at - this.firstNs >= to)) return;
    this.push(at, key);
  }

  private push(at: number, key: number): void {
    if (this.length >= this.options.maxArrivals) throw this.tooMany();
    if (this.length === this.at.length) this.grow();
    this.at[this.length] = at;
    this.key[this.length++] = key;
  }

  private tooMany(): InputError {
    return new InputError(
      `more than ${this.options.maxArrivals} arrivals (take part of them with --from and --to, or with a smaller --rate-scale)`,
    );
  }

  private grow(): void {
    const at = new Float64Array(2 * this.length);
    const key = new Int32Array(2 * this.length);
    at.set(this.at);
    key.set(this.key);
    this.at = at;
    this.key = key;
  }

  /** The arrivals kept: sorted, cut to the window, scaled. */
  finish(): Arrivals & {lengthNs: Nanoseconds} {
    const {from, to, timeScale, rateScale, seed, maxArrivals} = this.options;
    let arrivals: Arrivals = {at: this.at.subarray(0, this.length), key: this.key.subarray(0, this.length)};
    let origin = this.firstNs;
    if (this.sorting) {
      arrivals = sortArrivals(arrivals.at, arrivals.key);
      if (this.rules.origin === 'first' && arrivals.at.length > 0) origin = arrivals.at[0];
    }
    const end =
      this.horizonNs ??
      Math.max(0, (this.sorting ? (arrivals.at.at(-1) ?? origin) : this.lastNs) - origin + 1);
    const {at, key} = window(arrivals.at, arrivals.key, origin + from, origin + to);
    if (from >= end || (at.length === 0 && this.closedLoops.length === 0))
      throw new InputError(this.nothing(end));
    const lengthNs = Math.min(to, end) - from;
    if (lengthNs * Math.max(1, timeScale) > Number.MAX_SAFE_INTEGER) {
      const scaled = timeScale > 1 ? ` at time scale ${timeScale}` : '';
      throw new InputError(`trace longer than 104 days${scaled} (take part of it with --from and --to)`);
    }
    for (let i = 0; i < at.length; i++) at[i] -= origin + from;
    if (at.length * rateScale > maxArrivals) throw this.tooMany();
    const scaled =
      rateScale > 1 ? copyArrivals({at, key, keys: this.keys}, lengthNs, rateScale, seed) : {at, key};
    if (timeScale !== 1)
      for (let i = 0; i < scaled.at.length; i++) scaled.at[i] = Math.floor(scaled.at[i] * timeScale);
    return {...scaled, lengthNs: Math.ceil(lengthNs * timeScale)};
  }

  private nothing(end: Nanoseconds): string {
    const {from, to, rateScale} = this.options;
    if (this.rows === 0 && (this.horizonNs ?? 0) === 0) return 'no arrivals';
    const runs = `the trace runs for ${formatDuration(Math.round(end))}`;
    if (from > 0 || to < Infinity)
      return `no arrivals from ${formatDuration(from)} to ${to === Infinity ? 'the end' : formatDuration(to)} (${runs})`;
    return rateScale < 1 ? `no arrivals left at rate scale ${rateScale} of ${this.rows}` : 'no arrivals';
  }
}

/** A copy of a field: the field itself, being a slice, would keep the whole piece of the file it came from in memory. */
export const detached = (field: string): string => field.split('').join('');

/** A copy of the sorted arrivals in [from, to). */
function window(at: Float64Array, key: Int32Array, from: number, to: number): Arrivals {
  const start = lowerBound(at, from);
  const stop = lowerBound(at, to);
  return {at: at.slice(start, stop), key: key.slice(start, stop)};
}

/** The first index whose time is not before `time`. */
function lowerBound(at: Float64Array, time: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
