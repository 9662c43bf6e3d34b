import type {Arrivals} from './arrivals.ts';
import type {Clock, Nanoseconds} from './clock.ts';
import type {Costs} from './costs.ts';
import type {Device} from './device.ts';
import {PolicyError} from './errors.ts';
import type {Groups} from './groups.ts';
import type {KernelClasses} from './kernel.ts';
import {LaneTable} from './laneTable.ts';
import type {Launch} from './launch.ts';
import type {Policy, Situation} from './policy.ts';
import type {Programs} from './programs.ts';
import type {Recorder} from './recorder.ts';
import {Requests} from './requests.ts';
import {SlotLists} from './slotLists.ts';
import {Streams, streamStates} from './streams.ts';
import {Superkernel} from './superkernel.ts';
import type {Tenant} from './tenant.ts';

const {ready: READY, held: HELD} = streamStates;

/** How often a launch may fail in a row before the requests of its members are dropped. */
const maxAttempts = 3;

/** Decisions between two looks at whether the run should stop: some 10 ms of a simulation. */
const defaultDecisionsPerLook = 16_384;

/** Everything that one run needs; simulated and live runs differ in `clock` and `device` only. */
export interface SchedulerOptions {
  readonly clock: Clock;
  readonly device: Device;
  readonly policy: Policy;
  readonly arrivals: Arrivals;
  readonly tenants: readonly Tenant[];
  readonly classes: KernelClasses;
  readonly programs: Programs;
  readonly groups: Groups;
  readonly costs: Costs;
  readonly recorder: Recorder;
  /** The most members of a superkernel. */
  readonly maxSize: number;
  /** Decisions between two looks at whether the run should stop. */
  readonly decisionsPerLook?: number;
  /** Streams to go on with, of which there are none yet: those of an earlier run on the same device. */
  readonly streams?: Streams;
}

/** Why a run ended: all work done, the time limit reached, or stopped from outside. */
export type RunEnd = 'done' | 'limit' | 'stopped';

/**
 * The scheduling loop, and the state that policies see. It knows neither virtual nor real time: it polls the device,
 * admits what has arrived, asks the policy once, and waits.
 *
 * Order at one instant: completions, then arrivals, then timers, then one decision.
 */
export class Scheduler implements Situation {
  now: Nanoseconds = 0;
  readonly tenants: readonly Tenant[];
  readonly streams: Streams;
  readonly requests: Requests;
  readonly programs: Programs;
  readonly ready: SlotLists;
  readonly held: SlotLists;
  readonly groups: Groups;
  readonly costs: Costs;
  readonly lanes: LaneTable;
  readonly maxSize: number;
  /** Decisions taken so far. */
  decisions = 0;
  private readonly clock: Clock;
  private readonly device: Device;
  private readonly policy: Policy;
  private readonly arrivals: Arrivals;
  private readonly recorder: Recorder;
  private readonly batched: boolean;
  /** The policy, where it wants to be told what is ready and what has finished. */
  private readonly hearsReady: Policy | null;
  private readonly hearsFinished: Policy | null;
  private readonly decisionsPerLook: number;
  private readonly slo: Float64Array;
  private readonly single: Int32Array;
  private readonly holds: Uint8Array;
  private heldTenants = 0;
  private readonly superkernel: Superkernel;
  private wake: Nanoseconds = Infinity;
  /** When the next request arrives; it changes when one is taken and when one leaves. */
  private arrivalAt: Nanoseconds = Infinity;
  private readonly attempts = new Map<number, number>();

  constructor(options: SchedulerOptions) {
    const {tenants, groups, policy, device} = options;
    this.clock = options.clock;
    this.device = device;
    this.policy = policy;
    this.arrivals = options.arrivals;
    this.recorder = options.recorder;
    this.tenants = tenants;
    this.streams = options.streams ?? new Streams();
    this.programs = options.programs;
    this.groups = groups;
    this.costs = options.costs;
    this.maxSize = options.maxSize;
    this.decisionsPerLook = options.decisionsPerLook ?? defaultDecisionsPerLook;
    this.hearsReady = policy.onReady === undefined ? null : policy;
    this.hearsFinished = policy.onFinished === undefined ? null : policy;
    this.batched = policy.setup?.admission === 'batched';
    this.slo = Float64Array.from(tenants, (tenant) => tenant.sloNs);
    this.single = Int32Array.from(tenants, (tenant) => tenant.program(1));
    this.holds = new Uint8Array(tenants.length);
    this.requests = new Requests(tenants.length);
    const groupCount = groups.count + Math.max(0, options.classes.size - groups.of.length);
    this.ready = new SlotLists(groupCount, this.streams.capacity);
    this.held = new SlotLists(tenants.length, this.streams.capacity);
    this.lanes = new LaneTable(device.lanes, device.depth);
    this.superkernel = new Superkernel(this, (what) => this.fail(what));
    device.attach(this);
    this.recorder.attach?.(this);
    policy.attach?.(this);
  }

