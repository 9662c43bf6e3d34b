import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import type {Launch} from '../scheduler/launch.ts';
import {shareRates} from './sharing.ts';
import type {Sharing} from './sharing.ts';
import type {VirtualClock} from './virtualClock.ts';

/** What the simulated device takes for a superkernel: the profile's costs, and its share of the memory bandwidth. */
export interface DeviceModel extends Costs {
  /** Share (0 to 1) of the DRAM bandwidth that a superkernel uses while it runs alone. */
  bandwidthShare(cls: number, size: number, method: number): number;
}

/** The host's part of every launch. Durations in ns; the submit cost itself is in `Costs`. */
export interface HostModel {
  /** One thread for all lanes, or a thread (or process) for every lane. */
  readonly threads: 'shared' | 'per-lane';
  /** From the end on the device until the host can see it. */
  readonly detectNs: Nanoseconds;
  /** Host time of one wake-up: seeing what happened, deciding. */
  readonly decideNs: Nanoseconds;
}

export interface SimulatedDeviceOptions {
  readonly clock: VirtualClock;
  readonly model: DeviceModel;
  readonly lanes: number;
  readonly depth: number;
  readonly sharing: Sharing;
  readonly host: HostModel;
  /** Idle time of a lane between two launches that it holds. */
  readonly gapNs: Nanoseconds;
  /** Factor on every predicted duration, drawn for each step; 1 is what the profile predicts. */
  readonly residual?: () => number;
  /** Factor on the duration of launches of a lane, e.g. the spread between MPS processes. */
  readonly laneFactor?: Float64Array;
  /** Factor on the duration of launches that hold a tenant's kernel, for injected stragglers. */
  readonly tenantFactor?: (tenant: number, now: Nanoseconds) => number;
}

const idle = 0;
/** The lane holds a launch that may not start yet: still in the host's hands, or in the gap behind the last one. */
const waiting = 1;
const running = 2;

/**
 * A model of a GPU: superkernels on in-order lanes that share SMs and bandwidth, behind a host that needs time to
 * submit and to see. It moves the virtual clock; see DESIGN "The GPU model" for the terms.
 *
 * Between two events of the device the rates of all running launches are constant, so an event costs O(busy lanes).
 */
