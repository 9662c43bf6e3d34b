import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {methods, takesPointers} from '../scheduler/kernel.ts';
import {longestWhole} from '../scheduler/launch.ts';
import type {Launch} from '../scheduler/launch.ts';
import {holding, kindOf} from '../scheduler/launchKinds.ts';
import {stopEvery} from '../scheduler/period.ts';
import {inUnits} from '../scheduler/shareUnits.ts';
import {LaunchQueue} from './launchQueue.ts';
import {
  StepCosts,
  demandOf,
  durationOf,
  exposureOf,
  holdsOf,
  pressureOf,
  shareOf,
  smOf,
  width,
} from './stepCosts.ts';

const SINGLE = methods.indexOf('single');

/** What makes a step take longer than the profile predicts, and a lane idle between two launches. */
export interface LaneTerms {
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

/** The launches that the lanes hold, and which step of its first launch each lane is at. */
export class LaneSteps {
  /** Share (0 to 1] of the SMs that the lane's step takes alone, in whole units, as all that `begin` writes here; */
  readonly smShare: Float64Array;
  /** of the SMs or the bandwidth, whichever is more; */
  readonly share: Float64Array;
  /** how much the step suffers from others, */
  readonly exposure: Float64Array;
  /** its share over that, */
  readonly demand: Float64Array;
  /** and what it presses on them with; */
  readonly pressure: Float64Array;
  /** whether it coalesces, and whether it holds its place against those that do and began later: 1 or 0. */
  readonly coalesces: Uint8Array;
  readonly holds: Uint8Array;
  /** The longest gap within a lane. */
  readonly longestGapNs: Nanoseconds;
  context!: DeviceContext;
  /** Launches that have ended and that the host has not polled, in that order. */
  readonly ended = new LaunchQueue();
  private readonly model: Costs;
  private readonly costs: StepCosts;
  /** Null where every step takes what the model says. */
  private readonly factors: LaneTerms | null;
  /** By lane: the launch that is at work, or null, and those behind it. */
  private readonly current: (Launch | null)[];
  private readonly behind: LaunchQueue[];
  private readonly stepOf: Int32Array;
  /** When the lane's last launch ended. */
  private readonly endedAt: Float64Array;
  /** When the lane's step has left the host's hands. */
  private readonly releasedAt: Float64Array;
  /** Gap before a launch that follows another, by method. */
  private readonly gapBefore: Float64Array;
  /** Gap before a further step of a launch, the least between two kernels of a lane. */
  private readonly stepGapNs: Nanoseconds;

  constructor(lanes: number, model: Costs, terms: LaneTerms) {
    const {gapNs, pointerCopyNs = 0, residual, laneFactor, tenantFactor} = terms;
    this.model = model;
    this.costs = new StepCosts(model);
    const isNominal = residual === undefined && laneFactor === undefined && tenantFactor === undefined;
    this.factors = isNominal ? null : terms;
    this.smShare = new Float64Array(lanes);
    this.share = new Float64Array(lanes);
    this.exposure = new Float64Array(lanes).fill(1);
    this.demand = new Float64Array(lanes);
    this.pressure = new Float64Array(lanes);
    this.coalesces = new Uint8Array(lanes);
    this.holds = new Uint8Array(lanes);
    this.current = Array.from({length: lanes}, () => null);
    this.behind = Array.from({length: lanes}, () => new LaunchQueue());
    this.stepOf = new Int32Array(lanes);
    this.endedAt = new Float64Array(lanes).fill(-Infinity);
    this.releasedAt = new Float64Array(lanes);
    this.gapBefore = Float64Array.from(methods, (m) => gapNs + (takesPointers(m) ? pointerCopyNs : 0));
    this.stepGapNs = model.stepGapNs;
    this.longestGapNs = Math.max(...this.gapBefore, this.stepGapNs);
  }

  /** Adds a released launch to its lane. Returns when it may start, Infinity where others are before it. */
  push(launch: Launch): Nanoseconds {
    const {lane, releasedAt} = launch;
    if (this.current[lane] !== null) {
      this.behind[lane].push(launch);
      return Infinity;
    }
    this.current[lane] = launch;
    this.stepOf[lane] = 0;
    this.releasedAt[lane] = releasedAt;
    return latest(this.endedAt[lane] + this.stepGapNs, releasedAt);
  }

  /** Host time until the device has what it needs to begin the launch. */
  releaseNs(launch: Launch): Nanoseconds {
    const {cls, classes, size, method} = launch;
    const first = cls < 0 ? classes[0] : cls;
    // Members that run one after another are submitted one by one.
    if (method === SINGLE) return this.model.submitNs(first, 1, method);
    return this.model.submitNs(first, size, method) + this.followNs(launch, 1, this.togetherOf(launch));
  }

  /** Host time that all of a launch takes. */
  submitNs(launch: Launch): Nanoseconds {
    const {cls, classes, size, method, steps} = launch;
    return this.model.submitNs(cls < 0 ? classes[0] : cls, size, method) + this.followNs(launch, 1, steps);
  }

  /** Host time that a launch's steps take behind others of it, from one up to another. */
  private followNs(launch: Launch, from: number, to: number): Nanoseconds {
    let ns = 0;
    for (let step = from; step < to && step < launch.steps; step++) ns += this.stepFollowNs(launch, step);
    return ns;
  }

