import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {InFlight} from './inFlight.ts';
import type {SlackQueue} from './slackQueue.ts';

/** Time between two fruitless looks at all groups: less than a launch takes, more than most decisions are apart. */
const fillEveryNs: Nanoseconds = 20_000;
/** Groups that one look goes through, in turn. */
const mostGroups = 12;

/** Tells whether a launch around a kernel fits beside what is in flight, and ends by `endsAt`. */
export type Fits = (slot: number, endsAt: Nanoseconds, situation: Situation) => boolean;

/** Seeks, while the most urgent kernel is delayed, the most urgent one of another group that fills what it leaves idle. */
export class Fillers {
  private readonly groups: readonly SlackQueue[];
  private readonly inFlight: InFlight;
  private readonly fits: Fits;
  /** The place among the groups that hold something from which to look on. */
  private from = 0;
  /** When to look again. */
  private lookAt: Nanoseconds = 0;

  /** `groups` holds what is ready by group. */
  constructor(groups: readonly SlackQueue[], inFlight: InFlight, fits: Fits) {
    this.groups = groups;
    this.inFlight = inFlight;
    this.fits = fits;
  }

  /** The kernel, or -1. */
  choose(situation: Situation): number {
    const {ready, streams, now} = situation;
    const count = ready.nonEmptyCount;
    if (now < this.lookAt || count < 2 || !this.inFlight.hasIdle()) return -1;
    const endsAt = this.inFlight.allEndAt();
    let best = -1;
    let bestStart = Infinity;
    for (let i = Math.min(mostGroups, count); i > 0; i--) {
      if (++this.from >= count) this.from = 0;
      const slot = this.groups[ready.nonEmpty[this.from]].onTime.top(streams);
      if (slot < 0) continue;
      const start = situation.latestStart(slot);
      if (start >= bestStart || !this.fits(slot, endsAt, situation)) continue;
      best = slot;
      bestStart = start;
    }
    if (best < 0) this.lookAt = now + fillEveryNs;
    return best;
  }
}
