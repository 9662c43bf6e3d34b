import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gpu} from './gpu.ts';
import type {LaneSteps} from './laneSteps.ts';
import {RunningSteps} from './runningSteps.ts';
import type {Sharing} from './sharing.ts';
import {TimeSlices} from './timeSlices.ts';
import type {Contexts} from './timeSlices.ts';

const idle = 0;
/** The lane's step may not start yet: it is in the host's hands, in the gap behind the last one, or at the front end. */
const waiting = 1;
const running = 2;

/** One GPU that all lanes share. What happens to a lane that is not on the device touches no other. */
export class SharedGpu implements Gpu, Contexts {
  nextEventAt: Nanoseconds = Infinity;
  readonly count: number;
  private readonly steps: LaneSteps;
  private readonly sharing: Sharing;
  private readonly startIntervalNs: Nanoseconds;
  private readonly slices: TimeSlices | null;
  /** Whether a lane whose step has started may have to wait for its context's turn, or for a hardware queue. */
  private readonly mayStall: boolean;
  private readonly onDevice: RunningSteps;
  /** When the front end can start another kernel. */
  private startFreeAt: Nanoseconds = 0;
  private readonly phase: Uint8Array;
  /** When the lane's step that waits could start. */
  private readonly dueAt: Float64Array;
  /** What is left of the lane's step that has started and stalls, in ns alone on the device. */
  private readonly workLeft: Float64Array;
  /** The lanes that hold a launch, in the order in which they became busy. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  /** The lanes whose steps wait, by when they are due; equal ones as in `busy`. */
  private readonly waitingLanes: Int32Array;
  private waitingCount = 0;

  constructor(lanes: number, steps: LaneSteps, sharing: Sharing, startIntervalNs: Nanoseconds) {
    this.count = lanes;
    this.steps = steps;
    this.sharing = sharing;
    this.startIntervalNs = startIntervalNs;
    this.slices = sharing.scheme === 'time-slice' ? new TimeSlices(this, sharing) : null;
    this.mayStall = this.slices !== null || lanes > sharing.maxConcurrent;
    this.onDevice = new RunningSteps(lanes, steps, sharing);
    this.phase = new Uint8Array(lanes);
    this.dueAt = new Float64Array(lanes);
    this.workLeft = new Float64Array(lanes);
    this.busy = new Int32Array(lanes);
    this.waitingLanes = new Int32Array(lanes);
  }

  begin(lane: number, startsAt: Nanoseconds, now: Nanoseconds): void {
    if (this.slices !== null) this.catchUp(now);
    this.busy[this.busyCount++] = lane;
    this.wait(lane, startsAt);
    // What has not started changes no rate, but it may give a context its turn.
    if (this.slices !== null) {
      this.schedule();
    } else {
      const next = this.nextStartAt();
      if (next < this.nextEventAt) this.nextEventAt = next;
    }
  }

  step(): void {
    const {onDevice} = this;
    onDevice.moveTo(this.nextEventAt);
    if (onDevice.nextEndAt <= onDevice.time) this.end(onDevice.takeFirst());
    this.startDue();
    this.schedule();
  }

  smNs(time: Nanoseconds): Nanoseconds {
    return this.onDevice.smNs(time);
  }

  /** A context keeps its turn in the gap between two kernels that it has queued. */
  isRunnable(lane: number): boolean {
    const phase = this.phase[lane];
    if (phase === idle || phase === running) return phase === running;
    return this.startsAt(lane) <= this.onDevice.time + this.steps.longestGapNs;
  }

  isOtherRunnable(lane: number): boolean {
    for (let i = 0; i < this.busyCount; i++) {
      if (this.busy[i] !== lane && this.isRunnable(this.busy[i])) return true;
    }
    return false;
  }

  private catchUp(time: Nanoseconds): void {
    while (this.nextEventAt <= time) this.step();
    this.onDevice.moveTo(time);
  }

  private end(lane: number): void {
    const startsAt = this.steps.end(lane, this.onDevice.time);
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
    const {onDevice, waitingLanes} = this;
    for (let at = this.nextStartAt(); at <= onDevice.time; at = this.nextStartAt()) {
      const lane = waitingLanes[0];
      const count = --this.waitingCount;
      for (let i = 0; i < count; i++) waitingLanes[i] = waitingLanes[i + 1];
      if (this.startIntervalNs > 0) this.startFreeAt = at + this.startIntervalNs;
      this.phase[lane] = running;
      onDevice.putOn(lane, this.steps.begin(lane, at));
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
    if (dueAt[lane] > this.onDevice.time) return dueAt[lane];
    let freeAt = this.startFreeAt;
    for (let i = 0; ; i++) {
      const at = Math.max(dueAt[waitingLanes[i]], freeAt);
      if (waitingLanes[i] === lane) return at;
      freeAt = at + this.startIntervalNs;
    }
  }

  /**
   * Chooses which of the steps that have started are on the device; the others stall. Returns when the contexts have to be
   * looked at again.
   */
  private choose(): Nanoseconds {
    const {onDevice, busy, busyCount, phase, dueAt, slices, workLeft, sharing} = this;
    const {time} = onDevice;
    onDevice.takeAllOff(workLeft);
    let lookAt = slices === null ? Infinity : slices.turn(time);
    for (let i = 0; i < busyCount; i++) {
      const lane = busy[i];
      if (phase[lane] !== running) {
        // Contexts may change turns when a step comes to the front end, even if that is not free.
        if (dueAt[lane] > time && dueAt[lane] < lookAt) lookAt = dueAt[lane];
        continue;
      }
      const fits = onDevice.count < sharing.maxConcurrent;
      if (fits && (slices === null || slices.isActive(lane, time))) onDevice.putOn(lane, workLeft[lane]);
    }
    return lookAt;
  }

  /** Times the steps on the device, and finds out when the next event is due. */
  private schedule(): void {
    const {onDevice} = this;
    const lookAt = this.mayStall ? this.choose() : Infinity;
    const startAt = this.nextStartAt();
    onDevice.retime();
    const next = startAt < onDevice.nextEndAt ? startAt : onDevice.nextEndAt;
    this.nextEventAt = lookAt < next ? lookAt : next;
  }
}
