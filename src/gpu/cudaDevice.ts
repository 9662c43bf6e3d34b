import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {DeviceError} from '../scheduler/errors.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import {CudaError, DeviceLostError, OutOfMemoryError} from './cuda.ts';
import type {CudaContext} from './cuda.ts';
import {GraphCache} from './graphCache.ts';
import {Operands} from './operands.ts';
import {Submission} from './submission.ts';
import {SubmissionRehearsal} from './submissionRehearsal.ts';
import {following} from './ticket.ts';
import {batchesOf, recordAhead} from './recordAhead.ts';
import type {Program} from './recordAhead.ts';
import type {WallClock} from './wallClock.ts';
import {warmUp} from './warmUp.ts';

/** Time between two looks at whether the device still lives and whether to stop. A query costs about a microsecond. */
const lookEveryNs = 2e6;

/** Requests under way hold their activations between their kernels too: many more than fit on the lanes, where they wait. */
const fewestPairs = 64;
const pairsOfTenant = 64;

/**
 * Waits for nothing but time sleep where they are long, and spin at their end: a sleeper may wake late, on a core that has to
 * speed up again, with its caches gone.
 */
const spinNs = 20e6;
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
  /** From the end of a launch on the device until a host that waits for it sees it; 0 by default. */
  readonly detectNs?: Nanoseconds;
  /** See `OperandOptions`. */
  readonly largestBatch?: number;
  /** Asked now and then while waiting; a wait then ends early. */
  readonly shouldStop?: () => boolean;
  /** Injected stragglers: a launch with a kernel of such a tenant runs this many times over. */
  readonly tenantFactor?: (tenant: number, now: Nanoseconds) => number;
  /** Whether launches are recorded as graphs and launched again, where the driver can. Default true. */
  readonly graphs?: boolean;
  /** Whether launches run several kernels of several members: such are recorded before the run, or not at all. */
  readonly runsAhead?: boolean;
}

