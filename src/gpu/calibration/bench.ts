import {DeviceError} from '../../scheduler/errors.ts';
import type {Kernel} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {CudaContext} from '../cuda.ts';
import type {OperandPool} from './operandPool.ts';
import {prepare} from './prepared.ts';
import type {Prepared} from './prepared.ts';
import {medianOf} from './samples.ts';
import type {Work} from './work.ts';

/** How long to repeat: at least `least` times, then until `most` times or `forNs` are over. */
export interface Repeats {
  readonly least: number;
  readonly most: number;
  readonly forNs: number;
}

/** Times of launches that each found the lane idle, in ns. */
export interface RoundTrips {
  /** From the start of the submission until it had left the host's hands. */
  readonly submit: number[];
  /** From the start of the submission until the host saw the end. */
  readonly round: number[];
}

export interface BenchOptions {
  readonly context: CudaContext;
  /** The clock that times are read on, in ns. */
  readonly nowNs: () => number;
  readonly pool: OperandPool;
  readonly lanes: number;
  /** Most products of one launch, as the context was opened with. */
  readonly maxMembers: number;
  /** Launches that a lane may hold, as the context was opened with. */
  readonly ringSlots: number;
  /** The device's L2 cache, which is emptied of weights before they are read again; 0, the default: it is left as it is. */
  readonly cacheBytes?: number;
}

/** A launch that has not ended after this time is taken for lost. */
const patienceNs = 30e9;

/** Room for operand pointers that one captured graph may take. */
const graphProducts = 1 << 18;

/** Graphs of a kernel by itself, with operands of their own, while launching each once takes no longer than this. */
const rotations = {least: 4, most: 32, forNs: 4e6};

/** Runs launches on a context and takes their times, operands rotating as in use. */
export class Bench {
  readonly context: CudaContext;
  readonly nowNs: () => number;
  readonly pool: OperandPool;
  readonly lanes: number;
  readonly maxMembers: number;
  private readonly ringSlots: number;
  private readonly cacheBytes: number;
  private readonly tickets: Int32Array;
  /** Memory that takes the place of everything else in the cache; 0 before it is needed. */
  private scratch = 0;

  constructor(options: BenchOptions) {
    this.context = options.context;
    this.nowNs = options.nowNs;
    this.pool = options.pool;
    this.lanes = options.lanes;
    this.maxMembers = options.maxMembers;
    this.ringSlots = options.ringSlots;
    this.cacheBytes = Math.floor((options.cacheBytes ?? 0) / 32) * 32;
    this.tickets = Int32Array.from(options.context.flags);
  }

  /** Whether the context can execute it at all. */
  isPossible({kernel, size, method}: Work): boolean {
    const block =
      method === 'strided' && kernel.op === 'gemm' ? {...kernel, count: kernel.count * size} : kernel;
    if (!this.pool.fits(block)) return false;
    if (kernel.op === 'elementwise') return size <= this.maxMembers && method !== 'grouped';
    if (method === 'grouped' && (kernel.count !== 1 || !this.knowsGrouped(kernel))) return false;
    return method === 'single' ? size <= this.maxMembers : size * kernel.count <= this.maxMembers;
  }

  private knowsGrouped({dtype}: Kernel): boolean {
    const {grouped} = this.context;
    return grouped === 'all' || (grouped === 'fp32' && dtype === 'fp32');
  }

  /** The lane's next ticket. */
  ticket(lane: number): number {
    const ticket = (this.tickets[lane] + 1) | 0;
    return (this.tickets[lane] = ticket === 0 ? 1 : ticket);
  }

  /** Enqueues a launch by plain calls; ticket 0 signals nothing. */
  submit(work: Work, lane: number, ticket: number): void {
    const {context} = this;
    const {kernel, size, method} = work;
    // Members at equal distances lie in one block.
    if (method === 'strided' && kernel.op === 'gemm')
      this.pool.place({...kernel, count: kernel.count * size}, 1);
    else this.pool.place(kernel, size);
    if (kernel.op === 'elementwise') {
      context.submitElementwise(lane, ticket, Math.max(32, Math.ceil(kernel.bytes / 32) * 32), size);
      return;
    }
    const {m, n, k, count} = kernel;
    const code = dataTypeCode(kernel.dtype);
    switch (method) {
      case 'single':
        context.submitSequence(lane, ticket, code, m, n, k, count, size);
        return;
      case 'batched':
      case 'padded':
        context.submitBatched(lane, ticket, code, m, n, k, count, size);
        return;
      case 'strided': {
        const [a, b, c] = context.operands;
        context.submitStrided(lane, ticket, code, m, n, k, count * size, m * k, k * n, m * n, a, b, c);
        return;
      }
      case 'grouped':
        context.shapes.set([m, n, k, size]);
        context.submitGrouped(lane, ticket, code, 1);
        return;
      default:
        method satisfies never;
    }
  }

  /** Spins until the lane has completed `ticket`, or a later one. Throws what went wrong where that does not come. */
  waitFor(lane: number, ticket: number): void {
    const {flags} = this.context;
    const begin = this.nowNs();
    for (let i = 1; ((Atomics.load(flags, lane) - ticket) | 0) < 0; i++) {
      if (i % 65_536 !== 0) continue;
      this.context.query(lane);
      if (this.nowNs() - begin > patienceNs) {
        throw new DeviceError(`lane ${lane} did not complete a launch within ${patienceNs / 1e9} s`);
      }
    }
  }

