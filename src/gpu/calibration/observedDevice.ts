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

/** Host times of a run, in ns. */
export interface HostTimesOfRun {
  readonly submits: readonly SubmitTimes[];
  /**
   * From when there was something to see until the host waited again, submissions left out; of it, what had passed when
   * the first submission began. `meanNs` leaves out the longest hundredth: pauses of the runtime or of the system.
   */
  readonly wakeUps: {readonly meanNs: number; readonly whole: Spread; readonly first: Spread};
}

export interface ObservedDeviceOptions {
  /** Reads a clock in ns. */
  readonly now: () => number;
  /** Tells of a shape class. */
  readonly isElementwise: (cls: number) => boolean;
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
  private readonly firstNs = new Float64Array(mostSamples);
  private wakeUps = 0;
  private firsts = 0;
  /** When there was something to see. */
  private wokenAt = -Infinity;
  private submittingNs = 0;
  private hasSubmitted = false;
  private readonly skipNs: number;
  /** What happens before this time does not count. */
  private from = Infinity;

  constructor(device: Device, {now, isElementwise, skipNs = 0}: ObservedDeviceOptions) {
    this.device = device;
    this.skipNs = skipNs;
    this.lanes = device.lanes;
    this.depth = device.depth;
    this.now = now;
    this.isElementwise = isElementwise;
  }

  attach(context: DeviceContext): void {
    this.device.attach(context);
  }

  submit(launch: Launch): void {
    const {cls, method, size, steps} = launch;
    const begin = this.now();
    const counts = this.wokenAt >= this.from;
    if (counts && !this.hasSubmitted && this.firsts < mostSamples)
      this.firstNs[this.firsts++] = begin - this.wokenAt;
    this.hasSubmitted = true;
    this.device.submit(launch);
    const ns = this.now() - begin;
    this.submittingNs += ns;
    if (!counts || this.submits === mostSamples) return;
    const at = 4 * this.submits;
    this.kinds[at] = cls >= 0 && this.isElementwise(cls) ? 1 : 0;
    this.kinds[at + 1] = method;
    this.kinds[at + 2] = size;
    this.kinds[at + 3] = steps;
    this.submitNs[this.submits++] = ns;
  }

  poll(): Launch | null {
    return this.device.poll();
  }

  wait(until: Nanoseconds): void {
    const begin = this.now();
    if (this.from === Infinity) this.from = begin + this.skipNs;
    if (this.wokenAt >= this.from && this.wakeUps < mostSamples)
      this.wholeNs[this.wakeUps++] = begin - this.wokenAt - this.submittingNs;
    this.device.wait(until);
    const end = this.now();
    this.wokenAt = end - begin < atOnceNs ? begin : end;
    this.submittingNs = 0;
    this.hasSubmitted = false;
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
    const whole = this.wholeNs.slice(0, this.wakeUps);
    const spread = spreadOf(whole);
    const usual = whole.filter((ns) => ns <= spread.p99);
    const meanNs = usual.reduce((sum, ns) => sum + ns, 0) / usual.length;
    return {
      submits: [...groups.values()].map(({at, ns}) => ({
        op: kinds[at] === 1 ? 'elementwise' : 'gemm',
        method: methods[kinds[at + 1]],
        size: kinds[at + 2],
        steps: kinds[at + 3],
        ns: spreadOf(ns),
      })),
      wakeUps: {
        meanNs,
        whole: spread,
        first: spreadOf(this.firstNs.subarray(0, this.firsts)),
      },
    };
  }
}
