import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import type {Launch} from '../scheduler/launch.ts';
import {DedicatedGpus} from './dedicatedGpus.ts';
import type {Gpu} from './gpu.ts';
import {LaneSteps} from './laneSteps.ts';
import type {LaneTerms} from './laneSteps.ts';
import {SharedGpu} from './sharedGpu.ts';
import type {Sharing} from './sharing.ts';
import type {VirtualClock} from './virtualClock.ts';

/** The host's part of every launch. Durations in ns; the submit cost itself is in `Costs`. */
export interface HostModel {
  /** One thread for all lanes, or a thread (or process) for every lane. */
  readonly threads: 'shared' | 'per-lane';
  /** From the end on the device until the host can see it. */
  readonly detectNs: Nanoseconds;
  /**
   * Host time of one wake-up: seeing what happened, deciding. It passes between what is seen and the first submission, so
   * that what happens meanwhile is seen by the next wake-up.
   */
  readonly decideNs: Nanoseconds;
  /** Besides, for each launch whose end the wake-up sees and each that it makes. Default 0. */
  readonly decideLaunchNs?: Nanoseconds;
  /**
   * Besides, in ns, for each member but the first of the launches whose ends the wake-up sees (the next kernel of each becomes
   * ready) and of those it makes (each is gathered). May be fractional; 0: none.
   */
  readonly decideMemberNs: number;
}

export interface SimulatedDeviceOptions extends LaneTerms {
  readonly clock: VirtualClock;
  /** What superkernels take on the device. */
  readonly model: Costs;
  readonly lanes: number;
  readonly depth: number;
  readonly sharing: Sharing;
  readonly host: HostModel;
  /**
   * Least time between the starts of two superkernels on one GPU, whatever their lanes: its front end dispatches one at a
   * time, in the order in which they could start. Default 0: no limit. One that runs its members one after another counts
   * once: they follow each other more slowly than that.
   */
  readonly startIntervalNs?: Nanoseconds;
}

/**
 * A model of a GPU: superkernels on in-order lanes that share SMs and bandwidth, behind a host that needs time to
 * submit and to see. It moves the virtual clock; see DESIGN "The GPU model" for the terms.
 */
export class SimulatedDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  private readonly clock: VirtualClock;
  private readonly detectNs: Nanoseconds;
  private readonly decideNs: Nanoseconds;
  private readonly decideLaunchNs: Nanoseconds;
  private readonly decideMemberNs: number;
  /** Host time of the present wake-up that has not passed yet. */
  private owedNs: Nanoseconds = 0;
  /** Where every lane has its own host: when that is free. */
  private readonly hostFreeAt: Float64Array | null;
  private readonly steps: LaneSteps;
  private readonly gpu: Gpu;

  constructor(options: SimulatedDeviceOptions) {
    const {lanes, sharing, host, model, startIntervalNs = 0} = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.clock = options.clock;
    this.detectNs = host.detectNs;
    this.decideNs = host.decideNs;
    this.decideLaunchNs = host.decideLaunchNs ?? 0;
    this.decideMemberNs = host.decideMemberNs;
    this.hostFreeAt = host.threads === 'per-lane' ? new Float64Array(lanes) : null;
    this.steps = new LaneSteps(lanes, model, options);
    this.gpu =
      sharing.scheme === 'dedicated'
        ? new DedicatedGpus(lanes, this.steps)
        : new SharedGpu(lanes, this.steps, sharing, startIntervalNs);
  }

  attach(context: DeviceContext): void {
    this.steps.context = context;
  }

  /** Time integral of the SM share in use so far, in ns; of all devices together where each lane has its own. */
  get smNs(): Nanoseconds {
    const {gpu, clock} = this;
    while (gpu.nextEventAt <= clock.time) gpu.step();
    return gpu.smNs(clock.time);
  }

  submit(launch: Launch): void {
    const {lane} = launch;
    const {clock, hostFreeAt} = this;
    const now = (clock.time += this.owedNs + this.workNs(launch));
    this.owedNs = 0;
    const begin = hostFreeAt !== null && hostFreeAt[lane] > now ? hostFreeAt[lane] : now;
    const releasedAt = begin + this.steps.releaseNs(launch);
    const end = begin + this.steps.submitNs(launch);
    launch.submittedAt = begin;
    launch.releasedAt = releasedAt;
    launch.lastReleasedAt = end;
    if (hostFreeAt !== null) hostFreeAt[lane] = end;
    else clock.time = end;
    const startsAt = this.steps.push(launch);
    if (startsAt < Infinity) this.gpu.begin(lane, startsAt, now);
  }

  poll(): Launch | null {
    const {gpu, clock} = this;
    const {ended} = this.steps;
    while (gpu.nextEventAt <= clock.time) gpu.step();
    if (ended.first === null || ended.first.finishedAt + this.detectNs > clock.time) return null;
    const launch = ended.shift();
    this.owedNs += this.workNs(launch);
    return launch;
  }

  wait(until: Nanoseconds): void {
    const {gpu, clock} = this;
    const {ended} = this.steps;
    // The wake-up that submitted nothing took its time, too.
    clock.time += this.owedNs;
    while (ended.first === null && gpu.nextEventAt <= until && gpu.nextEventAt < Infinity) gpu.step();
    let wakeAt = until;
    if (ended.first !== null) {
      const seenAt = ended.first.finishedAt + this.detectNs;
      if (seenAt < until) wakeAt = seenAt;
    }
    if (wakeAt === Infinity)
      throw new DeviceError('waited forever: nothing runs on the device and no time was given');
    if (clock.time < wakeAt) clock.time = wakeAt;
    this.owedNs = this.decideNs;
  }

  /** Host time of a launch and its further members: once as it is made, once as its end is seen. */
  private workNs({size}: Launch): Nanoseconds {
    return Math.round(this.decideLaunchNs + this.decideMemberNs * (size - 1));
  }
}