  /**
   * Runs until no request is left and none can arrive, until `limit`, or until `shouldStop` says so; it is asked now
   * and then. Can be called again with a later limit.
   */
  run(limit: Nanoseconds = Infinity, shouldStop: () => boolean = never): RunEnd {
    const {clock, device, arrivals, policy, decisionsPerLook} = this;
    let untilLook = decisionsPerLook;
    this.arrivalAt = arrivals.nextAt();
    for (;;) {
      const now = (this.now = clock.now());
      for (let launch = device.poll(); launch !== null; launch = device.poll()) this.finish(launch);
      while (this.arrivalAt <= now) this.admit();
      if (this.wake <= now) this.wake = Infinity;
      this.decisions++;
      policy.decide(this);
      if (this.taken > 0) this.fail(`took ${this.taken} kernels without launching them`);
      if (--untilLook === 0) {
        if (shouldStop()) return 'stopped';
        untilLook = decisionsPerLook;
      }

      const next = this.arrivalAt < this.wake ? this.arrivalAt : this.wake;
      if (next === Infinity && this.lanes.inFlight === 0) {
        if (this.requests.live === 0) return 'done';
        this.fail(`left ${this.requests.live} requests waiting with nothing in flight and no timer set`);
      }
      const time = clock.now();
      if (time >= limit) return 'limit';
      if (next > time) device.wait(next < limit ? next : limit);
    }
  }

  groupOf(cls: number): number {
    const {of, count} = this.groups;
    return cls < of.length ? of[cls] : count + cls - of.length;
  }

  commonClass(group: number): number {
    const {of, common, count} = this.groups;
    return group < count ? common[group] : of.length + group - count;
  }

  latestStart(slot: number): Nanoseconds {
    return this.streams.deadlineAt[slot] - this.programs.remainingNs[this.streams.cursor[slot]];
  }

  get taken(): number {
    return this.superkernel.taken;
  }

  take(slot: number): void {
    this.superkernel.take(slot);
  }

  takeGroup(group: number, most: number): number {
    return this.superkernel.takeGroup(group, most);
  }

  commonSteps(most: number): number {
    return this.superkernel.commonSteps(most);
  }

  launch(lane: number, method = -1, steps = 1): Launch {
    const {lanes} = this;
    if (!(lane >= 0 && lane < lanes.count)) this.fail(`launched on lane ${lane} of ${lanes.count}`);
    if (lanes.outstanding[lane] >= lanes.depth) {
      this.fail(`launched on lane ${lane}, which holds ${lanes.depth} launches already`);
    }
    const launch = this.superkernel.close(lane, method, steps);
    lanes.add(lane, this.now, launch.predictedNs);
    this.device.submit(launch);
    this.recorder.launched(launch);
    return launch;
  }

  wakeAt(time: Nanoseconds): void {
    if (time < this.wake) this.wake = Math.max(time, this.now + 1);
  }

  startBatch(tenant: number, size: number): number {
    return this.startShared([tenant], [size]);
  }

  startShared(tenants: readonly number[], counts: readonly number[]): number {
    const {requests} = this;
    let first = -1;
    let last = -1;
    let deadlineAt = Infinity;
    let batch = 0;
    for (let i = 0; i < tenants.length; i++) {
      const tenant = tenants[i];
      if (!(counts[i] <= requests.waiting[tenant])) {
        this.fail(
          `batched ${counts[i]} requests of ${this.tenants[tenant].name}, which has ${requests.waiting[tenant]} waiting`,
        );
      }
      for (let j = 0; j < counts[i]; j++) {
        const request = requests.dequeue(tenant);
        deadlineAt = Math.min(deadlineAt, requests.arrivalAt[request] + this.slo[tenant]);
        if (last < 0) first = request;
        else requests.next[last] = request;
        last = request;
        batch++;
      }
    }
    if (first < 0) this.fail('formed a batch of no requests');
    const tenant = requests.tenant[first];
    const cursor = batch === 1 ? this.single[tenant] : this.tenants[tenant].program(batch);
    return this.startStream(tenant, cursor, deadlineAt, first, batch);
  }

  drop(slot: number): void {
    const {streams, requests} = this;
    const state = streams.state[slot];
    if (state === READY) this.ready.remove(slot);
    else if (state === HELD) this.held.remove(slot);
    else this.fail(`dropped stream ${slot}, whose head is not ready`);
    for (let request = streams.request[slot]; request >= 0;) {
      const next = requests.next[request];
      this.leave(request);
      request = next;
    }
    this.attempts.delete(slot);
    streams.release(slot);
  }

  dropWaiting(tenant: number): void {
    if (this.requests.waiting[tenant] === 0)
      this.fail(`dropped a request of ${this.tenants[tenant].name}, which has none waiting`);
    this.leave(this.requests.dequeue(tenant));
  }

