import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gpu} from './gpu.ts';
import type {LaneSteps} from './laneSteps.ts';
import {wholeNs} from './wholeNs.ts';

/** A GPU for every lane. Nobody shares it, so when a step starts it is known when it ends: one event a step. */
export class DedicatedGpus implements Gpu {
  nextEventAt: Nanoseconds = Infinity;
  private readonly steps: LaneSteps;
  private readonly startedAt: Float64Array;
  private readonly endsAt: Float64Array;
  private readonly workNs: Float64Array;
  /** The lanes that hold a launch, sorted: the last one is due first. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  private endedSmNs: Nanoseconds = 0;

  constructor(lanes: number, steps: LaneSteps) {
    this.steps = steps;
    this.startedAt = new Float64Array(lanes);
    this.endsAt = new Float64Array(lanes);
    this.workNs = new Float64Array(lanes);
    this.busy = new Int32Array(lanes);
  }

  begin(lane: number, startsAt: Nanoseconds): void {
    this.start(lane, startsAt);
    this.nextEventAt = this.endsAt[this.busy[this.busyCount - 1]];
  }

  /** Ends the steps that are due next, in the order in which they were submitted. */
  step(): void {
    const {busy, endsAt, steps} = this;
    const time = this.nextEventAt;
    while (this.busyCount > 0 && endsAt[busy[this.busyCount - 1]] === time) {
      const lane = busy[--this.busyCount];
      this.endedSmNs += steps.smShare[lane] * this.workNs[lane];
      const startsAt = steps.end(lane, time);
      if (startsAt < Infinity) this.start(lane, startsAt);
    }
    this.nextEventAt = this.busyCount > 0 ? endsAt[busy[this.busyCount - 1]] : Infinity;
  }

  smNs(time: Nanoseconds): Nanoseconds {
    let ns = this.endedSmNs;
    for (let i = 0; i < this.busyCount; i++) {
      const lane = this.busy[i];
      ns += this.steps.smShare[lane] * Math.max(0, time - this.startedAt[lane]);
    }
    return ns;
  }

  private start(lane: number, at: Nanoseconds): void {
    const {busy, endsAt} = this;
    const ns = this.steps.begin(lane, at);
    const end = at + wholeNs(ns);
    this.workNs[lane] = ns;
    this.startedAt[lane] = at;
    endsAt[lane] = end;
    let i = this.busyCount++;
    for (; i > 0 && endsAt[busy[i - 1]] <= end; i--) busy[i] = busy[i - 1];
    busy[i] = lane;
  }
}