  /** Launches as the live device does, one at a time, each when the one before has been seen. */
  roundTrips(work: Work, {least, most, forNs}: Repeats, lane = 0): RoundTrips {
    const {nowNs} = this;
    const submit: number[] = [];
    const round: number[] = [];
    this.withPrepared(work, lane, (prepared) => {
      this.runOnce(prepared, lane);
      const begin = nowNs();
      while (round.length < least || (round.length < most && nowNs() - begin < forNs)) {
        if (round.length % prepared.rotation === 0 && prepared.rotation < Infinity)
          this.settleCaches(work.kernel, lane);
        const ticket = this.ticket(lane);
        const sent = nowNs();
        prepared.launch(ticket);
        const released = nowNs();
        this.waitFor(lane, ticket);
        const seen = nowNs();
        submit.push(released - sent);
        round.push(seen - sent);
      }
    });
    return {submit, round};
  }

  /**
   * Time per launch in ns where the lane always holds more: what `many` launches in a row take longer than two. Bound by
   * the host where that takes longer to submit.
   */
  queuedNs(work: Work, repeats = 3, lane = 0): number {
    const many = Math.min(10, this.ringSlots - 1);
    return this.withPrepared(work, lane, (prepared) => {
      const burst = (launches: number): number => {
        if (prepared.rotation < Infinity) this.settleCaches(work.kernel, lane);
        return this.burstNs(launches, lane, prepared.launch);
      };
      burst(2);
      const slopes = Array.from({length: repeats}, () => {
        const few = burst(2);
        return (burst(many) - few) / (many - 2);
      });
      return medianOf(slopes);
    });
  }

  /**
   * Time per launch in ns within a captured run of `launches`, other operands each: what it takes longer than a captured
   * run of one.
   */
  stepNs(work: Work, launches: number, repeats = 5, lane = 0): number {
    const graphs: number[] = [];
    try {
      const one = this.capture(work, 1, lane);
      graphs.push(one.graph);
      const run = this.capture(work, launches, lane);
      graphs.push(run.graph);
      const once = (graph: number): number => {
        this.settleCaches(work.kernel, lane);
        return this.burstNs(1, lane, (ticket) => this.context.launchGraph(lane, ticket, graph));
      };
      graphs.forEach(once);
      const shortest = medianOf(Array.from({length: repeats}, () => once(one.graph)));
      const longest = medianOf(Array.from({length: repeats}, () => once(run.graph)));
      return (longest - shortest) / Math.max(1, run.count - one.count);
    } finally {
      for (const graph of graphs) this.context.destroyGraph(graph);
    }
  }

  /** Captures up to `launches` launches as one graph; `count` says how many it holds. */
  capture(work: Work, launches: number, lane: number): {graph: number; count: number} {
    const {kernel, size, method} = work;
    const products = method === 'single' || kernel.op === 'elementwise' ? 0 : size * kernel.count;
    const count = Math.max(
      1,
      products === 0 ? launches : Math.min(launches, Math.floor(graphProducts / products)),
    );
    this.context.synchronize(lane);
    this.context.captureBegin(lane, products * count);
    let failure: unknown;
    try {
      for (let i = 0; i < count; i++) this.submit(work, lane, 0);
    } catch (error) {
      failure = error;
    }
    // Ends the capture in any case, or the lane would stay unusable.
    let graph: number;
    try {
      graph = this.context.captureEnd(lane);
    } catch (error) {
      throw failure ?? error;
    }
    if (failure === undefined) return {graph, count};
    this.context.destroyGraph(graph);
    throw failure;
  }

  /** Keeps the device busy with a kind of work for `forNs`, so that its clocks are up. */
  warmUp(work: Work, forNs: number, lane = 0): void {
    const begin = this.nowNs();
    do {
      this.burstNs(4, lane, (ticket) => this.submit(work, lane, ticket));
    } while (this.nowNs() - begin < forNs);
  }

  /** From the first submission until the last end is seen. */
  private burstNs(launches: number, lane: number, submit: (ticket: number) => void): number {
    const begin = this.nowNs();
    let ticket = 0;
    for (let i = 0; i < launches; i++) submit((ticket = this.ticket(lane)));
    this.waitFor(lane, ticket);
    return this.nowNs() - begin;
  }

  private runOnce(prepared: Prepared, lane: number): void {
    const ticket = this.ticket(lane);
    prepared.launch(ticket);
    this.waitFor(lane, ticket);
  }

  private withPrepared<T>(work: Work, lane: number, body: (prepared: Prepared) => T): T {
    const {least, most, forNs} = rotations;
    // By a plain call, which also loads the code.
    const ns = this.burstNs(1, lane, (ticket) => this.submit(work, lane, ticket));
    const rotation = Math.min(most, Math.max(least, Math.floor(forNs / ns)));
    const prepared = prepare(this, work, rotation, lane);
    try {
      return body(prepared);
    } finally {
      prepared.free();
    }
  }

  /**
   * Brings the caches to what a device in use has in them: a tenant's weights have been pushed out by the others' since
   * its last request, what a kernel reads besides was written just before.
   */
  private settleCaches(kernel: Kernel, lane: number): void {
    const {context, cacheBytes} = this;
    if (cacheBytes === 0) return;
    if (this.scratch === 0) this.scratch = context.alloc(2 * cacheBytes);
    context.operands.set([this.scratch, this.scratch, this.scratch + cacheBytes]);
    context.submitElementwise(lane, 0, 2 * cacheBytes, 1);
    const {bytes, members} = this.pool.placeActivations(kernel, this.maxMembers);
    if (bytes * members <= cacheBytes / 2) context.submitElementwise(lane, 0, bytes, members);
    context.synchronize(lane);
  }
}
