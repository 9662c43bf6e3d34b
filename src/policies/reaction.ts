import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';

/** The mean remembers some as many launches: of fewer it would move all the time, and all plans with it. */
const remembered = 512;
/** What is assumed before any was seen. */
const firstNs: Nanoseconds = 5_000;
/** No single one counts for more: a pause of the host's is no property of it. */
const mostNs: Nanoseconds = 30_000;
/** Nor does a single submission for more than so many times what was foreseen, for the same reason. */
const mostPace = 4;
/** Plans are made again when the mean has moved by this share. */
const drift = 0.25;

/** How long it takes from the end of a launch on the device until the policy can decide upon it, as it turns out. */
export class Reaction {
  ns = firstNs;
  /** Changes when plans should be made again. */
  version = 0;
  /** How many times as long as the profile has it a launch takes from the decision until the device has it. */
  pace = 1;
  private plannedNs = firstNs;
  private count = 15;

  /** The device had a launch `ns` after the decision, where the profile has `predictedNs`; 0 where the host costs nothing. */
  released(ns: Nanoseconds, predictedNs: Nanoseconds): void {
    if (!(predictedNs > 0)) return;
    this.pace += (Math.min(mostPace, ns / predictedNs) - this.pace) / remembered;
  }

  /** A launch that ended at `endedAt` is seen at `now`. */
  seen(endedAt: Nanoseconds, now: Nanoseconds): void {
    if (!(endedAt <= now)) return;
    if (this.count < remembered) this.count++;
    this.ns += (Math.min(mostNs, now - endedAt) - this.ns) / this.count;
    if (Math.abs(this.ns - this.plannedNs) <= drift * this.plannedNs) return;
    this.plannedNs = this.ns;
    this.version++;
  }
}

/** From a decision until the device has the launch, as the profile has it. */
export function releaseNs(
  cursor: number,
  size: number,
  method: number,
  {programs, costs}: Situation,
): Nanoseconds {
  const submitNs = costs.submitNs(programs.classes[cursor], size, method);
  return submitNs + costs.launchNs + costs.memberNs * (size - 1);
}
