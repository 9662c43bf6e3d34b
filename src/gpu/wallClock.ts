import type {Clock, Nanoseconds} from '../scheduler/clock.ts';

/**
 * The machine's monotonic clock in ns since a moment: by the addon (`loadAddon().nowNs`), or by Node where there is no
 * addon. Only differences mean anything, and only of readings from one source.
 */
export type MonotonicSource = () => number;

/** Node's own monotonic clock, for live runs without a GPU. */
export function hostNanoseconds(): number {
  return Math.round(performance.now() * 1e6);
}

/** Real time: whole nanoseconds since the run began, by the monotonic clock that device times are mapped to. */
export class WallClock implements Clock {
  /** The source's reading at which the run began. */
  origin: number;
  private readonly source: MonotonicSource;

  /** Processes that take part in one run share `origin`; by default the run begins now. */
  constructor(source: MonotonicSource = hostNanoseconds, origin: number = source()) {
    this.source = source;
    this.origin = origin;
  }

  /** Begins the run anew: what was set up before does not count. */
  restart(): void {
    this.origin = this.source();
  }

  now(): Nanoseconds {
    return this.source() - this.origin;
  }
}
