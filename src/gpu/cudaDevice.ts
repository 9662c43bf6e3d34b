import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Gemm, Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import {CudaError, DeviceLostError, OutOfMemoryError, dataTypeCode} from './cuda.ts';
import type {CudaContext} from './cuda.ts';
import {Operands, elementwiseBytes} from './operands.ts';
import {following} from './ticket.ts';
import type {WallClock} from './wallClock.ts';
import {warmUp} from './warmUp.ts';

const SINGLE = methods.indexOf('single');
const GROUPED = methods.indexOf('grouped');

/** Time between two looks at whether the device still lives and whether to stop. A query costs about a microsecond. */
const lookEveryNs = 2e6;

/** Waits for nothing but time sleep, and spin at their end: a sleeper may wake this much late. */
const spinNs = 1e6;
const longestSleepMs = 10;

export interface CudaDeviceOptions {
  readonly context: CudaContext;
  readonly clock: WallClock;
  /** Shape classes of the run; batches may add some. */
  readonly kernels: readonly Kernel[];
  readonly tenants: readonly Tenant[];
  readonly lanes: number;
  readonly depth: number;
  /** Most products of one batched call, as the context was opened with. */
  readonly maxMembers: number;
  /** The most members of a superkernel. */
  readonly maxSize: number;
  /** The lanes of the context, where other hosts (processes, threads) have the others; all by default. */
  readonly hostLanes?: {readonly first: number; readonly count: number};
  /** The tenants that this host serves; all by default. */
  readonly served?: readonly number[];
  /** See `OperandOptions`. */
  readonly largestBatch?: number;
  /** Asked now and then while waiting; a wait then ends early. */
  readonly shouldStop?: () => boolean;
  /** Injected stragglers: a launch with a kernel of such a tenant runs this many times over. */
  readonly tenantFactor?: (tenant: number, now: Nanoseconds) => number;
}

/**
 * A GPU through cuBLAS: a lane is a CUDA stream, a completion a number that the stream writes to page-locked memory and
 * the host reads with `Atomics.load`. One thread submits, waits and sees.
 *
 * Whatever the method, members that the library cannot put into one call run one after another on their lane.
 */
