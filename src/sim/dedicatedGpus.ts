import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gpu} from './gpu.ts';
import type {LaneSteps} from './laneSteps.ts';
import {wholeNs} from './wholeNs.ts';

/** A GPU for every lane. Nobody shares it, so when a step starts it is known when it ends: one event a step. */
export class DedicatedGpus implements Gpu {
  nextEventAt: Nanoseconds = Infinity;
  private readonly steps: LaneSteps;
  private readonly startedAt: Float64Array;
  private readonly workNs: Float64Array;
  /** The lanes that hold a launch, in a ring; the one at `head` is due first. */
  private readonly busy: Int32Array;
  /** When their steps end, in the same order. */
  private readonly endsAt: Float64Array;
  private readonly mask: number;
  private head = 0;
  private busyCount = 0;
  private endedSmNs: Nanoseconds = 0;

  constructor(lanes: number, steps: LaneSteps) {
    this.steps = steps;
    this.startedAt = new Float64Array(lanes);
    this.workNs = new Float64Array(lanes);
    let places = 1;
    while (places < lanes) places *= 2;
    this.busy = new Int32Array(places);
    this.endsAt = new Float64Array(places);
    this.mask = places - 1;
  }

  begin(lane: number, startsAt: Nanoseconds): void {
    this.start(lane, startsAt);
    this.nextEventAt = this.endsAt[this.head];
  }

  /** Ends the steps that are due next, in the order in which they were submitted. */
  step(): void {
    const {busy, endsAt, steps} = this;
    const time = this.nextEventAt;
    while (this.busyCount > 0 && endsAt[this.head] === time) {
      const lane = busy[this.head];
      this.head = (this.head + 1) & this.mask;
      this.busyCount--;
      this.endedSmNs += steps.smShare[lane] * this.workNs[lane];
      const startsAt = steps.end(lane, time);
      if (startsAt < Infinity) this.start(lane, startsAt);
    }
    this.nextEventAt = this.busyCount > 0 ? endsAt[this.head] : Infinity;
  }

  smNs(time: Nanoseconds): Nanoseconds {
    let ns = this.endedSmNs;
    for (let i = this.busyCount - 1; i >= 0; i--) {
      const lane = this.busy[(this.head + i) & this.mask];
      ns += this.steps.smShare[lane] * Math.max(0, time - this.startedAt[lane]);
    }
    return ns;
  }

  private start(lane: number, at: Nanoseconds): void {
    const {busy, endsAt, head, mask} = this;
    const ns = this.steps.begin(lane, at);
    const end = at + wholeNs(ns);
    this.workNs[lane] = ns;
    this.startedAt[lane] = at;
    // From the back, as what starts last mostly ends last.
    let i = (head + this.busyCount++) & mask;
    while (i !== head) {
      const before = (i - 1) & mask;
      if (endsAt[before] <= end) break;
      endsAt[i] = endsAt[before];
      busy[i] = busy[before];
      i = before;
    }
    endsAt[i] = end;
    busy[i] = lane;
  }
}
