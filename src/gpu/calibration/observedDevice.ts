import {ascending, flatRollup, range} from 'd3-array';
import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Device, DeviceContext} from '../../scheduler/device.ts';
import {methods} from '../../scheduler/kernel.ts';
import type {Method} from '../../scheduler/kernel.ts';
import type {Launch} from '../../scheduler/launch.ts';
import {spreadOf} from './samples.ts';
import type {Spread} from './samples.ts';

/** Host times of equal submissions. */
export interface SubmitTimes {
  readonly op: 'gemm' | 'elementwise';
  readonly method: Method;
  readonly size: number;
  readonly steps: number;
  readonly ns: Spread;
}

/** One kernel of products or element-wise, several as one launch, several steps; of a single member but the batches. */
export const latencyKinds = ['single', 'elementwise', 'batched', 'steps'] as const;
export type LatencyKind = (typeof latencyKinds)[number];

/**
 * By kind: what launches that were alone on the device took from their release until the host woke up, beyond what was
 * predicted that the device needs; null where there were none.
 */
export type Latencies = {readonly [kind in LatencyKind]: Spread | null};

/** Wake-ups with as much to do. */
export interface WakeUpsOfWork {
  /** Launches whose ends were seen, and launches made. */
  readonly launches: number;
  /** Their members beyond the first of each, all together. */
  readonly members: number;
  readonly ns: Spread;
}

/** Host times of a run, in ns. */
export interface HostTimesOfRun {
  readonly submits: readonly SubmitTimes[];
  readonly latencies: Latencies;
  /**
   * From when there was something to see until the host waited again, submissions left out; of it, what had passed when
   * the first submission began, and the whole by launches and further members, in ascending order.
   */
  readonly wakeUps: {
    readonly whole: Spread;
    readonly first: Spread;
    readonly byWork: readonly WakeUpsOfWork[];
  };
}

export interface ObservedDeviceOptions {
  /** Reads a clock in ns. */
  readonly now: () => number;
  /** Tells of a shape class. */
  readonly isElementwise: (cls: number) => boolean;
  /** Whether what is predicted of a launch of one step was measured; latencies of others do not count. Default: always. */
  readonly isMeasured?: (cls: number, method: Method, size: number) => boolean;
  /** Part of a submission's host time, in ns, that is known and does not count. Default: none. */
  readonly knownNs?: (launch: Launch, context: DeviceContext) => number;
  /** Time after the first wait that does not count: until the code is compiled. Default 0. */
  readonly skipNs?: number;
}

/** A wait that ends sooner than this found something at once: the host was not waiting, and its time counts as work. */
const atOnceNs = 1000;

/** Samples of each kind that are kept; a run of a second has fewer. */
const mostSamples = 1 << 17;

/**
 * A device, with the host's time taken around it: all that a scheduler does between two waits is one wake-up, and the
 * simulator charges it as such. Costs some readings of the clock a wake-up, and two a submission.
 */
