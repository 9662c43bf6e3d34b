import type {Nanoseconds} from '../scheduler/clock.ts';

/** The device's side of a simulation: runs the steps of the lanes' launches, from event to event. */
export interface Gpu {
  /** When something happens next: a step starts or ends, a context gets its turn. Infinity while nothing can. */
  readonly nextEventAt: Nanoseconds;
  /** Simulates up to the next event and handles it. */
  step(): void;
  /** An idle lane holds a launch that has been released to start at `startsAt`; the host turned to it at `now`. */
  begin(lane: number, startsAt: Nanoseconds, now: Nanoseconds): void;
  /** Time integral of the SM share in use until `time`, up to which all events have been handled, in ns. */
  smNs(time: Nanoseconds): Nanoseconds;
}
