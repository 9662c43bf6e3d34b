import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gpu} from './gpu.ts';
import type {LaneSteps} from './laneSteps.ts';
import {slowdownAmong} from './sharing.ts';
import type {Sharing} from './sharing.ts';
import {TimeSlices} from './timeSlices.ts';
import type {Contexts} from './timeSlices.ts';
import {wholeNs} from './wholeNs.ts';

const idle = 0;
/** The lane's step may not start yet: it is in the host's hands, in the gap behind the last one, or at the front end. */
const waiting = 1;
const running = 2;

/**
 * One GPU that all lanes share. Between two events all steps on the device run at constant rates. Where one starts or ends
 * they are timed anew in a single pass, which is O(lanes on the device); nothing else that happens goes through them.
 */
export class SharedGpu implements Gpu, Contexts {
  nextEventAt: Nanoseconds = Infinity;
  readonly count: number;
  private readonly steps: LaneSteps;
  private readonly sharing: Sharing;
  private readonly startIntervalNs: Nanoseconds;
  private readonly slices: TimeSlices | null;
  /** Whether a lane whose step has started may have to wait for its context's turn, or for a hardware queue. */
  private readonly mayStall: boolean;
  /** Everything before it has been simulated. */
  private time: Nanoseconds = 0;
  /** When the front end can start another kernel. */
  private startFreeAt: Nanoseconds = 0;
  private readonly phase: Uint8Array;
  /** When the step that waits could start, or the one that runs ends; Infinity while that stalls. */
  private readonly dueAt: Float64Array;
  /** What is left of the lane's step, in ns alone on the device. */
  private readonly workLeft: Float64Array;
  /** How fast it runs: 1 is alone. */
  private readonly rate: Float64Array;
  /** The lanes that hold a launch, in the order in which they became busy. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  /** The lanes whose steps wait, and those on the device, by when they are due; equal ones as in `busy`. */
  private readonly waitingLanes: Int32Array;
  private waitingCount = 0;
  private readonly runningLanes: Int32Array;
  private runningCount = 0;
  /** When those on the device were timed: up to then their work has been taken off. */
  private timedAt: Nanoseconds = 0;
  /** Sums over them. */
  private sm = 0;
  private wanted = 0;
  private pressure = 0;
  /** The share of the SMs in use. */
  private runningSm = 0;
  private pastSmNs: Nanoseconds = 0;

  constructor(lanes: number, steps: LaneSteps, sharing: Sharing, startIntervalNs: Nanoseconds) {
    this.count = lanes;
    this.steps = steps;
    this.sharing = sharing;
    this.startIntervalNs = startIntervalNs;
    this.slices = sharing.scheme === 'time-slice' ? new TimeSlices(this, sharing) : null;
    this.mayStall = this.slices !== null || lanes > sharing.maxConcurrent;
    this.phase = new Uint8Array(lanes);
    this.dueAt = new Float64Array(lanes);
    this.workLeft = new Float64Array(lanes);
    this.rate = new Float64Array(lanes);
    this.busy = new Int32Array(lanes);
    this.waitingLanes = new Int32Array(lanes);
    // Those that have just ended are still in front while as many start.
    this.runningLanes = new Int32Array(2 * lanes);
  }

  begin(lane: number, startsAt: Nanoseconds, now: Nanoseconds): void {
    if (this.slices !== null) this.catchUp(now);
    this.busy[this.busyCount++] = lane;
    this.wait(lane, startsAt);
    // What has not started changes no rate, but it may give a context its turn.
    if (this.slices !== null) {
      this.schedule(0);
    } else {
      const next = this.nextStartAt();
      if (next < this.nextEventAt) this.nextEventAt = next;
    }
  }

  step(): void {
    this.moveTo(this.nextEventAt);
    const ended = this.endDue();
    this.startDue();
    this.schedule(ended);
  }

  smNs(time: Nanoseconds): Nanoseconds {
    return this.pastSmNs + Math.max(0, time - this.time) * this.runningSm;
  }

