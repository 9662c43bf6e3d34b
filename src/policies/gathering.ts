import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {SlackQueue} from './slackQueue.ts';
import type {Timeliness} from './timeliness.ts';

/** Streams that were ready together but did not fit, set aside while a launch is gathered. */
const mostAside = 16;

/** Gathers what runs in one launch with a kernel that has been taken, most urgent first. */
export class Gathering {
  /** How many kernels all that was gathered runs in common. */
  steps = 1;
  /** Whether its kernels are of different classes. */
  isMixed = false;
  /** Kernels of a stride in which all go, or 0; whether the first one ends within it. */
  private stride = 0;
  private isEnding = false;
  private readonly timeliness: Timeliness;
  private readonly aside = new Int32Array(mostAside);

  constructor(timeliness: Timeliness) {
    this.timeliness = timeliness;
  }

  /**
   * Begins with one kernel alone, which runs `steps`. In strides of so many those whose programs end within one go apart from the
   * others: they would put those off.
   */
  begin(steps: number, stride = 0): void {
    this.steps = steps;
    this.stride = stride;
    this.isEnding = steps < stride;
    this.isMixed = false;
  }

  /**
   * Takes kernels of a group from its queue until there are `most`; the first one is at `cursor`. Those take part first
   * that can be in time if they complete after `completionNs`; where all fit, nobody asks in what order.
   */
  gather(
    group: number,
    queue: SlackQueue,
    cursor: number,
    most: number,
    completionNs: Nanoseconds,
    lateFirst: boolean,
    situation: Situation,
  ): void {
    if (situation.taken + situation.ready.count[group] <= most && this.takeAll(group, cursor, situation)) {
      queue.clear();
      return;
    }
    const {streams, programs} = situation;
    const {classes} = programs;
    // Whoever would halve the launch waits for one that goes its way.
    const fewest = Math.ceil(this.steps / 2);
    let aside = 0;
    let taken = situation.taken;
    while (taken < most && aside < mostAside) {
      const slot = queue.take(lateFirst, completionNs, this.timeliness, situation);
      if (slot < 0) break;
      const other = streams.cursor[slot];
      if (classes[other] !== classes[cursor]) this.isMixed = true;
      const agreed = this.isMixed ? 1 : programs.agreement(cursor, other, this.steps);
      if (agreed < fewest || this.isOutOfStride(other, programs)) {
        this.aside[aside++] = slot;
        continue;
      }
      this.steps = agreed;
      situation.take(slot);
      taken++;
    }
    while (aside > 0) {
      const slot = this.aside[--aside];
      queue.push(slot, situation.latestStart(slot), situation);
    }
  }

  /** Whether a stream at `cursor` ends within a stride and the first one does not, or the other way round. */
  private isOutOfStride(cursor: number, {classes}: Situation['programs']): boolean {
    const {stride} = this;
    if (stride === 0) return false;
    let steps = 1;
    while (steps < stride && classes[cursor + steps] >= 0) steps++;
    return steps < stride !== this.isEnding;
  }

  /** Takes all that is ready of a group, unless one would halve the launch, is out of stride or is of another class. */
  private takeAll(group: number, cursor: number, situation: Situation): boolean {
    const {ready, streams, programs} = situation;
    const {classes} = programs;
    const fewest = Math.ceil(this.steps / 2);
    let {steps} = this;
    for (let slot = ready.first(group); slot >= 0; slot = ready.next(slot)) {
      const other = streams.cursor[slot];
      if (classes[other] !== classes[cursor]) return false;
      steps = programs.agreement(cursor, other, steps);
      if (steps < fewest || this.isOutOfStride(other, programs)) return false;
    }
    this.steps = steps;
    situation.takeGroup(group, ready.count[group]);
    return true;
  }
}
