import {InputError} from '../../scheduler/errors.ts';
import type {Nanoseconds} from '../../scheduler/clock.ts';

/** More arrivals than any run needs (1 GiB of times); a rate or a duration of the wrong unit is the likely cause. */
const mostArrivals = 2 ** 27;

/** Arrival times being drawn: a Float64Array that grows, holding whole nanoseconds. */
export class TimeList {
  private times: Float64Array;
  private length = 0;

  /** `expected` arrivals fit without growing. */
  constructor(expected: number) {
    if (expected > mostArrivals)
      throw new InputError(
        `too many arrivals: about ${Math.round(expected)} (expected at most ${mostArrivals}; check the units of rate and duration)`,
      );
    this.times = new Float64Array(Math.ceil(expected + 4 * Math.sqrt(expected)) + 16);
  }

  /** Appends a time, rounded down to whole nanoseconds. */
  push(at: Nanoseconds): void {
    if (this.length === this.times.length) {
      const grown = new Float64Array(2 * this.length);
      grown.set(this.times);
      this.times = grown;
    }
    this.times[this.length++] = Math.floor(at);
  }

  /** The times pushed so far; the list is not used after this. */
  take(): Float64Array {
    return this.times.slice(0, this.length);
  }
}
