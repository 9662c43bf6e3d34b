import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Launch} from '../scheduler/launch.ts';

/** The means remember some as many launches: of fewer they would move all the time, and all plans with them. */
const remembered = 512;
/** What is assumed before any was seen, which counts as much as so many. */
const firstNs: Nanoseconds = 5_000;
const first = 15;
/** No single one counts for more: a pause of the host's is no property of it. */
const mostNs: Nanoseconds = 30_000;
/** Plans are made again when a mean has moved by this share, or by so much. */
const drift = 0.25;
const leastDriftNs: Nanoseconds = 1_000;

/** A running mean that tells when it has moved. */
class Mean {
  ns: Nanoseconds;
  private plannedNs: Nanoseconds;
  private count = first;

  constructor(ns: Nanoseconds) {
    this.ns = this.plannedNs = ns;
  }

  /** Whether what was planned with it is out of date now. */
  add(ns: Nanoseconds): boolean {
    if (this.count < remembered) this.count++;
    this.ns += (Math.min(mostNs, ns) - this.ns) / this.count;
    if (Math.abs(this.ns - this.plannedNs) <= Math.max(leastDriftNs, drift * this.plannedNs)) return false;
    this.plannedNs = this.ns;
    return true;
  }
}

/**
 * How long it takes from the end of a launch on the device until the next has left the host, as it turns out: until the policy can
 * decide, and what deciding and submitting take more than the costs say, of launches of one member and of several.
 */
export class Reaction {
  /** Changes when plans should be made again. */
  version = 0;
  private readonly untilSeen = new Mean(firstNs);
  private readonly single = new Mean(0);
  private readonly coalesced = new Mean(0);

  /** From the end until a launch of so many members has left the host, less what the costs say that submitting takes. */
  ns(size: number): Nanoseconds {
    const {ns} = size > 1 ? this.coalesced : this.single;
    return this.untilSeen.ns + Math.max(0, ns);
  }

  /** A launch that ended at `endedAt` (NaN where the device cannot tell) is seen at `now`. */
  seen(endedAt: Nanoseconds, now: Nanoseconds): void {
    if (endedAt <= now && this.untilSeen.add(now - endedAt)) this.version++;
  }

  /** A launch has left the host, which was to take `expectedNs` for it. */
  submitted({size, decidedAt, releasedAt}: Launch, expectedNs: Nanoseconds): void {
    const mean = size > 1 ? this.coalesced : this.single;
    if (mean.add(releasedAt - decidedAt - expectedNs)) this.version++;
  }
}
