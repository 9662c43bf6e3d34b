import type {Nanoseconds} from './clock.ts';

/**
 * So many steps of a launch that takes arrays of pointers, or about so many that are whole periods of its program (`stopEvery`), go to
 * the device as one, with the pointers of all: it may begin when it has them all.
 */
export const recordedSteps = 16;

/** A launch of a whole program goes to the device as one, too, where the program has no more kernels than this. */
export const longestWhole = 2 * recordedSteps;

/**
 * Runs that end elsewhere than at such a multiple before their program's end do so at a multiple of this: a live
 * device has recorded launches of so many steps too, while others cost the host a call for every kernel.
 */
export const shortRecordedSteps = 4;

/**
 * A superkernel on its way: the heads of `size` streams, executed as one by `method` on a lane, then the same streams'
 * following kernels up to `steps` in all. Launches are pooled and reused: copy what has to outlive the completion.
 */
export class Launch {
  /** Counts launches of the run from 0. */
  id = 0;
  lane = 0;
  /** Shape class of the first step, -1 where the members' classes differ (grouped). For padding, the common shape. */
  cls = 0;
  /** Index into `methods`. */
  method = 0;
  size = 0;
  /** How many consecutive kernels of each member run: 1, or more where a lane runs ahead without asking the host. */
  steps = 1;
  /** The members' stream slots are `members[0..size)`. */
  readonly members: Int32Array;
  /** The members' own classes at the first step. */
  readonly classes: Int32Array;
  /** What the profile predicts of an idle device: all steps, and the gaps between them. */
  predictedNs: Nanoseconds = 0;
  /** When the policy decided. */
  decidedAt: Nanoseconds = 0;
  /** When the submission began, and when the device had what it takes to begin: the first step, of the first member. */
  submittedAt: Nanoseconds = 0;
  releasedAt: Nanoseconds = 0;
  /** When the last of its steps had; only simulated devices tell. */
  lastReleasedAt: Nanoseconds = 0;
  /** The device's own start and end, on the run's clock. Where it cannot tell: NaN, and when the host saw the end. */
  startedAt: Nanoseconds = 0;
  finishedAt: Nanoseconds = 0;
  /** When it ended on the device as far as is known, for policies that learn from it; NaN before. */
  endedAt: Nanoseconds = NaN;
  /** True where the device reports that the launch failed; its members then run again. */
  failed = false;
  /** The one behind it, in the only list that holds it: in line on a simulated device, or unused. */
  next: Launch | null = null;

  constructor(maxSize: number) {
    this.members = new Int32Array(maxSize);
    this.classes = new Int32Array(maxSize);
  }
}
