/** Time since the run began, or a length of time, in whole nanoseconds. Exact up to 104 days (2^53 ns). */
export type Nanoseconds = number;

/** The passing of time: virtual in a simulation, the machine's monotonic clock on a GPU. */
export interface Clock {
  /** Time since the run began. Never goes back; in a simulation it also moves while the host works. */
  now(): Nanoseconds;
}