export class SimulatedDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  /** Time integrals for utilisation, in ns: at least one launch running; the SM share in use. */
  busyNs = 0;
  smNs = 0;
  private readonly clock: VirtualClock;
  private readonly model: DeviceModel;
  private readonly sharing: Sharing;
  private readonly host: HostModel;
  private readonly gapNs: Nanoseconds;
  private readonly residual: (() => number) | undefined;
  private readonly laneFactor: Float64Array | undefined;
  private readonly tenantFactor: ((tenant: number, now: Nanoseconds) => number) | undefined;
  private readonly perLaneHost: boolean;
  private readonly hostFreeAt: Float64Array;
  private context!: DeviceContext;

  /** The device's own time: everything before it has been simulated. */
  private time: Nanoseconds = 0;
  private readonly queue: Launch[][];
  private readonly phase: Uint8Array;
  private readonly step: Int32Array;
  /** While waiting: when the lane may start. */
  private readonly startAt: Float64Array;
  /** Per step of the lane's launch: host time between the releases of two steps. */
  private readonly stepNs: Float64Array;
  private readonly workLeft: Float64Array;
  private readonly rate: Float64Array;
  private readonly smShare: Float64Array;
  private readonly bandwidthShare: Float64Array;
  /** The lanes that hold a launch, and how many of them. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  private readonly runningLanes: Int32Array;
  private runningCount = 0;
  private runningSm = 0;
  private nextEventAt: Nanoseconds = Infinity;
  /** Time slicing: the lane whose context is on the device, when its slice ends, and when the switch to it is over. */
  private active = -1;
  private sliceEndsAt: Nanoseconds = Infinity;
  private switchedAt: Nanoseconds = 0;
  private readonly seen: Launch[] = [];
  private seenHead = 0;

  constructor(options: SimulatedDeviceOptions) {
    const {lanes} = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.clock = options.clock;
    this.model = options.model;
    this.sharing = options.sharing;
    this.host = options.host;
    this.gapNs = options.gapNs;
    this.residual = options.residual;
    this.laneFactor = options.laneFactor;
    this.tenantFactor = options.tenantFactor;
    this.perLaneHost = options.host.threads === 'per-lane';
    this.hostFreeAt = new Float64Array(lanes);
    this.queue = Array.from({length: lanes}, () => []);
    this.phase = new Uint8Array(lanes);
    this.step = new Int32Array(lanes);
    this.startAt = new Float64Array(lanes);
    this.stepNs = new Float64Array(lanes);
    this.workLeft = new Float64Array(lanes);
    this.rate = new Float64Array(lanes);
    this.smShare = new Float64Array(lanes);
    this.bandwidthShare = new Float64Array(lanes);
    this.busy = new Int32Array(lanes);
    this.runningLanes = new Int32Array(lanes);
  }

  attach(context: DeviceContext): void {
    this.context = context;
  }

  submit(launch: Launch): void {
    const {lane, steps} = launch;
    const submitNs = this.model.submitNs(launch.method, launch.size);
    const now = this.clock.time;
    const begin = this.perLaneHost ? Math.max(now, this.hostFreeAt[lane]) : now;
    launch.submittedAt = begin;
    launch.releasedAt = begin + submitNs;
    const end = begin + submitNs * steps;
    if (this.perLaneHost) this.hostFreeAt[lane] = end;
    else this.clock.time = end;
    const queue = this.queue[lane];
    queue.push(launch);
    if (queue.length === 1) {
      this.advance(now);
      this.busy[this.busyCount++] = lane;
      this.stepNs[lane] = submitNs;
      this.step[lane] = 0;
      this.startAt[lane] = launch.releasedAt;
      this.phase[lane] = waiting;
      this.schedule();
    }
  }

  poll(): Launch | null {
    if (this.nextEventAt <= this.clock.time) this.advance(this.clock.time);
    if (this.seenHead === this.seen.length) return null;
    const launch = this.seen[this.seenHead];
    if (launch.finishedAt + this.host.detectNs > this.clock.time) return null;
    if (++this.seenHead === this.seen.length) {
      this.seen.length = 0;
      this.seenHead = 0;
    }
    return launch;
  }

  wait(until: Nanoseconds): void {
    const {clock, host} = this;
    while (this.seenHead === this.seen.length && this.nextEventAt <= until) this.advance(this.nextEventAt);
    const seenAt =
      this.seenHead < this.seen.length ? this.seen[this.seenHead].finishedAt + host.detectNs : Infinity;
    const wakeAt = Math.min(seenAt, until);
    if (wakeAt === Infinity)
      throw new DeviceError('waited forever: nothing runs on the device and no time was given');
    clock.time = Math.max(clock.time, wakeAt) + host.decideNs;
  }

  /** Simulates the device up to and including `until`. */
  private advance(until: Nanoseconds): void {
    while (this.nextEventAt <= until) {
      this.moveTo(this.nextEventAt);
      this.handleDue();
      this.schedule();
    }
    this.moveTo(until);
  }

  /** Lets time pass at the present rates, with no event in between. */
  private moveTo(time: Nanoseconds): void {
    const elapsed = time - this.time;
    if (elapsed <= 0) return;
    this.time = time;
    if (this.runningCount === 0) return;
    this.busyNs += elapsed;
    this.smNs += elapsed * this.runningSm;
    for (let i = 0; i < this.runningCount; i++) {
      const lane = this.runningLanes[i];
      this.workLeft[lane] -= elapsed * this.rate[lane];
    }
  }

  /** Handles everything that is due at `time`, lanes in the order in which they became busy. */
  private handleDue(): void {
    for (let i = 0; i < this.busyCount;) {
      const lane = this.busy[i];
      if (this.phase[lane] === running && this.workLeft[lane] < workEpsilon) {
        if (this.endStep(lane)) {
          // The lane is idle now; the last busy one has taken its place.
          this.busy[i] = this.busy[--this.busyCount];
          continue;
        }
      }
      if (this.phase[lane] === waiting && this.startAt[lane] <= this.time) this.start(lane);
      i++;
    }
  }

  private start(lane: number): void {
    const launch = this.queue[lane][0];
    const step = this.step[lane];
    const {model} = this;
    const {size, method} = launch;
    let ns: number;
    if (step === 0 && launch.cls < 0) {
      ns = model.mixedNs(launch.classes, size);
      let sm = 0;
      let bandwidth = 0;
      for (let i = 0; i < size; i++) {
        sm += model.smShare(launch.classes[i], 1, method);
        bandwidth += model.bandwidthShare(launch.classes[i], 1, method);
      }
      this.smShare[lane] = Math.min(1, sm);
      this.bandwidthShare[lane] = Math.min(1, bandwidth);
    } else {
      const {programs, streams} = this.context;
      const cls = step === 0 ? launch.cls : programs.classes[streams.cursor[launch.members[0]] + step];
      ns = model.durationNs(cls, size, method);
      this.smShare[lane] = model.smShare(cls, size, method);
      this.bandwidthShare[lane] = model.bandwidthShare(cls, size, method);
    }
    if (this.residual !== undefined) ns *= this.residual();
    if (this.laneFactor !== undefined) ns *= this.laneFactor[lane];
    if (this.tenantFactor !== undefined) ns *= this.slowestMember(launch);
    if (!(ns > 0 && ns < Infinity)) {
      throw new DeviceError(
        `invalid duration of launch ${launch.id} (class ${launch.cls}, ${size} members): ${ns} ns`,
      );
    }
    if (step === 0) launch.startedAt = this.time;
    this.workLeft[lane] = ns;
    this.phase[lane] = running;
  }

  private slowestMember(launch: Launch): number {
    const {streams} = this.context;
    let slowest = 1;
    for (let i = 0; i < launch.size; i++) {
      slowest = Math.max(slowest, this.tenantFactor!(streams.tenant[launch.members[i]], this.time));
    }
    return slowest;
  }

  /** Ends the running step; true when the lane holds nothing more. */
  private endStep(lane: number): boolean {
    const queue = this.queue[lane];
    const launch = queue[0];
    const step = ++this.step[lane];
    if (step < launch.steps) {
      this.startAt[lane] = Math.max(this.time + this.gapNs, launch.releasedAt + step * this.stepNs[lane]);
      this.phase[lane] = waiting;
      return false;
    }
    launch.finishedAt = this.time;
    this.seen.push(launch);
    queue.shift();
    if (queue.length === 0) {
      this.phase[lane] = idle;
      return true;
    }
    const next = queue[0];
    this.step[lane] = 0;
    this.stepNs[lane] = this.model.submitNs(next.method, next.size);
    this.startAt[lane] = Math.max(this.time + this.gapNs, next.releasedAt);
    this.phase[lane] = waiting;
    return false;
  }

  /** Recomputes the rates and when the next event is due. */
  private schedule(): void {
    const {sharing, busy, busyCount, phase, rate} = this;
    let next = Infinity;
    if (sharing.scheme === 'time-slice') next = this.sliceContexts();
    let n = 0;
    let sm = 0;
    for (let i = 0; i < busyCount; i++) {
      const lane = busy[i];
      if (phase[lane] === waiting) {
        next = Math.min(next, this.startAt[lane]);
      } else if (sharing.scheme === 'time-slice' && (lane !== this.active || this.time < this.switchedAt)) {
        rate[lane] = 0;
      } else if (n < sharing.maxConcurrent) {
        this.runningLanes[n++] = lane;
        sm += this.smShare[lane];
      } else {
        rate[lane] = 0;
      }
    }
    this.runningCount = n;
    this.runningSm = sharing.scheme === 'dedicated' ? sm : Math.min(1, sm);
    if (n === 1 || sharing.scheme === 'dedicated') {
      for (let i = 0; i < n; i++) rate[this.runningLanes[i]] = 1;
    } else if (n > 1) {
      shareRates(n, this.runningLanes, this.smShare, this.bandwidthShare, sharing.interference, rate);
    }
    for (let i = 0; i < n; i++) {
      const lane = this.runningLanes[i];
      // Whole ns, rounded up, so that the step is over when its event comes.
      const endsAt = this.time + Math.ceil(this.workLeft[lane] / rate[lane] - workEpsilon);
      if (endsAt < next) next = endsAt;
    }
    this.nextEventAt = next;
  }

  /**
   * Time slicing: gives the device to the next context, round robin, when the slice is over or the active context has
   * nothing to run. Returns when it has to look again.
   */
  private sliceContexts(): Nanoseconds {
    const {time, sharing} = this;
    if (time < this.switchedAt) return this.switchedAt;
    if (!this.isRunnable(this.active) || time >= this.sliceEndsAt) {
      const next = this.nextRunnable();
      if (next >= 0 && next !== this.active) {
        // The first context of a run finds an empty pipeline and pays no switch.
        this.switchedAt = this.active < 0 ? time : time + sharing.switchNs;
        this.active = next;
        this.sliceEndsAt = this.switchedAt + sharing.sliceNs;
        if (this.switchedAt > time) return this.switchedAt;
      } else if (next >= 0) {
        this.sliceEndsAt = time + sharing.sliceNs;
      }
    }
    return this.runnableBeside() ? this.sliceEndsAt : Infinity;
  }

  /** The next lane after the active one that has a launch on the device, the active one last; -1 if there is none. */
  private nextRunnable(): number {
    for (let i = 1; i <= this.lanes; i++) {
      const lane = (this.active + i) % this.lanes;
      if (this.isRunnable(lane)) return lane;
    }
    return -1;
  }

  /** A context keeps its turn in the gap between two kernels that it has queued. */
  private isRunnable(lane: number): boolean {
    if (lane < 0) return false;
    const phase = this.phase[lane];
    return phase === running || (phase === waiting && this.startAt[lane] <= this.time + this.gapNs);
  }

  private runnableBeside(): boolean {
    for (let i = 0; i < this.busyCount; i++) {
      const lane = this.busy[i];
      if (lane !== this.active && this.isRunnable(lane)) return true;
    }
    return false;
  }
}

/** Work below this many ns counts as done: what floating-point subtraction leaves over. */
const workEpsilon = 1e-6;
