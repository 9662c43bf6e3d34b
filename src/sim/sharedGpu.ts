import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gpu} from './gpu.ts';
import type {LaneSteps} from './laneSteps.ts';
import {shareRates} from './sharing.ts';
import type {Sharing} from './sharing.ts';
import {TimeSlices} from './timeSlices.ts';
import type {Contexts} from './timeSlices.ts';
import {wholeNs} from './wholeNs.ts';

const idle = 0;
/** The lane's step may not start yet: it is still in the host's hands, or in the gap behind the last one. */
const waiting = 1;
/** The step's turn at the front end has been settled. */
const dispatched = 2;
const running = 3;

/**
 * One GPU that all lanes share. Between two events the rates of all running steps are constant, so an event costs O(busy
 * lanes).
 */
export class SharedGpu implements Gpu, Contexts {
  nextEventAt: Nanoseconds = Infinity;
  readonly count: number;
  private readonly steps: LaneSteps;
  private readonly sharing: Sharing;
  private readonly startIntervalNs: Nanoseconds;
  private readonly slices: TimeSlices | null;
  /** Everything before it has been simulated. */
  private time: Nanoseconds = 0;
  /** When the front end can start another kernel. */
  private startFreeAt: Nanoseconds = 0;
  private readonly phase: Uint8Array;
  /** When the lane's next event is due: the start of the step that waits, or the end of the one that runs. */
  private readonly dueAt: Float64Array;
  /** What is left of the lane's step, in ns alone on the device. */
  private readonly workLeft: Float64Array;
  private readonly rate: Float64Array;
  /** The lanes that hold a launch, in the order in which they became busy. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  private readonly runningLanes: Int32Array;
  private runningCount = 0;
  private runningSm = 0;
  private pastSmNs: Nanoseconds = 0;

  constructor(lanes: number, steps: LaneSteps, sharing: Sharing, startIntervalNs: Nanoseconds) {
    this.count = lanes;
    this.steps = steps;
    this.sharing = sharing;
    this.startIntervalNs = startIntervalNs;
    this.slices = sharing.scheme === 'time-slice' ? new TimeSlices(this, sharing) : null;
    this.phase = new Uint8Array(lanes);
    this.dueAt = new Float64Array(lanes);
    this.workLeft = new Float64Array(lanes);
    this.rate = new Float64Array(lanes);
    this.busy = new Int32Array(lanes);
    this.runningLanes = new Int32Array(lanes);
  }

  begin(lane: number, startsAt: Nanoseconds, now: Nanoseconds): void {
    if (this.slices !== null) this.catchUp(now);
    this.busy[this.busyCount++] = lane;
    this.phase[lane] = waiting;
    this.dueAt[lane] = startsAt;
    // What has not started changes no rate, but it may give a context its turn.
    if (this.slices !== null) this.schedule();
    else if (startsAt < this.nextEventAt) this.nextEventAt = startsAt;
  }

  step(): void {
    this.moveTo(this.nextEventAt);
    this.handleDue();
    this.schedule();
  }

  smNs(time: Nanoseconds): Nanoseconds {
    return this.pastSmNs + Math.max(0, time - this.time) * this.runningSm;
  }

  /** A context keeps its turn in the gap between two kernels that it has queued. */
  isRunnable(lane: number): boolean {
    const phase = this.phase[lane];
    if (phase === idle || phase === running) return phase === running;
    return this.dueAt[lane] <= this.time + this.steps.longestGapNs;
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

  /** Lets time pass at the present rates, with no event in between. */
  private moveTo(time: Nanoseconds): void {
    const elapsed = time - this.time;
    if (elapsed <= 0) return;
    this.time = time;
    if (this.runningCount === 0) return;
    this.pastSmNs += elapsed * this.runningSm;
    for (let i = 0; i < this.runningCount; i++) {
      const lane = this.runningLanes[i];
      this.workLeft[lane] -= elapsed * this.rate[lane];
    }
  }

  /** Handles everything that is due at `time`, lanes in the order in which they became busy. */
  private handleDue(): void {
    const {busy, phase, dueAt, time} = this;
    let kept = 0;
    for (let i = 0; i < this.busyCount; i++) {
      const lane = busy[i];
      if (dueAt[lane] <= time) {
        if (phase[lane] === running) this.endStep(lane);
        // A step without a gap before it starts at once.
        if (phase[lane] === waiting && dueAt[lane] <= time) this.dispatch(lane);
        else if (phase[lane] === dispatched) this.start(lane);
        if (phase[lane] === idle) continue;
      }
      busy[kept++] = lane;
    }
    this.busyCount = kept;
  }

  private endStep(lane: number): void {
    const startsAt = this.steps.end(lane, this.time);
    this.dueAt[lane] = startsAt;
    this.phase[lane] = startsAt === Infinity ? idle : waiting;
  }

  /** The lane's step goes through the front end, which takes one at a time, first come, first served. */
  private dispatch(lane: number): void {
    if (this.startIntervalNs > 0) {
      const at = Math.max(this.dueAt[lane], this.startFreeAt);
      this.startFreeAt = at + this.startIntervalNs;
      if (at > this.time) {
        this.dueAt[lane] = at;
        this.phase[lane] = dispatched;
        return;
      }
    }
    this.start(lane);
  }

  private start(lane: number): void {
    this.workLeft[lane] = this.steps.begin(lane, this.dueAt[lane]);
    this.phase[lane] = running;
  }

  /** Recomputes the rates and when the next event is due. */
  private schedule(): void {
    const {busy, busyCount, phase, dueAt, runningLanes, slices, time, rate, steps} = this;
    const {smShare} = steps;
    let next = slices === null ? Infinity : slices.turn(time);
    let n = 0;
    let sm = 0;
    for (let i = 0; i < busyCount; i++) {
      const lane = busy[i];
      if (phase[lane] !== running) {
        if (dueAt[lane] < next) next = dueAt[lane];
      } else if (n < this.sharing.maxConcurrent && (slices === null || slices.isActive(lane, time))) {
        runningLanes[n++] = lane;
        sm += smShare[lane];
      } else {
        dueAt[lane] = Infinity;
      }
    }
    this.runningCount = n;
    this.runningSm = Math.min(1, sm);
    if (n === 1) {
      rate[runningLanes[0]] = 1;
    } else if (n > 1) {
      shareRates(n, runningLanes, steps.share, steps.exposure, this.sharing, rate);
    }
    for (let i = 0; i < n; i++) {
      const lane = runningLanes[i];
      const endsAt = time + wholeNs(this.workLeft[lane] / rate[lane]);
      dueAt[lane] = endsAt;
      if (endsAt < next) next = endsAt;
    }
    this.nextEventAt = next;
  }
}