  /** A context keeps its turn in the gap between two kernels that it has queued. */
  isRunnable(lane: number): boolean {
    const phase = this.phase[lane];
    if (phase === idle || phase === running) return phase === running;
    return this.startsAt(lane) <= this.time + this.steps.longestGapNs;
  }

  isOtherRunnable(lane: number): boolean {
    for (let i = 0; i < this.busyCount; i++) {
      if (this.busy[i] !== lane && this.isRunnable(this.busy[i])) return true;
    }
    return false;
  }

  private catchUp(time: Nanoseconds): void {
    while (this.nextEventAt <= time) this.step();
    this.moveTo(time);
  }

  /** Lets time pass with no event in between. */
  private moveTo(time: Nanoseconds): void {
    const elapsed = time - this.time;
    if (elapsed <= 0) return;
    this.time = time;
    this.pastSmNs += elapsed * this.runningSm;
  }

  /** Ends the steps that are due; returns how many, which are still in front of the lanes on the device. */
  private endDue(): number {
    const {runningLanes, runningCount, dueAt, time} = this;
    let ended = 0;
    while (ended < runningCount && dueAt[runningLanes[ended]] <= time) this.end(runningLanes[ended++]);
    return ended;
  }

  private end(lane: number): void {
    const {steps} = this;
    this.sm -= steps.smShare[lane];
    this.wanted -= steps.share[lane];
    this.pressure -= steps.pressure[lane];
    const startsAt = steps.end(lane, this.time);
    if (startsAt < Infinity) this.wait(lane, startsAt);
    else this.becomeIdle(lane);
  }

  private becomeIdle(lane: number): void {
    const {busy} = this;
    this.phase[lane] = idle;
    const count = --this.busyCount;
    for (let i = this.placeOf(lane); i < count; i++) busy[i] = busy[i + 1];
  }

  private wait(lane: number, startsAt: Nanoseconds): void {
    const {waitingLanes, dueAt} = this;
    this.phase[lane] = waiting;
    dueAt[lane] = startsAt;
    // What waits last is mostly due last.
    let place = this.waitingCount++;
    for (; place > 0 && this.isDueAfter(waitingLanes[place - 1], lane); place--)
      waitingLanes[place] = waitingLanes[place - 1];
    waitingLanes[place] = lane;
  }

  /** Of lanes that are due at once, the one that became busy first is first. */
  private isDueAfter(lane: number, other: number): boolean {
    const {dueAt} = this;
    if (dueAt[lane] !== dueAt[other]) return dueAt[lane] > dueAt[other];
    return this.placeOf(lane) > this.placeOf(other);
  }

  /** The place of a lane in `busy`; looked up, as it is seldom asked. */
  private placeOf(lane: number): number {
    const {busy} = this;
    let i = 0;
    while (busy[i] !== lane) i++;
    return i;
  }

  /** Starts the steps that are due. They go through the front end, which takes one at a time, first come, first served. */
  private startDue(): void {
    for (let at = this.nextStartAt(); at <= this.time; at = this.nextStartAt()) {
      const {waitingLanes} = this;
      const lane = waitingLanes[0];
      const count = --this.waitingCount;
      for (let i = 0; i < count; i++) waitingLanes[i] = waitingLanes[i + 1];
      if (this.startIntervalNs > 0) this.startFreeAt = at + this.startIntervalNs;
      this.start(lane, at);
    }
  }

  /** When the front end starts a step next. */
  private nextStartAt(): Nanoseconds {
    if (this.waitingCount === 0) return Infinity;
    const at = this.dueAt[this.waitingLanes[0]];
    return at > this.startFreeAt ? at : this.startFreeAt;
  }

  /** When a step that waits starts, as far as that is settled. */
  private startsAt(lane: number): Nanoseconds {
    const {dueAt, waitingLanes} = this;
    if (dueAt[lane] > this.time) return dueAt[lane];
    let freeAt = this.startFreeAt;
    for (let i = 0; ; i++) {
      const at = Math.max(dueAt[waitingLanes[i]], freeAt);
      if (waitingLanes[i] === lane) return at;
      freeAt = at + this.startIntervalNs;
    }
  }