/**
 * A GPU through cuBLAS: a lane is a CUDA stream, a completion a number that the stream writes to page-locked memory and
 * the host reads with `Atomics.load`. One thread submits, waits and sees.
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
  private graphs: GraphCache | null = null;
  private submission!: Submission;
  private rehearsal: SubmissionRehearsal | null = null;
  /** Of the operands as they were laid out ahead of runs. */
  private layout = 0;
  /** Launches in flight by lane, oldest first. */
  private readonly queue: Launch[][];
  private readonly tickets: Int32Array;
  private readonly seen: Int32Array;
  /** The lanes that hold a launch, and where the next poll begins among them: no lane is served before its turn. */
  private readonly busy: Int32Array;
  private busyCount = 0;
  private turn = 0;
  /** When all flags were last looked at and nothing new was there. */
  private lookedAt: Nanoseconds = 0;
  private readonly detectNs: Nanoseconds;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: CudaDeviceOptions) {
    const {lanes, context, hostLanes} = options;
    this.options = options;
    this.lanes = lanes;
    this.depth = options.depth;
    this.context = context;
    this.clock = options.clock;
    this.detectNs = options.detectNs ?? 0;
    this.kernels = options.kernels;
    this.firstLane = hostLanes?.first ?? 0;
    this.queue = Array.from({length: lanes}, () => []);
    this.tickets = new Int32Array(lanes);
    this.seen = new Int32Array(lanes);
    this.busy = new Int32Array(lanes);
  }

  /** Once more for every further run with the same streams and programs: at once, with nothing in flight. */
  attach(run: DeviceContext): void {
    if (this.operands !== null && run.streams === this.run.streams && run.programs === this.run.programs) {
      this.run = run;
      this.readTickets();
      this.graphs?.beginRun();
    } else {
      this.setUp(run);
    }
  }

  private setUp(run: DeviceContext): void {
    const {context, options} = this;
    const {tenants, served, largestBatch, maxSize, lanes, depth} = options;
    const {length} = context.flags;
    this.run = run;
    this.operands = new Operands({
      context,
      kernels: this.kernels,
      tenants,
      run,
      streams: Math.max(
        fewestPairs,
        (options.hostLanes?.count ?? lanes) * depth * maxSize,
        (served ?? tenants).length > 1 ? pairsOfTenant * (served ?? tenants).length : 0,
      ),
      ...(served === undefined ? {} : {served}),
      ...(largestBatch === undefined ? {} : {largestBatch}),
    });
    const {maxMembers} = options;
    const {kernels, operands} = this;
    this.graphs =
      options.graphs === false
        ? null
        : new GraphCache({
            context,
            operands,
            run,
            kernels,
            maxSize,
            maxMembers,
            now: () => this.clock.now(),
          });
    this.submission = new Submission({context, run, kernels, operands, graphs: this.graphs, maxMembers});
    const classes = classesOf(tenants, served, run);
    warmUp({context, lanes: length, maxSize, maxMembers, classes, kernels, operands});
    const programsOf = (batch: number): Program[] =>
      (served ?? [...tenants.keys()]).map((tenant) => ({tenant, start: tenants[tenant].program(batch)}));
    if (this.graphs !== null) {
      recordAhead({
        graphs: this.graphs,
        operands,
        programs: programsOf(1),
        batchPrograms: Array.from({length: (largestBatch ?? 1) - 1}, (_, i) => programsOf(i + 2)).flat(),
        batches: batchesOf(classes.keys(), kernels, {maxSize, maxMembers, lanes: length}),
        lanes: length,
        runsAhead: options.runsAhead ?? false,
        sequences: run.programs,
        now: () => this.clock.now(),
      });
      this.rehearsal = new SubmissionRehearsal({
        context,
        kernels,
        operands,
        graphs: this.graphs,
        maxMembers,
        tenantPrograms: programsOf(1),
        programs: run.programs,
        maxSize,
        lanes: length,
        now: () => this.clock.now(),
      });
      this.rehearsal.prepare();
    }
    this.layout = this.operands.version;
    this.readTickets();
  }

  /** To be called just before a run, with nothing in flight: what comes after a pause is slow for some milliseconds. */
  wake(): void {
    try {
      this.rehearsal?.wake();
    } catch (error) {
      if (!isOfOneLaunch(error)) throw error;
    }
    this.context.synchronize();
    this.readTickets();
  }

  /** Goes on behind the tickets that the lanes have reached. */
  private readTickets(): void {
    const {context, firstLane, lanes} = this;
    for (let i = 0; i < context.flags.length && firstLane + i < lanes; i++) {
      this.seen[firstLane + i] = this.tickets[firstLane + i] = Atomics.load(context.flags, i);
    }
    this.lookedAt = 0;
  }

  /** Waits for what is in flight, and forgets it: the run that submitted it is over. */
  settle(): void {
    this.context.synchronize();
    for (const queue of this.queue) queue.length = 0;
    this.busyCount = this.turn = 0;
    this.operands?.releasePairs();
    this.readTickets();
  }

  /** Whether `rewind` is possible: where operands have moved, what was recorded of them ahead of runs is lost. */
  get canRewind(): boolean {
    return this.operands?.version === this.layout;
  }

  /** Once settled: forgets what was recorded in the runs before. Of these, only the code that they had loaded is left. */
  rewind(): void {
    this.graphs?.rewind();
  }

  submit(launch: Launch): void {
    const {lane} = launch;
    const on = lane - this.firstLane;
    const ticket = (this.tickets[lane] = following(this.tickets[lane]));
    launch.submittedAt = this.clock.now();
    launch.startedAt = NaN;
    const times = this.timesOf(launch);
    this.context.headStart[0] = 0;
    try {
      if (this.submission.asGraphs(launch, on, ticket, times)) this.release(launch);
      else this.submitSteps(launch, on, ticket, times);
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
      const now = (launch.finishedAt = this.clock.now());
      // Some time between two looks, and a little before it shows.
      const ended = (this.lookedAt + now) / 2 - this.detectNs;
      launch.endedAt = ended > launch.releasedAt ? ended : launch.releasedAt;
      if (!launch.failed) this.submission.completed(launch);
      return launch;
    }
    this.lookedAt = this.clock.now();
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
      const now = (this.lookedAt = clock.now());
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
      this.graphs?.free();
      this.graphs = null;
      this.operands?.free();
      this.operands = null;
    }
  }

  private submitSteps(launch: Launch, on: number, ticket: number, times: number): void {
    const {submission, context} = this;
    const {steps} = launch;
    if (steps === 1 && times === 1) {
      submission.step(launch, on, 0, ticket);
      this.release(launch);
      return;
    }
    context.begin(on, ticket);
    for (let pass = 0; pass < times; pass++) {
      for (let step = 0; step < steps;) {
        const some = submission.steps(launch, on, step, ticket);
        if (pass === 0 && step === 0) this.release(launch);
        step += some;
      }
    }
    context.finish(on, ticket);
  }

  /** As in the simulator: the device may begin when it has the first step, of members one by one the first of those. */
  private release(launch: Launch): void {
    launch.releasedAt = this.clock.now() - this.context.headStart[0];
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

  /** A call that failed and left the device usable fails its launch alone; anything worse ends the run. */
  private giveUp(launch: Launch, on: number, ticket: number, error: unknown): void {
    if (!isOfOneLaunch(error)) throw error;
    // What was enqueued before the failing call still runs; the ticket is written behind it.
    this.context.finish(on, ticket);
    launch.failed = true;
    launch.releasedAt = this.clock.now();
  }
}

/** Whether an error is of one launch, and has left the device usable. */
const isOfOneLaunch = (error: unknown): boolean =>
  error instanceof CudaError && !(error instanceof DeviceLostError) && !(error instanceof OutOfMemoryError);

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