export class CudaDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  private readonly options: CudaDeviceOptions;
  private readonly context: CudaContext;
  private readonly clock: WallClock;
  private readonly kernels: readonly Kernel[];
  private readonly firstLane: number;
  private run!: DeviceContext;
  private operands: Operands | null = null;
  /** Launches in flight by lane, oldest first. */
  private readonly queue: Launch[][];
  private readonly tickets: Int32Array;
  private readonly seen: Int32Array;
  /** The lanes that hold a launch, and where the next poll begins among them: no lane is served before its turn. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  private turn = 0;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: CudaDeviceOptions) {
    const {lanes, context, hostLanes} = options;
    this.options = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.context = context;
    this.clock = options.clock;
    this.kernels = options.kernels;
    this.firstLane = hostLanes?.first ?? 0;
    this.queue = Array.from({length: lanes}, () => []);
    this.tickets = new Int32Array(lanes);
    this.seen = new Int32Array(lanes);
    this.busy = new Int32Array(lanes);
  }

  attach(run: DeviceContext): void {
    const {context, options, firstLane} = this;
    const {tenants, served, largestBatch, maxSize, lanes, depth} = options;
    const {length} = context.flags;
    this.run = run;
    this.operands = new Operands({
      context,
      kernels: this.kernels,
      tenants,
      run,
      streams: (options.hostLanes?.count ?? lanes) * depth * maxSize,
      ...(served === undefined ? {} : {served}),
      ...(largestBatch === undefined ? {} : {largestBatch}),
    });
    warmUp({
      context,
      lanes: length,
      maxSize,
      maxMembers: options.maxMembers,
      classes: classesOf(tenants, served, run),
      kernels: this.kernels,
      operands: this.operands,
    });
    for (let i = 0; i < length && firstLane + i < lanes; i++) {
      this.seen[firstLane + i] = this.tickets[firstLane + i] = Atomics.load(context.flags, i);
    }
  }

  submit(launch: Launch): void {
    const {lane, steps} = launch;
    const on = lane - this.firstLane;
    const ticket = (this.tickets[lane] = following(this.tickets[lane]));
    launch.submittedAt = this.clock.now();
    launch.startedAt = NaN;
    const times = this.timesOf(launch);
    try {
      if (steps === 1 && times === 1) {
        this.enqueue(launch, 0, ticket);
        launch.releasedAt = this.clock.now();
      } else {
        this.context.begin(on, ticket);
        for (let step = 0; step < steps; step++) {
          for (let i = 0; i < times; i++) this.enqueue(launch, step, 0);
          // As in the simulator: the device may begin when it has the first step.
          if (step === 0) launch.releasedAt = this.clock.now();
        }
        this.context.finish(on, ticket);
      }
    } catch (error) {
      this.giveUp(launch, on, ticket, error);
    }
    if (this.queue[lane].push(launch) === 1) this.busy[this.busyCount++] = lane;
  }

  poll(): Launch | null {
    const {busy, seen, firstLane} = this;
    const {flags} = this.context;
    for (let looked = 0; looked < this.busyCount; looked++) {
      if (this.turn >= this.busyCount) this.turn = 0;
      const at = this.turn++;
      const lane = busy[at];
      // Tickets rise by one a launch, so the oldest in flight has the one after the last seen.
      if (((Atomics.load(flags, lane - firstLane) - seen[lane]) | 0) <= 0) continue;
      seen[lane] = following(seen[lane]);
      const queue = this.queue[lane];
      const launch = queue.shift()!;
      if (queue.length === 0) {
        busy[at] = busy[--this.busyCount];
        this.turn = at;
      }
      launch.finishedAt = this.clock.now();
      return launch;
    }
    return null;
  }

  wait(until: Nanoseconds): void {
    const {clock, context, firstLane, seen, busy, busyCount} = this;
    const {flags} = context;
    if (busyCount === 0) {
      this.waitForTime(until);
      return;
    }
    let lookAt = clock.now() + lookEveryNs;
    for (;;) {
      for (let i = 0; i < busyCount; i++) {
        if (Atomics.load(flags, busy[i] - firstLane) !== seen[busy[i]]) return;
      }
      const now = clock.now();
      if (now >= until) return;
      if (now < lookAt) continue;
      if (this.options.shouldStop?.() === true) return;
      for (let i = 0; i < busyCount; i++) context.query(busy[i] - firstLane);
      lookAt = now + lookEveryNs;
    }
  }

  /** Waits for what is in flight and frees the operands, also of a device that is lost, which it throws. */
  close(): void {
    try {
      this.context.synchronize();
    } finally {
      this.operands?.free();
      this.operands = null;
    }
  }

  private waitForTime(until: Nanoseconds): void {
    const {clock} = this;
    if (until === Infinity) {
      throw new DeviceError('waited forever: nothing runs on the device and no time was given');
    }
    for (let now = clock.now(); now < until; now = clock.now()) {
      const ms = Math.min((until - now - spinNs) / 1e6, longestSleepMs);
      if (ms <= 0) continue;
      if (this.options.shouldStop?.() === true) return;
      Atomics.wait(this.sleeper, 0, 0, ms);
    }
  }

  private timesOf(launch: Launch): number {
    const {tenantFactor} = this.options;
    if (tenantFactor === undefined) return 1;
    let factor = 1;
    for (let i = 0; i < launch.size; i++) {
      const tenant = this.run.streams.tenant[launch.members[i]];
      factor = Math.max(factor, tenantFactor(tenant, launch.submittedAt));
    }
    return Math.round(factor);
  }

  /** Enqueues one step of a launch; ticket 0 signals nothing. */
  private enqueue(launch: Launch, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const {members, size, method} = launch;
    if (method === GROUPED) {
      this.enqueueGrouped(launch, step, ticket);
      return;
    }
    const lane = launch.lane - this.firstLane;
    const operands = this.operands!;
    const addresses = context.operands;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      // Before the activations, which it may have to make larger.
      addresses[3 * i] = operands.weights(streams.tenant[slot], streams.cursor[slot] + step);
      addresses[3 * i + 1] = operands.input(slot);
      addresses[3 * i + 2] = operands.output(slot);
    }
    const cls = step === 0 ? launch.cls : programs.classes[streams.cursor[members[0]] + step];
    const kernel = kernels[cls];
    if (kernel.op === 'elementwise') {
      for (let i = 0; i < size; i++) addresses[3 * i] = addresses[3 * i + 1];
      context.submitElementwise(lane, ticket, elementwiseBytes(kernel.bytes), size);
      return;
    }
    const {m, n, k, count, dtype} = kernel;
    const code = dataTypeCode(dtype);
    if (method === SINGLE || size * count > this.options.maxMembers) {
      context.submitSequence(lane, ticket, code, m, n, k, count, size);
    } else {
      context.submitBatched(lane, ticket, code, m, n, k, count, size);
    }
  }

  /** One grouped call where the library has it for what is to run, else a call for each run of equal members. */
  private enqueueGrouped(launch: Launch, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const {members, size} = launch;
    const classOf = (i: number): number => programs.classes[streams.cursor[members[i]] + step];
    if (this.canGroup(size, classOf)) {
      this.submitGroups(launch, step, ticket);
      return;
    }
    const lane = launch.lane - this.firstLane;
    const operands = this.operands!;
    const addresses = context.operands;
    if (ticket !== 0) context.begin(lane, ticket);
    for (let from = 0, to = 0; from < size; from = to) {
      const kernel = kernels[classOf(from)];
      for (; to < size && classOf(to) === classOf(from); to++) {
        const at = 3 * (to - from);
        const slot = members[to];
        const weights = operands.weights(streams.tenant[slot], streams.cursor[slot] + step);
        addresses[at + 1] = operands.input(slot);
        addresses[at + 2] = operands.output(slot);
        addresses[at] = kernel.op === 'elementwise' ? addresses[at + 1] : weights;
      }
      if (kernel.op === 'elementwise') {
        context.submitElementwise(lane, 0, elementwiseBytes(kernel.bytes), to - from);
      } else {
        const {m, n, k, count, dtype} = kernel;
        context.submitSequence(lane, 0, dataTypeCode(dtype), m, n, k, count, to - from);
      }
    }
    if (ticket !== 0) context.finish(lane, ticket);
  }

  private canGroup(size: number, classOf: (i: number) => number): boolean {
    const first = this.kernels[classOf(0)];
    const {grouped} = this.context;
    if (grouped === 'none' || (grouped === 'fp32' && first.dtype !== 'fp32')) return false;
    let products = 0;
    for (let i = 0; i < size; i++) {
      const kernel = this.kernels[classOf(i)];
      if (kernel.op !== 'gemm' || kernel.dtype !== first.dtype) return false;
      products += kernel.count;
    }
    return products <= this.options.maxMembers;
  }

  /** Consecutive members of one class form a group; a kernel of several products is as many members. */
  private submitGroups({lane, members, size}: Launch, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const operands = this.operands!;
    const {shapes, operands: addresses} = context;
    let groups = 0;
    let product = 0;
    let last = -1;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      const cursor = streams.cursor[slot] + step;
      const cls = programs.classes[cursor];
      const {m, n, k, count, dtype} = kernels[cls] as Gemm;
      const bytes = dtype === 'fp32' || dtype === 'tf32' ? 4 : 2;
      const a = operands.weights(streams.tenant[slot], cursor);
      const b = operands.input(slot);
      const c = operands.output(slot);
      for (let j = 0; j < count; j++, product++) {
        addresses[3 * product] = a + j * m * k * bytes;
        addresses[3 * product + 1] = b + j * k * n * bytes;
        addresses[3 * product + 2] = c + j * m * n * bytes;
      }
      if (cls === last) {
        shapes[4 * groups - 1] += count;
        continue;
      }
      shapes[4 * groups] = m;
      shapes[4 * groups + 1] = n;
      shapes[4 * groups + 2] = k;
      shapes[4 * groups + 3] = count;
      groups++;
      last = cls;
    }
    const {dtype} = kernels[last];
    context.submitGrouped(lane - this.firstLane, ticket, dataTypeCode(dtype), groups);
  }

  /** A call that failed and left the device usable fails its launch alone; anything worse ends the run. */
  private giveUp(launch: Launch, on: number, ticket: number, error: unknown): void {
    if (
      !(error instanceof CudaError) ||
      error instanceof DeviceLostError ||
      error instanceof OutOfMemoryError
    )
      throw error;
    // What was enqueued before the failing call still runs; the ticket is written behind it.
    this.context.finish(on, ticket);
    launch.failed = true;
    launch.releasedAt = this.clock.now();
  }
}

/** The classes that the served tenants' requests run, each once, with a tenant and a cursor that has it. */
function classesOf(
  tenants: readonly Tenant[],
  served: readonly number[] | undefined,
  {programs}: DeviceContext,
): Map<number, {tenant: number; cursor: number}> {
  const found = new Map<number, {tenant: number; cursor: number}>();
  for (const tenant of served ?? tenants.keys()) {
    for (let cursor = tenants[tenant].program(1); programs.classes[cursor] >= 0; cursor++) {
      const cls = programs.classes[cursor];
      if (!found.has(cls)) found.set(cls, {tenant, cursor});
    }
  }
  return found;
}
