import type {Nanoseconds} from '../scheduler/clock.ts';
import {InputError} from '../scheduler/errors.ts';
import {flopsOf, methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import type {Streams} from '../scheduler/streams.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import {Backlog, stretches} from './backlog.ts';
import {ExtrapolatedTime} from './extrapolatedTime.ts';
import type {Predictions} from './extrapolatedTime.ts';
import {Latencies} from './latencies.ts';
import {Outstanding} from './outstanding.ts';
import {checkWindow} from './window.ts';
import type {Window} from './window.ts';

const SINGLE = methods.indexOf('single');
const PADDED = methods.indexOf('padded');

export interface RunRecorderOptions {
  readonly tenants: readonly Tenant[];
  /** By class id; may grow during the run, as `KernelClasses.kernels` does. */
  readonly kernels: readonly Kernel[];
  readonly lanes: number;
  /** What is measured: from the end of the warm-up to the end of the scenario's duration. */
  readonly window: Window;
  /** Latencies kept exactly, over all tenants; more are counted in histograms. Default 10 million (120 MB). */
  readonly exactSamples?: number;
  /** To tell how much of the predicted kernel time is extrapolated. */
  readonly predictions?: Predictions;
}

/** What one tenant's requests came to. */
export class TenantCounts {
  /** Requests that arrived inside the window, and what became of them. */
  arrived = 0;
  completed = 0;
  dropped = 0;
  /** Completed within the SLO. */
  met = 0;
  latencySum = 0;
  latencyMax = 0;
  /** From the arrival to the launch of the first kernel. */
  queueingSum = 0;
  /** Completions inside the window, whenever the request arrived; and those of them within the SLO. */
  completions = 0;
  goodCompletions = 0;
  readonly outstanding = new Outstanding();
}

/**
 * Keeps what a run's summary needs, in counters and typed arrays: tens of nanoseconds an event.
 *
 * Requests count by their arrival inside the window, throughput by completions inside it, kernels and FLOPs by the
 * launch's completion inside it; a lane's busy time is cut at the window's ends.
 */
export class RunRecorder implements Recorder {
  readonly tenants: readonly Tenant[];
  readonly kernels: readonly Kernel[];
  readonly window: Window;
  readonly counts: TenantCounts[];
  readonly latencies: Latencies;
  readonly backlog: Backlog;
  /** By stretch of the window: requests that arrived in it, and those of them that were completed within the SLO. */
  readonly arrivedIn = new Float64Array(stretches);
  readonly metIn = new Float64Array(stretches);
  launches = 0;
  failedLaunches = 0;
  /** Superkernels by number of members that ran as one, from 1 up; members launched one by one count as of size 1. */
  superkernels = new Float64Array(1024);
  /** Launches by index of `methods`. */
  readonly launchesByMethod = new Float64Array(methods.length);
  /** Time that each lane had a launch running, inside the window. */
  readonly laneBusyNs: Float64Array;
  /** Of launches that completed inside the window; null where the run was not told of predictions. */
  readonly kernelTime: ExtrapolatedTime | null;
  private readonly slo: Float64Array;
  private readonly laneEndAt: Float64Array;
  /** Kernels by class; of them the members of padded superkernels; and the common shapes these ran as. */
  private useful = new Float64Array(256);
  private padded = new Float64Array(256);
  private common = new Float64Array(256);
  private streams: Streams | null = null;
  private programs: Programs | null = null;

  constructor({tenants, kernels, lanes, window, exactSamples = 10e6, predictions}: RunRecorderOptions) {
    checkWindow(window);
    this.tenants = tenants;
    this.kernels = kernels;
    this.window = window;
    this.slo = Float64Array.from(tenants, (tenant) => tenant.sloNs);
    this.counts = tenants.map(() => new TenantCounts());
    this.latencies = new Latencies(tenants.length, exactSamples);
    this.backlog = new Backlog(tenants.length, window);
    this.laneBusyNs = new Float64Array(lanes);
    this.laneEndAt = new Float64Array(lanes);
    this.kernelTime = predictions === undefined ? null : new ExtrapolatedTime(kernels, predictions);
  }

  /** Gives it sight of the kernels behind a launch's first step; needed where policies launch several steps at once. */
  attach({streams, programs}: {streams: Streams; programs: Programs}): void {
    this.streams = streams;
    this.programs = programs;
  }

  arrived(tenant: number, at: Nanoseconds): void {
    this.backlog.enter(tenant, at);
    if (!this.inWindow(at)) return;
    const counts = this.counts[tenant];
    counts.arrived++;
    this.arrivedIn[this.stretchOf(at)]++;
    counts.outstanding.enter(at);
  }

  completed(tenant: number, arrivalAt: Nanoseconds, startedAt: Nanoseconds, at: Nanoseconds): void {
    this.backlog.leave(tenant, at);
    const counts = this.counts[tenant];
    const latency = at - arrivalAt;
    const met = latency <= this.slo[tenant];
    if (this.inWindow(at)) {
      counts.completions++;
      if (met) counts.goodCompletions++;
    }
    if (!this.inWindow(arrivalAt)) return;
    counts.outstanding.leave(arrivalAt);
    counts.completed++;
    if (met) {
      counts.met++;
      this.metIn[this.stretchOf(arrivalAt)]++;
    }
    counts.latencySum += latency;
    counts.queueingSum += startedAt - arrivalAt;
    if (latency > counts.latencyMax) counts.latencyMax = latency;
    this.latencies.add(tenant, latency);
  }

  dropped(tenant: number, arrivalAt: Nanoseconds, at: Nanoseconds): void {
    this.backlog.leave(tenant, at);
    if (!this.inWindow(arrivalAt)) return;
    const counts = this.counts[tenant];
    counts.outstanding.leave(arrivalAt);
    counts.dropped++;
  }

  launched(): void {}

  finished(launch: Launch, at: Nanoseconds): void {
    this.keepBusy(launch, at);
    if (!this.inWindow(at)) return;
    this.launches++;
    this.launchesByMethod[launch.method]++;
    if (launch.failed) {
      this.failedLaunches++;
      return;
    }
    const {size, cls, classes, method, steps} = launch;
    if (size >= this.superkernels.length) this.superkernels = grown(this.superkernels, size);
    if (method === SINGLE) this.superkernels[1] += size * steps;
    else this.superkernels[size] += steps;
    if (this.kernels.length > this.useful.length) this.growClasses();
    if (cls >= 0 && method !== PADDED) {
      this.useful[cls] += size;
    } else {
      for (let i = 0; i < size; i++) this.useful[classes[i]]++;
      if (method === PADDED) {
        for (let i = 0; i < size; i++) this.padded[classes[i]]++;
        this.common[cls] += size;
      }
    }
    if (steps > 1) this.countFollowing(launch);
    else if (this.kernelTime !== null) this.kernelTime.add(launch, null, 0);
  }

  /** FLOPs that the requests needed, and that the device executed for them, padding included. */
  flops(): {useful: number; executed: number} {
    let useful = 0;
    let executed = 0;
    for (let cls = 0; cls < this.kernels.length && cls < this.useful.length; cls++) {
      const each = flopsOf(this.kernels[cls]);
      useful += each * this.useful[cls];
      executed += each * (this.useful[cls] - this.padded[cls] + this.common[cls]);
    }
    return {useful, executed};
  }

  /** How many kernels of a class completed inside the window. */
  kernelsOf(cls: number): number {
    return this.useful[cls] ?? 0;
  }

  private inWindow(at: Nanoseconds): boolean {
    return at >= this.window.startNs && at < this.window.endNs;
  }

  private stretchOf(at: Nanoseconds): number {
    return Math.floor((at - this.window.startNs) / this.backlog.stretchNs);
  }

  /** A lane runs its launches in order, so their spans are joined by never counting a time twice. */
  private keepBusy({lane, startedAt, finishedAt, releasedAt}: Launch, at: Nanoseconds): void {
    const {startNs, endNs} = this.window;
    const end = finishedAt === finishedAt ? finishedAt : at; // NaN where the device cannot tell
    const start = Math.max(startedAt === startedAt ? startedAt : releasedAt, this.laneEndAt[lane], startNs);
    if (end > this.laneEndAt[lane]) this.laneEndAt[lane] = end;
    const busy = Math.min(end, endNs) - start;
    if (busy > 0) this.laneBusyNs[lane] += busy;
  }

  private countFollowing(launch: Launch): void {
    const {members, size, steps} = launch;
    const {streams, programs, useful, kernelTime} = this;
    if (streams === null || programs === null)
      throw new InputError(
        `missing streams: a launch of ${steps} steps (attach the recorder to the scheduler)`,
      );
    const {cursor} = streams;
    const {classes} = programs;
    for (let i = 0; i < size; i++) {
      const first = cursor[members[i]];
      for (let step = 1; step < steps; step++) useful[classes[first + step]]++;
    }
    if (kernelTime !== null) kernelTime.add(launch, classes, cursor[members[0]]);
  }

  private growClasses(): void {
    const {length} = this.kernels;
    this.useful = grown(this.useful, length);
    this.padded = grown(this.padded, length);
    this.common = grown(this.common, length);
  }
}

/** A copy with room for index `needed` and as much again. */
function grown(values: Float64Array, needed: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * (needed + 1));
  larger.set(values);
  return larger;
}
