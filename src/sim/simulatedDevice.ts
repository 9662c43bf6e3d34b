import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Method} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import {LaunchQueue} from './launchQueue.ts';
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
  /**
   * Besides the gap, before a launch that takes arrays of pointers: they are copied within the lane. On an idle lane that
   * is part of the launch's duration. Default 0.
   */
  readonly pointerCopyNs?: Nanoseconds;
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
  private readonly clock: VirtualClock;
  private readonly model: DeviceModel;
  private readonly sharing: Sharing;
  private readonly host: HostModel;
  private readonly longestGapNs: Nanoseconds;
  /** Gap before a launch that follows another in its lane, by method. */
  private readonly gapBefore: Float64Array;
  private readonly residual: (() => number) | undefined;
  private readonly laneFactor: Float64Array | undefined;
  private readonly tenantFactor: ((tenant: number, now: Nanoseconds) => number) | undefined;
  private readonly perLaneHost: boolean;
  private readonly timeSliced: boolean;
  private readonly dedicated: boolean;
  private readonly hostFreeAt: Float64Array;
  private context!: DeviceContext;

  /** The device's own time: everything before it has been simulated. */
  private time: Nanoseconds = 0;
  private readonly queue: LaunchQueue[];
  private readonly phase: Uint8Array;
  private readonly stepOf: Int32Array;
  /** When the lane's next event is due: the start of the step that waits, or the end of the one that runs. */
  private readonly dueAt: Float64Array;
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
  private smTime: Nanoseconds = 0;
  private nextEventAt: Nanoseconds = Infinity;
  /** Time slicing: the lane whose context is on the device, when its slice ends, and when the switch to it is over. */
  private active = -1;
  private sliceEndsAt: Nanoseconds = Infinity;
  private switchedAt: Nanoseconds = 0;
  /** Launches that have ended and that the host has not polled, in that order. */
  private readonly ended = new LaunchQueue();

  constructor(options: SimulatedDeviceOptions) {
    const {lanes} = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.clock = options.clock;
    this.model = options.model;
    this.sharing = options.sharing;
    this.host = options.host;
    const copyNs = options.pointerCopyNs ?? 0;
    this.longestGapNs = options.gapNs + copyNs;
    this.gapBefore = Float64Array.from(methods, (m) => options.gapNs + (takesPointers(m) ? copyNs : 0));
    this.residual = options.residual;
    this.laneFactor = options.laneFactor;
    this.tenantFactor = options.tenantFactor;
    this.perLaneHost = options.host.threads === 'per-lane';
    this.timeSliced = options.sharing.scheme === 'time-slice';
    this.dedicated = options.sharing.scheme === 'dedicated';
    this.hostFreeAt = new Float64Array(lanes);
    this.queue = Array.from({length: lanes}, () => new LaunchQueue());
    this.phase = new Uint8Array(lanes);
    this.stepOf = new Int32Array(lanes);
    this.dueAt = new Float64Array(lanes);
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

  /** Time integral of the SM share in use so far, in ns; of all devices together where each lane has its own. */
  get smNs(): Nanoseconds {
    this.catchUp();
    if (!this.dedicated) return this.smTime;
    let ns = this.smTime;
    for (let i = 0; i < this.busyCount; i++) {
      const lane = this.busy[i];
      const begun = this.time - (this.dueAt[lane] - this.workLeft[lane]);
      if (begun > 0) ns += this.smShare[lane] * begun;
    }
    return ns;
  }

  submit(launch: Launch): void {
    const {lane, steps} = launch;
    const queue = this.queue[lane];
    const isIdle = queue.length === 0;
    if (isIdle && this.timeSliced) this.catchUp();
    const cls = launch.cls < 0 ? launch.classes[0] : launch.cls;
    const submitNs = this.model.submitNs(cls, launch.size, launch.method);
    const now = this.clock.time;
    const begin = this.perLaneHost ? Math.max(now, this.hostFreeAt[lane]) : now;
    const followNs = steps > 1 ? this.model.followNs(cls, launch.size, launch.method) : 0;
    const end = begin + submitNs + followNs * (steps - 1);
    launch.submittedAt = begin;
    launch.releasedAt = begin + submitNs;
    if (this.perLaneHost) this.hostFreeAt[lane] = end;
    else this.clock.time = end;
    queue.push(launch);
    if (!isIdle) return;
    if (!this.dedicated) this.busy[this.busyCount++] = lane;
    this.stepNs[lane] = followNs;
    this.stepOf[lane] = 0;
    this.ready(lane, launch.releasedAt);
    // What has not started changes no rate, but it may give a context its turn.
    if (this.timeSliced) this.schedule();
    else if (this.dueAt[lane] < this.nextEventAt) this.nextEventAt = this.dueAt[lane];
  }

  poll(): Launch | null {
    const {ended, clock} = this;
    while (this.nextEventAt <= clock.time) this.step();
    const launch = ended.first();
    if (launch === null || launch.finishedAt + this.host.detectNs > clock.time) return null;
    return ended.shift();
  }

  wait(until: Nanoseconds): void {
    const {clock, host, ended} = this;
    while (ended.length === 0 && this.nextEventAt <= until && this.nextEventAt < Infinity) this.step();
    const first = ended.first();
    const seenAt = first === null ? Infinity : first.finishedAt + host.detectNs;
    const wakeAt = Math.min(seenAt, until);
    if (wakeAt === Infinity)
      throw new DeviceError('waited forever: nothing runs on the device and no time was given');
    clock.time = Math.max(clock.time, wakeAt) + host.decideNs;
  }

  /** Simulates the device up to the clock's time. */
  private catchUp(): void {
    while (this.nextEventAt <= this.clock.time) this.step();
    this.moveTo(this.clock.time);
  }

  /** Simulates the device up to its next event. */
  private step(): void {
    this.moveTo(this.nextEventAt);
    if (this.dedicated) {
      this.endDue();
    } else {
      this.handleDue();
      this.schedule();
    }
  }

  /** Lets time pass at the present rates, with no event in between. */
  private moveTo(time: Nanoseconds): void {
    const elapsed = time - this.time;
    if (elapsed <= 0) return;
    this.time = time;
    if (this.runningCount === 0) return;
    this.smTime += elapsed * this.runningSm;
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
        if (phase[lane] === waiting && dueAt[lane] <= time) this.start(lane);
        if (phase[lane] === idle) continue;
      }
      busy[kept++] = lane;
    }
    this.busyCount = kept;
  }

  /** Dedicated devices: ends the steps that are due at `time`, in the order in which they were submitted. */
  private endDue(): void {
    const {busy, dueAt, time} = this;
    while (this.busyCount > 0 && dueAt[busy[this.busyCount - 1]] <= time)
      this.endStep(busy[--this.busyCount]);
    this.nextEventAt = this.busyCount > 0 ? dueAt[busy[this.busyCount - 1]] : Infinity;
  }

  /** Dedicated devices: puts the lane among the busy ones, which are sorted, the last one due first. */
  private enter(lane: number): void {
    const {busy, dueAt} = this;
    const at = dueAt[lane];
    let i = this.busyCount++;
    for (; i > 0 && dueAt[busy[i - 1]] <= at; i--) busy[i] = busy[i - 1];
    busy[i] = lane;
  }

  /** The lane's next step may start at `at`. */
  private ready(lane: number, at: Nanoseconds): void {
    this.dueAt[lane] = at;
    this.phase[lane] = waiting;
    // On a device of its own nothing that happens until then can change how long it takes.
    if (this.dedicated) this.start(lane);
  }

  /** Starts the lane's step at its due time. */
  private start(lane: number): void {
    const launch = this.queue[lane].first()!;
    const step = this.stepOf[lane];
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
    if (this.tenantFactor !== undefined) ns *= this.slowestMember(launch, this.dueAt[lane]);
    if (!(ns > 0 && ns < Infinity)) {
      throw new DeviceError(
        `invalid duration of launch ${launch.id} (class ${launch.cls}, ${size} members): ${ns} ns`,
      );
    }
    if (step === 0) launch.startedAt = this.dueAt[lane];
    this.workLeft[lane] = ns;
    this.phase[lane] = running;
    if (!this.dedicated) return;
    this.dueAt[lane] += Math.ceil(ns - workEpsilon);
    this.enter(lane);
  }

  private slowestMember(launch: Launch, at: Nanoseconds): number {
    const {streams} = this.context;
    let slowest = 1;
    for (let i = 0; i < launch.size; i++) {
      slowest = Math.max(slowest, this.tenantFactor!(streams.tenant[launch.members[i]], at));
    }
    return slowest;
  }

  /** Ends the running step; the lane is idle then, or waits to start the next. */
  private endStep(lane: number): void {
    const queue = this.queue[lane];
    const launch = queue.first()!;
    const step = ++this.stepOf[lane];
    if (this.dedicated) this.smTime += this.smShare[lane] * this.workLeft[lane];
    if (step < launch.steps) {
      this.ready(
        lane,
        Math.max(this.time + this.gapBefore[launch.method], launch.releasedAt + step * this.stepNs[lane]),
      );
      return;
    }
    launch.finishedAt = this.time;
    this.ended.push(queue.shift());
    const next = queue.first();
    if (next === null) {
      this.phase[lane] = idle;
      return;
    }
    this.stepOf[lane] = 0;
    this.stepNs[lane] = this.model.followNs(
      next.cls < 0 ? next.classes[0] : next.cls,
      next.size,
      next.method,
    );
    this.ready(lane, Math.max(this.time + this.gapBefore[next.method], next.releasedAt));
  }

  /** Recomputes the rates and when the next event is due. */
  private schedule(): void {
    const {busy, busyCount, phase, dueAt, runningLanes} = this;
    let next = this.timeSliced ? this.sliceContexts() : Infinity;
    let n = 0;
    let sm = 0;
    for (let i = 0; i < busyCount; i++) {
      const lane = busy[i];
      if (phase[lane] === waiting) {
        if (dueAt[lane] < next) next = dueAt[lane];
      } else if (n < this.sharing.maxConcurrent && (!this.timeSliced || this.isActive(lane))) {
        runningLanes[n++] = lane;
        sm += this.smShare[lane];
      } else {
        dueAt[lane] = Infinity;
      }
    }
    this.runningCount = n;
    const {rate} = this;
    this.runningSm = Math.min(1, sm);
    if (n === 1) {
      rate[runningLanes[0]] = 1;
    } else if (n > 1) {
      shareRates(n, runningLanes, this.smShare, this.bandwidthShare, this.sharing.interference, rate);
    }
    for (let i = 0; i < n; i++) {
      const lane = runningLanes[i];
      // Whole ns, rounded up, so that the step is over when its event comes.
      const endsAt = this.time + Math.ceil(this.workLeft[lane] / rate[lane] - workEpsilon);
      dueAt[lane] = endsAt;
      if (endsAt < next) next = endsAt;
    }
    this.nextEventAt = next;
  }

  /** Time slicing: whether the lane's context is on the device. */
  private isActive(lane: number): boolean {
    return lane === this.active && this.time >= this.switchedAt;
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
    return phase === running || (phase === waiting && this.dueAt[lane] <= this.time + this.longestGapNs);
  }

  private runnableBeside(): boolean {
    for (let i = 0; i < this.busyCount; i++) {
      const lane = this.busy[i];
      if (lane !== this.active && this.isRunnable(lane)) return true;
    }
    return false;
  }
}

const takesPointers = (method: Method): boolean =>
  method === 'batched' || method === 'grouped' || method === 'padded';

/** Work below this many ns counts as done: what floating-point subtraction leaves over. */
const workEpsilon = 1e-6;
