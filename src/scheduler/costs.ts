import type {Nanoseconds} from './clock.ts';
import type {SharingTerms} from './sharingTerms.ts';

/**
 * What the device profile predicts, by shape class. Policies decide by it, and every launch carries its prediction so
 * that it can be compared with what the device then took.
 *
 * Classes are ids of `KernelClasses`, methods indices of `methods`.
 */
export interface Costs {
  /** Time on an idle device of a superkernel of `size` members of class `cls`, executed by `method`. */
  durationNs(cls: number, size: number, method: number): Nanoseconds;

  /** The method that takes the least time for `size` members: the pay-off table. Grouped only where it saves a fifth. */
  bestMethod(cls: number, size: number): number;

  /** Time on an idle device by the best method. */
  bestNs(cls: number, size: number): Nanoseconds;

  /** Time on an idle device of one grouped launch of mixed shapes: the first `size` entries of `classes`. */
  mixedNs(classes: Int32Array, size: number): Nanoseconds;

  /** Time that the host is busy submitting one launch. Of mixed shapes: as if all members were of the first one's. */
  submitNs(cls: number, size: number, method: number): Nanoseconds;

  /** Time that the host is busy submitting each further step of a launch: no new ticket, no new flag. */
  followNs(cls: number, size: number, method: number): Nanoseconds;

  /** Host time of a launch that deciding takes besides: as it is made, and again as its end is seen. */
  readonly launchNs: Nanoseconds;

  /**
   * Host time, for each member of a launch but the first, that deciding takes besides: as the launch is made, and again as its end is seen.
   */
  readonly memberNs: number;

  /** Idle time of a lane before each further step of a launch. */
  readonly stepGapNs: Nanoseconds;

  /** Share (0 to 1] of the device's resident-block capacity that a superkernel fills while it runs alone. */
  smShare(cls: number, size: number, method: number): number;

  /** Share (0 to 1) of the memory bandwidth that a superkernel uses while it runs alone. */
  bandwidthShare(cls: number, size: number, method: number): number;

  /** How much a superkernel suffers from what runs beside it; see `SharingTerms`. */
  exposure(cls: number, size: number, method: number): number;

  /** How much it presses on others, for each share of the device that it takes; see `SharingTerms`. */
  pressure(cls: number, size: number, method: number): number;

  /** How launches side by side slow each other. */
  readonly sharing: SharingTerms;
}
