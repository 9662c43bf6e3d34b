import type {Nanoseconds} from '../scheduler/clock.ts';

/** Weight of the newest launch: the mean remembers some sixteen. */
const weight = 1 / 16;
/** What is assumed before any was seen. */
const firstNs: Nanoseconds = 5_000;
/** No single one counts for more: a pause of the host's is no property of it. */
const mostNs: Nanoseconds = 30_000;
/** Plans are made again when the mean has moved by this share. */
const drift = 0.25;

/** How long it takes from the end of a launch on the device until the policy can decide upon it, as it turns out. */
export class Reaction {
  ns = firstNs;
  /** Changes when plans should be made again. */
  version = 0;
  private plannedNs = firstNs;

  /** A launch that ended at `endedAt` (NaN where the device cannot tell) is seen at `now`. */
  seen(endedAt: Nanoseconds, now: Nanoseconds): void {
    if (!(endedAt <= now)) return;
    this.ns += weight * (Math.min(mostNs, now - endedAt) - this.ns);
    if (Math.abs(this.ns - this.plannedNs) <= drift * this.plannedNs) return;
    this.plannedNs = this.ns;
    this.version++;
  }
}