  private start(lane: number, startsAt: Nanoseconds): void {
    this.workLeft[lane] = this.steps.begin(lane, startsAt);
    this.rate[lane] = 0;
    this.phase[lane] = running;
    this.putOn(lane);
  }

  /** The lane's step goes on the device, as the last one until it is timed. */
  private putOn(lane: number): void {
    const {steps} = this;
    this.runningLanes[this.runningCount++] = lane;
    this.sm += steps.smShare[lane];
    this.wanted += steps.share[lane];
    this.pressure += steps.pressure[lane];
  }

  /**
   * Chooses which of the steps that have started are on the device; the others stall. Returns when the contexts have to be
   * looked at again.
   */
  private choose(): Nanoseconds {
    const {busy, busyCount, phase, dueAt, slices, time} = this;
    let lookAt = slices === null ? Infinity : slices.turn(time);
    this.runningCount = 0;
    this.pressure = this.wanted = this.sm = 0;
    for (let i = 0; i < busyCount; i++) {
      const lane = busy[i];
      if (phase[lane] !== running) {
        // Contexts may change turns when a step comes to the front end, even if that is not free.
        if (dueAt[lane] > time && dueAt[lane] < lookAt) lookAt = dueAt[lane];
        continue;
      }
      const fits = this.runningCount < this.sharing.maxConcurrent;
      if (fits && (slices === null || slices.isActive(lane, time))) {
        this.putOn(lane);
      } else {
        dueAt[lane] = Infinity;
        this.rate[lane] = 0;
      }
    }
    return lookAt;
  }

  /** Takes off what the steps on the device have done since they were timed. */
  private takeOff(ended: number): void {
    const {runningLanes, runningCount, workLeft, rate, time} = this;
    const elapsed = time - this.timedAt;
    for (let i = ended; i < runningCount; i++) {
      const lane = runningLanes[i];
      workLeft[lane] -= elapsed * rate[lane];
    }
    this.timedAt = time;
  }

  /**
   * Takes off what the steps on the device have done since they were timed, times them anew, and finds out when the next
   * event is due. The first `ended` of them are no longer there.
   *
   * In one piece, as V8 inlines no function that is so long (460 bytes of its code): within its callers the loop would
   * exceed what it inlines in all, and every number that crosses a call in it would be allocated.
   */
  private schedule(ended: number): void {
    const {runningLanes, workLeft, rate, dueAt, steps, time} = this;
    // Of an object made here V8 keeps the terms in registers.
    const {interference, crowding} = this.sharing;
    const terms = {interference, crowding};
    let next = Infinity;
    let first = ended;
    if (this.mayStall) {
      this.takeOff(ended);
      next = this.choose();
      first = 0;
    }
    const {runningCount, pressure: all} = this;
    const {pressure, exposure} = steps;
    const short = this.wanted > 1 ? all : 0;
    const elapsed = time - this.timedAt;
    let count = 0;
    let last = -Infinity;
    for (let i = first; i < runningCount; i++) {
      const lane = runningLanes[i];
      const slowed = slowdownAmong(terms, exposure[lane], all - pressure[lane], short);
      const left = workLeft[lane] - elapsed * rate[lane];
      workLeft[lane] = left;
      rate[lane] = 1 / slowed;
      const endsAt = time + wholeNs(left * slowed);
      dueAt[lane] = endsAt;
      let place = count++;
      // Their order hardly changes.
      if (endsAt > last) {
        last = endsAt;
      } else {
        for (; place > 0 && this.isDueAfter(runningLanes[place - 1], lane); place--)
          runningLanes[place] = runningLanes[place - 1];
      }
      runningLanes[place] = lane;
    }
    this.runningCount = count;
    this.timedAt = time;
    this.runningSm = this.sm < 1 ? this.sm : 1;
    if (count > 0 && dueAt[runningLanes[0]] < next) next = dueAt[runningLanes[0]];
    const startAt = this.nextStartAt();
    this.nextEventAt = startAt < next ? startAt : next;
  }
}