  hold(tenant: number): void {
    if (this.holds[tenant]) return;
    this.holds[tenant] = 1;
    this.heldTenants++;
    this.moveStreams(tenant, READY);
  }

  release(tenant: number): void {
    if (!this.holds[tenant]) return;
    this.holds[tenant] = 0;
    this.heldTenants--;
    this.moveStreams(tenant, HELD);
  }

  isHeld(tenant: number): boolean {
    return this.holds[tenant] === 1;
  }

  /** Moves the tenant's streams that are in `from` to the other list. O(streams in the system), as evictions are rare. */
  private moveStreams(tenant: number, from: typeof READY | typeof HELD): void {
    const {streams} = this;
    for (let slot = 0; slot < streams.capacity; slot++) {
      if (streams.state[slot] !== from || streams.tenant[slot] !== tenant) continue;
      (from === READY ? this.ready : this.held).remove(slot);
      this.makeReady(slot, this.headOf(slot));
    }
  }

  private admit(): void {
    const {arrivals, requests} = this;
    const at = this.arrivalAt;
    const tenant = arrivals.take();
    this.arrivalAt = arrivals.nextAt();
    this.recorder.arrived(tenant, at);
    const request = requests.enqueue(tenant, at);
    if (this.batched) return;
    requests.dequeue(tenant);
    this.startStream(tenant, this.single[tenant], at + this.slo[tenant], request, 1);
  }

  private startStream(
    tenant: number,
    cursor: number,
    deadlineAt: Nanoseconds,
    request: number,
    batch: number,
  ): number {
    const slot = this.streams.allocate(tenant, cursor, deadlineAt, request, batch);
    if (slot >= this.ready.slots) {
      this.ready.growSlots(this.streams.capacity);
      this.held.growSlots(this.streams.capacity);
    }
    this.makeReady(slot, this.headOf(slot));
    return slot;
  }

  /** The shape class of a stream's head. */
  private headOf(slot: number): number {
    return this.programs.classes[this.streams.cursor[slot]];
  }

  private makeReady(slot: number, cls: number): void {
    const {streams} = this;
    streams.readyAt[slot] = this.now;
    streams.stamp[slot]++;
    if (this.heldTenants > 0 && this.holds[streams.tenant[slot]]) {
      streams.state[slot] = HELD;
      this.held.append(streams.tenant[slot], slot);
    } else {
      streams.state[slot] = READY;
      const group = this.groupOf(cls);
      if (group >= this.ready.lists) this.ready.growLists(2 * group);
      this.ready.append(group, slot);
    }
    if (this.hearsReady !== null) this.hearsReady.onReady!(slot, this);
  }

  private finish(launch: Launch): void {
    const {streams, lanes, programs} = this;
    const {lane, members, size, steps} = launch;
    lanes.remove(lane, this.now);
    this.recorder.finished(launch, this.now);
    if (this.hearsFinished !== null) this.hearsFinished.onFinished!(launch, this);
    if (launch.failed) {
      this.retry(launch);
    } else {
      const classes = programs.classes;
      if (this.attempts.size > 0) for (let i = 0; i < size; i++) this.attempts.delete(members[i]);
      for (let i = 0; i < size; i++) {
        const slot = members[i];
        const cls = classes[(streams.cursor[slot] += steps)];
        if (cls >= 0) this.makeReady(slot, cls);
        else this.complete(slot);
      }
    }
    this.superkernel.reuse(launch);
  }

  private complete(slot: number): void {
    const {streams, requests} = this;
    const startedAt = streams.startedAt[slot];
    for (let request = streams.request[slot]; request >= 0;) {
      const next = requests.next[request];
      const tenant = requests.tenant[request];
      this.recorder.completed(tenant, requests.arrivalAt[request], startedAt, this.now);
      requests.release(request);
      this.left(tenant);
      request = next;
    }
    streams.release(slot);
  }

  /** A failed launch has computed nothing: its members are ready again, until they have failed too often. */
  private retry(launch: Launch): void {
    for (let i = 0; i < launch.size; i++) {
      const slot = launch.members[i];
      const attempts = (this.attempts.get(slot) ?? 0) + 1;
      this.attempts.set(slot, attempts);
      this.makeReady(slot, this.headOf(slot));
      if (attempts >= maxAttempts) this.drop(slot);
    }
  }

  private leave(request: number): void {
    const tenant = this.requests.tenant[request];
    this.recorder.dropped(tenant, this.requests.arrivalAt[request], this.now);
    this.requests.release(request);
    this.left(tenant);
  }

  private left(tenant: number): void {
    this.arrivals.left(tenant, this.now);
    this.arrivalAt = this.arrivals.nextAt();
  }

  private fail(what: string): never {
    throw new PolicyError(
      `policy ${this.policy.name} ${what} (decision ${this.decisions}, at ${this.now} ns)`,
    );
  }
}

/** One function for all runs: V8 compiles the loop anew for every other one that it calls. */
const never = (): boolean => false;
