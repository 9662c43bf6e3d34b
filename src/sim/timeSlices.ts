import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Sharing} from './sharing.ts';

/** The lanes as contexts. */
export interface Contexts {
  readonly count: number;
  /** Whether the lane has a launch on the device, or has one after a gap. */
  isRunnable(lane: number): boolean;
  /** Whether a lane other than this one has. */
  isOtherRunnable(lane: number): boolean;
}

/** Time slicing: every lane is a context, and one context at a time has the device, in turn. */
export class TimeSlices {
  private readonly contexts: Contexts;
  private readonly sharing: Sharing;
  /** The lane whose context is on the device, when its slice ends, and when the switch to it is over. */
  private active = -1;
  private sliceEndsAt: Nanoseconds = Infinity;
  private switchedAt: Nanoseconds = 0;

  constructor(contexts: Contexts, sharing: Sharing) {
    this.contexts = contexts;
    this.sharing = sharing;
  }

  /** Whether the lane's context is on the device. */
  isActive(lane: number, time: Nanoseconds): boolean {
    return lane === this.active && time >= this.switchedAt;
  }

  /**
   * Gives the device to the next context, round robin, when the slice is over or the active context has nothing to run.
   * Returns when it has to look again.
   */
  turn(time: Nanoseconds): Nanoseconds {
    const {contexts, sharing, active} = this;
    if (time < this.switchedAt) return this.switchedAt;
    const hasWork = active >= 0 && contexts.isRunnable(active);
    if (!hasWork || time >= this.sliceEndsAt) {
      const next = this.nextRunnable();
      if (next >= 0 && next !== active) {
        // The first context of a run finds an empty pipeline and pays no switch.
        const costNs = active < 0 ? 0 : hasWork ? sharing.switchNs : sharing.yieldNs;
        this.switchedAt = time + costNs;
        this.active = next;
        this.sliceEndsAt = this.switchedAt + sharing.sliceNs;
        if (this.switchedAt > time) return this.switchedAt;
      } else if (next >= 0) {
        this.sliceEndsAt = time + sharing.sliceNs;
      }
    }
    // Nobody waits for the end of the slice where the context is alone.
    return contexts.isOtherRunnable(this.active) ? this.sliceEndsAt : Infinity;
  }

  /** The next lane after the active one that has a launch on the device, the active one last; -1 if there is none. */
  private nextRunnable(): number {
    const {contexts, active} = this;
    for (let i = 1; i <= contexts.count; i++) {
      const lane = (active + i) % contexts.count;
      if (contexts.isRunnable(lane)) return lane;
    }
    return -1;
  }
}
