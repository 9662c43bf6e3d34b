import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import {CudaError, DeviceLostError, OutOfMemoryError, dataTypeCode} from './cuda.ts';
import type {CudaContext} from './cuda.ts';
import {Operands} from './operands.ts';
import type {WallClock} from './wallClock.ts';

const SINGLE = methods.indexOf('single');
const GROUPED = methods.indexOf('grouped');

/** How long the host spins before it asks the driver whether the device still lives. A query costs about a microsecond. */
const queryAfterNs = 2e6;

/** How long a wait may last before the scheduler gets to look whether it should stop. */
const longestWaitNs = 10e6;

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
  /** Serves this tenant alone, on the context's first lane: a process or thread of its own. Its lane is its number. */
  readonly only?: number;
}

/**
 * A GPU through cuBLAS: a lane is a CUDA stream, a completion a number that the stream writes to page-locked memory and
 * the host reads with `Atomics.load`. One thread submits, waits and sees.
 */
export class CudaDevice implements Device {
  readonly lanes: number;
  readonly depth: number;
  private readonly context: CudaContext;
  private readonly clock: WallClock;
  private readonly kernels: readonly Kernel[];
  private readonly tenants: readonly Tenant[];
  private readonly maxMembers: number;
  private readonly codes: Int32Array;
  private readonly only: number | undefined;
  /** The lanes that can hold a launch here, and the context's lane of the first. */
  private readonly firstLane: number;
  private readonly lastLane: number;
  private run!: DeviceContext;
  private operands: Operands | null = null;
  /** Launches in flight by lane, oldest first, each with its ticket. */
  private readonly queue: Launch[][];
  private readonly tickets: Int32Array;
  private readonly seen: Int32Array;
  private inFlight = 0;

  constructor(options: CudaDeviceOptions) {
    const {lanes} = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.context = options.context;
    this.clock = options.clock;
    this.kernels = options.kernels;
    this.tenants = options.tenants;
    this.maxMembers = options.maxMembers;
    this.only = options.only;
    this.firstLane = options.only ?? 0;
    this.lastLane = options.only ?? lanes - 1;
    this.codes = Int32Array.from(options.kernels, (kernel) => dataTypeCode(kernel.dtype));
    this.queue = Array.from({length: lanes}, () => []);
    this.tickets = new Int32Array(lanes);
    this.seen = new Int32Array(lanes);
    for (let lane = this.firstLane; lane <= this.lastLane; lane++) {
      this.seen[lane] = this.tickets[lane] = Atomics.load(options.context.flags, lane - this.firstLane);
    }
  }

  attach(run: DeviceContext): void {
    this.run = run;
    this.operands = new Operands(this.context, this.kernels, this.tenants, run, this.only);
    this.context.synchronize();
  }

  submit(launch: Launch): void {
    const {lane, steps} = launch;
    const ticket = (this.tickets[lane] = (this.tickets[lane] + 1) | 0);
    launch.submittedAt = this.clock.now();
    launch.startedAt = NaN;
    try {
      if (steps === 1) {
        this.enqueue(launch, 0, ticket);
      } else {
        this.context.begin(lane - this.firstLane, ticket);
        for (let step = 0; step < steps; step++) this.enqueue(launch, step, 0);
        this.context.finish(lane - this.firstLane, ticket);
      }
    } catch (error) {
      this.giveUp(launch, ticket, error);
      return;
    }
    launch.releasedAt = this.clock.now();
    this.queue[lane].push(launch);
    this.inFlight++;
  }

  poll(): Launch | null {
    if (this.inFlight === 0) return null;
    const {flags} = this.context;
    for (let lane = this.firstLane; lane <= this.lastLane; lane++) {
      const queue = this.queue[lane];
      if (queue.length === 0) continue;
      const done = Atomics.load(flags, lane - this.firstLane);
      // Tickets rise by one a launch, so the oldest in flight has the one after the last seen.
      if (((done - this.seen[lane]) | 0) <= 0) continue;
      this.seen[lane] = (this.seen[lane] + 1) | 0;
      this.inFlight--;
      const launch = queue.shift()!;
      launch.finishedAt = this.clock.now();
      return launch;
    }
    return null;
  }