export class ObservedDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  private readonly device: Device;
  private readonly now: () => number;
  private readonly isElementwise: (cls: number) => boolean;
  /** Of each submission: op, index into `methods`, size, steps. */
  private readonly kinds = new Int32Array(4 * mostSamples);
  private readonly submitNs = new Float64Array(mostSamples);
  private submits = 0;
  private readonly wholeNs = new Float64Array(mostSamples);
  /** Of each wake-up: launches, further members. */
  private readonly wholeWork = new Int32Array(2 * mostSamples);
  private readonly firstNs = new Float64Array(mostSamples);
  private wakeUps = 0;
  private firsts = 0;
  /** When there was something to see. */
  private wokenAt = -Infinity;
  private submittingNs = 0;
  private hasSubmitted = false;
  /** Launches that this wake-up has polled and submitted, and their members beyond the first of each. */
  private launches = 0;
  private members = 0;
  private inFlight = 0;
  /** The launch that has had the device to itself since its submission, or null, and when that had let go of it. */
  private alone: Launch | null = null;
  private aloneSince = 0;
  /** Whether the host was waiting when there was something to see. */
  private hasWaited = false;
  /** Of each latency: class, index into `methods`, size, index into `latencyKinds`. */
  private readonly seenKinds = new Int32Array(4 * mostSamples);
  private readonly seenNs = new Float64Array(mostSamples);
  private seen = 0;
  private readonly isMeasured: (cls: number, method: Method, size: number) => boolean;
  private readonly skipNs: number;
  private readonly knownNs: NonNullable<ObservedDeviceOptions['knownNs']>;
  private context!: DeviceContext;
  /** What happens before this time does not count. */
  private from = Infinity;

  constructor(
    device: Device,
    {now, isElementwise, isMeasured = () => true, skipNs = 0, knownNs = () => 0}: ObservedDeviceOptions,
  ) {
    this.device = device;
    this.skipNs = skipNs;
    this.knownNs = knownNs;
    this.lanes = device.lanes;
    this.depth = device.depth;
    this.now = now;
    this.isElementwise = isElementwise;
    this.isMeasured = isMeasured;
  }

  attach(context: DeviceContext): void {
    this.context = context;
    this.device.attach(context);
  }

  submit(launch: Launch): void {
    const {cls, method, size, steps} = launch;
    const begin = this.now();
    const counts = this.wokenAt >= this.from;
    if (counts && !this.hasSubmitted && this.firsts < mostSamples)
      this.firstNs[this.firsts++] = begin - this.wokenAt;
    this.hasSubmitted = true;
    this.launches++;
    this.members += size - 1;
    this.device.submit(launch);
    const end = this.now();
    const ns = end - begin;
    this.submittingNs += ns;
    this.alone = this.inFlight++ === 0 && counts ? launch : null;
    // Of several steps the device may begin before the host has submitted all.
    this.aloneSince = steps === 1 ? end : begin + launch.releasedAt - launch.submittedAt;
    if (!counts || this.submits === mostSamples) return;
    const at = 4 * this.submits;
    this.kinds[at] = cls >= 0 && this.isElementwise(cls) ? 1 : 0;
    this.kinds[at + 1] = method;
    this.kinds[at + 2] = size;
    this.kinds[at + 3] = steps;
    this.submitNs[this.submits++] = Math.max(0, ns - this.knownNs(launch, this.context));
  }

  poll(): Launch | null {
    const launch = this.device.poll();
    if (launch === null) return null;
    this.inFlight--;
    this.launches++;
    this.members += launch.size - 1;
    if (launch === this.alone) {
      this.alone = null;
      if (this.hasWaited && !launch.failed && this.seen < mostSamples) this.keepLatency(launch);
    }
    return launch;
  }

  wait(until: Nanoseconds): void {
    const begin = this.now();
    if (this.from === Infinity) this.from = begin + this.skipNs;
    if (this.wokenAt >= this.from && this.wakeUps < mostSamples) {
      this.wholeWork[2 * this.wakeUps] = this.launches;
      this.wholeWork[2 * this.wakeUps + 1] = this.members;
      this.wholeNs[this.wakeUps++] = begin - this.wokenAt - this.submittingNs;
    }
    this.device.wait(until);
    const end = this.now();
    this.hasWaited = end - begin >= atOnceNs;
    this.wokenAt = this.hasWaited ? end : begin;
    this.submittingNs = 0;
    this.hasSubmitted = false;
    this.launches = this.members = 0;
  }

  /** What has been seen so far. */
  times(): HostTimesOfRun {
    const {kinds} = this;
    const groups = new Map<string, {at: number; ns: number[]}>();
    for (let i = 0; i < this.submits; i++) {
      const at = 4 * i;
      const key = kinds.subarray(at, at + 4).join(' ');
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = {at, ns: []}));
      group.ns.push(this.submitNs[i]);
    }
    return {
      submits: [...groups.values()].map(({at, ns}) => ({
        op: kinds[at] === 1 ? 'elementwise' : 'gemm',
        method: methods[kinds[at + 1]],
        size: kinds[at + 2],
        steps: kinds[at + 3],
        ns: spreadOf(ns),
      })),
      latencies: this.latencies(),
      wakeUps: {
        whole: spreadOf(this.wholeNs.subarray(0, this.wakeUps)),
        first: spreadOf(this.firstNs.subarray(0, this.firsts)),
        byWork: this.byWork(),
      },
    };
  }

  private byWork(): WakeUpsOfWork[] {
    const {wholeNs, wholeWork} = this;
    return flatRollup(
      range(this.wakeUps),
      (group) => spreadOf(group.map((i) => wholeNs[i])),
      (i) => wholeWork[2 * i],
      (i) => wholeWork[2 * i + 1],
    )
      .map(([launches, members, ns]) => ({launches, members, ns}))
      .sort((a, b) => ascending(a.launches, b.launches) || ascending(a.members, b.members));
  }

  /**
   * The host's time from waking up to this poll is part of the wake-up, and what the submission took belongs to that: so
   * that submission, predicted duration, latency and wake-up are a launch's cycle, each once.
   */
  private keepLatency({cls, method, size, steps, predictedNs}: Launch): void {
    const kind = this.latencyKindOf(cls, method, size, steps);
    if (kind === null) return;
    const at = 4 * this.seen;
    this.seenKinds[at] = cls;
    this.seenKinds[at + 1] = method;
    this.seenKinds[at + 2] = size;
    this.seenKinds[at + 3] = latencyKinds.indexOf(kind);
    this.seenNs[this.seen++] = this.wokenAt - this.aloneSince - predictedNs;
  }

  private latencyKindOf(cls: number, method: number, size: number, steps: number): LatencyKind | null {
    const isSingle = methods[method] === 'single';
    if (isSingle && size > 1) return null;
    if (steps > 1) return isSingle ? 'steps' : null;
    if (!isSingle) return 'batched';
    return this.isElementwise(cls) ? 'elementwise' : 'single';
  }

  private latencies(): Latencies {
    const {seenKinds, seenNs} = this;
    const of = (kind: LatencyKind): Spread | null => {
      const wanted = latencyKinds.indexOf(kind);
      const isKnown = (at: number): boolean =>
        kind === 'steps' ||
        (seenKinds[at] >= 0 && this.isMeasured(seenKinds[at], methods[seenKinds[at + 1]], seenKinds[at + 2]));
      const all = seenNs
        .subarray(0, this.seen)
        .filter((_, i) => seenKinds[4 * i + 3] === wanted && isKnown(4 * i));
      return all.length === 0 ? null : spreadOf(all);
    };
    return {
      single: of('single'),
      elementwise: of('elementwise'),
      batched: of('batched'),
      steps: of('steps'),
    };
  }
}