  /** Begins the lane's step at `at`: writes its shares and returns how long it takes alone, in ns. */
  begin(lane: number, at: Nanoseconds): number {
    const launch = this.current[lane]!;
    const step = this.stepOf[lane];
    const {size, method} = launch;
    let ns: number;
    if (step === 0 && launch.cls < 0) {
      ns = this.beginMixed(launch);
    } else {
      const cls = step === 0 ? launch.cls : this.classOf(launch, step);
      const table = this.costs.of(cls, size, method);
      const at = cls * width;
      ns = table[at + durationOf];
      this.smShare[lane] = table[at + smOf];
      this.share[lane] = table[at + shareOf];
      this.pressure[lane] = table[at + pressureOf];
      this.exposure[lane] = table[at + exposureOf];
      this.demand[lane] = table[at + demandOf];
      this.holds[lane] = table[at + holdsOf];
    }
    this.coalesces[lane] = method === SINGLE ? 0 : 1;
    if (this.factors !== null) ns = this.stretched(ns, this.factors, launch, at);
    if (!(ns > 0 && ns < Infinity)) refuse(launch, ns);
    if (step === 0) launch.startedAt = at;
    return ns;
  }

  /** As `begin`, of a launch whose members are of several classes. */
  private beginMixed({lane, classes, size, method}: Launch): number {
    const {model} = this;
    let sm = 0;
    let bandwidth = 0;
    for (let i = 0; i < size; i++) {
      sm += model.smShare(classes[i], 1, method);
      bandwidth += model.bandwidthShare(classes[i], 1, method);
    }
    const share = Math.min(1, Math.max(sm, bandwidth));
    const exposure = model.sharing.coalesced;
    this.smShare[lane] = inUnits(Math.min(1, sm));
    this.share[lane] = inUnits(share);
    this.pressure[lane] = this.demand[lane] = inUnits(share / exposure);
    this.exposure[lane] = exposure;
    this.holds[lane] = kindOf(-1, size, method, model) === holding ? 1 : 0;
    return model.mixedNs(classes, size);
  }

  /** Ends the lane's step. Returns when its next one may start, Infinity where it holds nothing more. */
  end(lane: number, now: Nanoseconds): Nanoseconds {
    const launch = this.current[lane]!;
    const step = ++this.stepOf[lane];
    if (step < launch.steps) {
      const startsAt = now + this.stepGapNs;
      // The host is mostly far ahead of the lane.
      if (launch.lastReleasedAt <= startsAt) return startsAt;
      const together = this.togetherOf(launch);
      if (step % together === 0) this.releasedAt[lane] += this.followNs(launch, step, step + together);
      return latest(startsAt, this.releasedAt[lane]);
    }
    launch.finishedAt = launch.endedAt = this.endedAt[lane] = now;
    this.ended.push(launch);
    const behind = this.behind[lane];
    if (behind.first === null) {
      this.current[lane] = null;
      return Infinity;
    }
    const next = behind.shift();
    this.current[lane] = next;
    this.stepOf[lane] = 0;
    this.releasedAt[lane] = next.releasedAt;
    return latest(now + this.gapBefore[next.method], next.releasedAt);
  }

  /** How many steps of a launch the device gets at once. */
  private togetherOf({method, members, steps}: Launch): number {
    if (method === SINGLE || steps === 1) return 1;
    const {programs, streams} = this.context;
    const cursor = streams.cursor[members[0]];
    const every = stopEvery(programs.periods[cursor]);
    if (steps <= every || steps > longestWhole) return every;
    const isWhole = !(programs.classes[cursor - 1] >= 0) && programs.classes[cursor + steps] < 0;
    return isWhole ? steps : every;
  }

  /** The shape class of a launch's further step: its members run the same kernels there. */
  private classOf({members}: Launch, step: number): number {
    const {programs, streams} = this.context;
    return programs.classes[streams.cursor[members[0]] + step];
  }

  private stepFollowNs(launch: Launch, step: number): Nanoseconds {
    return this.model.followNs(this.classOf(launch, step), launch.size, launch.method);
  }

  private stretched(ns: number, factors: LaneTerms, launch: Launch, at: Nanoseconds): number {
    const {residual, laneFactor, tenantFactor} = factors;
    if (residual !== undefined) ns *= residual();
    if (laneFactor !== undefined) ns *= laneFactor[launch.lane];
    if (tenantFactor !== undefined) ns *= this.slowestMember(launch, at, tenantFactor);
    return ns;
  }

  private slowestMember(
    {members, size}: Launch,
    at: Nanoseconds,
    tenantFactor: NonNullable<LaneTerms['tenantFactor']>,
  ): number {
    const {streams} = this.context;
    let slowest = 1;
    for (let i = 0; i < size; i++) {
      slowest = Math.max(slowest, tenantFactor(streams.tenant[members[i]], at));
    }
    return slowest;
  }
}

/** Cheaper than Math.max, which minds -0 and NaN. */
const latest = (a: Nanoseconds, b: Nanoseconds): Nanoseconds => (a > b ? a : b);

function refuse({id, cls, size}: Launch, ns: number): never {
  throw new DeviceError(`invalid duration of launch ${id} (class ${cls}, ${size} members): ${ns} ns`);
}