  wait(until: Nanoseconds): void {
    const {clock, context, firstLane, lastLane, seen, queue} = this;
    const {flags} = context;
    const begin = clock.now();
    const end = Math.min(until, begin + longestWaitNs);
    let queryAt = begin + queryAfterNs;
    for (;;) {
      for (let lane = firstLane; lane <= lastLane; lane++) {
        if (queue[lane].length > 0 && Atomics.load(flags, lane - firstLane) !== seen[lane]) return;
      }
      const now = clock.now();
      if (now >= end) return;
      if (now >= queryAt) {
        for (let lane = firstLane; lane <= lastLane; lane++) {
          if (queue[lane].length > 0) context.query(lane - firstLane);
        }
        queryAt = now + queryAfterNs;
      }
    }
  }

  /** Waits for what is in flight and frees the operands. Safe after a failure. */
  close(): void {
    try {
      this.context.synchronize();
    } finally {
      this.operands?.free();
      this.operands = null;
    }
  }

  /** Enqueues one step of a launch; ticket 0 signals nothing. */
  private enqueue(launch: Launch, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const {members, size, method} = launch;
    const lane = launch.lane - this.firstLane;
    const operands = this.operands!;
    const first = streams.cursor[members[0]] + step;
    if (first >= operands.known) operands.follow(run);
    const addresses = context.operands;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      const cursor = streams.cursor[slot] + step;
      addresses[3 * i] = operands.weights(streams.tenant[slot], cursor);
      addresses[3 * i + 1] = operands.input(slot, cursor);
      addresses[3 * i + 2] = operands.output(slot, cursor);
    }
    if (step === 0 && method === GROUPED) {
      this.enqueueGrouped(launch, ticket);
      return;
    }
    const cls = step === 0 ? launch.cls : programs.classes[first];
    const kernel = kernels[cls];
    if (kernel.op === 'elementwise') {
      for (let i = 0; i < size; i++) addresses[3 * i] = addresses[3 * i + 1];
      context.submitElementwise(lane, ticket, Math.max(32, Math.ceil(kernel.bytes / 32) * 32), size);
      return;
    }
    const {m, n, k, count} = kernel;
    const code = this.codeOf(cls);
    if (method === SINGLE || size * count > this.maxMembers) {
      context.submitSequence(lane, ticket, code, m, n, k, count, size);
    } else {
      context.submitBatched(lane, ticket, code, m, n, k, count, size);
    }
  }

  /** Consecutive members of one class form a group. */
  private enqueueGrouped({lane, classes, size}: Launch, ticket: number): void {
    const {shapes} = this.context;
    let groups = 0;
    for (let i = 0; i < size; i++) {
      if (i > 0 && classes[i] === classes[i - 1]) {
        shapes[4 * groups - 1]++;
        continue;
      }
      const kernel = this.kernels[classes[i]];
      if (kernel.op !== 'gemm' || kernel.count !== 1) {
        throw new DeviceError('cannot group element-wise kernels or kernels of several products');
      }
      shapes[4 * groups] = kernel.m;
      shapes[4 * groups + 1] = kernel.n;
      shapes[4 * groups + 2] = kernel.k;
      shapes[4 * groups + 3] = 1;
      groups++;
    }
    this.context.submitGrouped(lane - this.firstLane, ticket, this.codeOf(classes[0]), groups);
  }

  private codeOf(cls: number): number {
    return cls < this.codes.length ? this.codes[cls] : dataTypeCode(this.kernels[cls].dtype);
  }

  /** A call that failed and left the device usable fails its launch alone; anything worse ends the run. */
  private giveUp(launch: Launch, ticket: number, error: unknown): void {
    if (
      !(error instanceof CudaError) ||
      error instanceof DeviceLostError ||
      error instanceof OutOfMemoryError
    )
      throw error;
    // What was enqueued before the failing call still runs; the ticket is then written behind it.
    this.context.finish(launch.lane - this.firstLane, ticket);
    launch.failed = true;
    launch.releasedAt = this.clock.now();
    this.queue[launch.lane].push(launch);
    this.inFlight++;
  }
}
