import type {Clock, Nanoseconds} from '../scheduler/clock.ts';

/** A clock that the simulated device moves: to the next event while the host waits, by the host's work while it works. */
export class VirtualClock implements Clock {
  /** The present. Only the device writes it, and never back. */
  time: Nanoseconds = 0;

  now(): Nanoseconds {
    return this.time;
  }
}
