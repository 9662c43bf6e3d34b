import type {Nanoseconds} from '../scheduler/clock.ts';
import {InputError} from '../scheduler/errors.ts';

/** The stretch of a run that is measured: from the end of the warm-up up to, not including, `endNs`. */
export interface Window {
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
}

export function checkWindow({startNs, endNs}: Window): void {
  if (!(startNs >= 0 && endNs > startNs && Number.isFinite(endNs)))
    throw new InputError(`invalid window: ${startNs} to ${endNs} ns (expected an end after the warm-up)`);
}
