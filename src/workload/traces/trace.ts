// A trace: the arrivals of a recorded or published workload, and how it is read.
import type {Nanoseconds} from '../../scheduler/clock.ts';
import {InputError} from '../../scheduler/errors.ts';
import type {ClosedSpec} from '../arrivals/schema.ts';

/** The arrivals of a recorded or published workload. Arrival i comes at `at[i]` and belongs to `keys[key[i]]`. */
export interface Trace {
  /** The file's name without folder and extensions. */
  readonly name: string;
  /** The name of the format it was read as. */
  readonly format: string;
  /** SHA-256 of the file's bytes as they are stored, in hexadecimal; empty for text that came from no file. */
  readonly sha256: string;
  /** What the trace tells apart: functions, models, clients. One key, the trace's name, where it tells nothing apart. */
  readonly keys: readonly string[];
  /** The model that the trace names for each key; empty where it names none. */
  readonly models: readonly string[];
  /** Whole nanoseconds since the first arrival or the start of the window, in order of time. */
  readonly at: Float64Array;
  readonly key: Int32Array;
  /** Arrivals are in [0, lengthNs). */
  readonly lengthNs: Nanoseconds;
  /** Streams of the trace that answers set off, and so have no times. */
  readonly closedLoops: readonly ClosedStream[];
  /** Rows that could not be read and were passed over. */
  readonly skipped: number;
}

/** A stream of a trace that is a closed loop. */
export interface ClosedStream {
  readonly name: string;
  /** The model that the trace names for it, or ''. */
  readonly model: string;
  readonly arrivals: ClosedSpec;
}

/** Units of a time column: numbers in a unit (since any origin, the epoch included), or dates with times. */
export const timeUnits = ['s', 'ms', 'us', 'ns', 'datetime'] as const;
export type TimeUnit = (typeof timeUnits)[number];

/** Which columns of a table, or fields of JSON lines, hold what. */
export interface ColumnMap {
  /** The column of the arrival time. */
  readonly time: string;
  /** The column that tells requests apart; without one the whole trace has one key. */
  readonly tenant?: string | undefined;
  /** The unit of the time; dates need none. */
  readonly unit?: TimeUnit | undefined;
}

/** How a trace is read. */
export interface TraceOptions {
  /** The name of the format; detected from the first line unless given. */
  readonly format?: string | undefined;
  /** The columns of a table or of JSON lines of no known format. */
  readonly columns?: ColumnMap | undefined;
  /** Only arrivals at or after this time of the trace, which becomes 0. */
  readonly from?: Nanoseconds | undefined;
  /** Only arrivals before this time of the trace. */
  readonly to?: Nanoseconds | undefined;
  /** Every time is multiplied by this: 0.5 replays at double speed. Default 1. */
  readonly timeScale?: number | undefined;
  /**
   * How many requests there are of each of the trace. Below 1, each is kept with this probability. Above 1, each gets
   * copies (their number rounded at random), moved by up to the mean gap of its key to either side. Default 1.
   */
  readonly rateScale?: number | undefined;
  /** Sort arrivals that are out of order, instead of failing. */
  readonly sort?: boolean | undefined;
  /** What to do with a row that cannot be read. Default `fail`. */
  readonly onBadRow?: 'fail' | 'skip' | undefined;
  /** How requests are placed in the minute that a format counts them in. Default `uniform`. */
  readonly spread?: 'uniform' | 'even' | undefined;
  /** Seed of everything that is drawn: see `stream`. Default 1. */
  readonly seed?: number | string | undefined;
  /** Fail where more arrivals than this are kept. Default 50 million (600 MB). */
  readonly maxArrivals?: number | undefined;
}

/** A row that cannot be read: the reader of the file adds where it is, or passes over it. */
export class BadRow extends InputError {}

const check = (options: TraceOptions, name: 'timeScale' | 'rateScale') => {
  const value = options[name] ?? 1;
  if (!(value > 0 && value < Infinity))
    throw new InputError(`invalid ${name}: ${value} (expected a number above 0)`);
  return value;
};

/** The options with defaults filled in. Throws an InputError where they make no sense. */
export function withDefaults(options: TraceOptions) {
  const {from = 0, to = Infinity} = options;
  if (!(from >= 0 && from < to))
    throw new InputError(`invalid window: from ${from} ns to ${to} ns (expected 0 <= from < to)`);
  return {
    format: options.format,
    columns: options.columns,
    from,
    to,
    timeScale: check(options, 'timeScale'),
    rateScale: check(options, 'rateScale'),
    sort: options.sort ?? false,
    onBadRow: options.onBadRow ?? 'fail',
    spread: options.spread ?? 'uniform',
    seed: options.seed ?? 1,
    maxArrivals: options.maxArrivals ?? 50e6,
  } as const;
}

/** Trace options without gaps. */
export type ResolvedOptions = ReturnType<typeof withDefaults>;
