import type {Nanoseconds} from '../scheduler/clock.ts';

/** Work below this many ns counts as done: what floating-point subtraction leaves over. */
const workEpsilon = 1e-6;

/** Whole ns, rounded up, so that a step is over when its event comes. */
export function wholeNs(ns: number): Nanoseconds {
  return Math.ceil(ns - workEpsilon);
}
