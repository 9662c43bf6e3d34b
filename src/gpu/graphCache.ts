import type {DeviceContext} from '../scheduler/device.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {longestWhole, shortRecordedSteps} from '../scheduler/launch.ts';
import {stopEvery, toNextStop} from '../scheduler/period.ts';
import type {CudaContext} from './cuda.ts';
import {GraphRecorder} from './graphRecorder.ts';
import type {GraphRecorderOptions} from './graphRecorder.ts';
import type {Operands} from './operands.ts';

/** Runs that end elsewhere are put together of these, which begin at multiples of their length before the end. */
export const shortRuns = [shortRecordedSteps, 1];

/** What is recorded from a kernel on: the whole program, the run to the next stop, and short runs. */
const [wholeLevel, stopLevel, shortLevel] = [0, 1, 2];
const levels = shortLevel + shortRuns.length;

/** Pairs of activations for which runs are recorded: each needs a workspace of its own. */
const mostPairs = 512;

/** More steps than any program has. */
const longest = 8192;

/** Batches form anywhere in a program, and where members go different ways they end anywhere: these steps at a time. */
export const shortGroup = shortRecordedSteps;

/** Most products of a graph of several steps of a batch whose addresses the device makes: 1.5 MB. */
const mostProducts = 65_536;

export interface GraphCacheOptions extends GraphRecorderOptions {
  /** The most members of a superkernel. */
  readonly maxSize: number;
  /** The most products of one batched launch. */
  readonly maxMembers: number;
}

/**
 * Launches that were recorded as CUDA graphs, to be launched again. A cuBLAS call costs the host 6 to 12 us on an H200,
 * launching a graph 1 to 4 us, however many kernels it holds (superkernel caching, arXiv 1901.10008).
 *
 * Runs of one stream are recorded by tenant and pair of activations, with a workspace of the pair, so that they may run
 * on any lane. Single steps of batches are recorded by lane, class and size and read their operands' addresses from the
 * lane's memory, several steps by program and size, with addresses of their own.
 */
export class GraphCache {
  private readonly context: CudaContext;
  private readonly operands: Operands;
  private readonly run: DeviceContext;
  private readonly kernels: readonly Kernel[];
  private readonly maxSize: number;
  private readonly maxMembers: number;
  /** By pair: the tenant of `table`, its graphs by cursor and level, and other tenants' by tenant. */
  private readonly tenantOf: number[] = [];
  private readonly tables: Int32Array[] = [];
  private readonly tablesByTenant: Map<number, Int32Array>[] = [];
  /** By cursor: where its program starts and how long it is. */
  private starts = new Int32Array(0);
  private programLengths = new Int32Array(0);
  /** By lane: graphs by class and size. */
  private readonly batches: Int32Array[] = [];
  /** Graphs of several steps of batches, by cursor of the first member, steps and size: one for each lane at a time. */
  private readonly groups = new Map<number, number[]>();
  /** How many steps the graph has that was found last. */
  found = 0;
  private readonly recorder: GraphRecorder;
  private version: number;
  private enabled: boolean;

  constructor(options: GraphCacheOptions) {
    const {context, operands, run, kernels, maxSize, maxMembers} = options;
    this.recorder = new GraphRecorder(options);
    this.context = context;
    this.operands = operands;
    this.run = run;
    this.kernels = kernels;
    this.maxSize = maxSize;
    this.maxMembers = maxMembers;
    this.version = operands.version;
    // Without a workspace to name, recorded calls would bring memory of their own.
    this.enabled = context.graphs && context.workspaceBytes > 0;
  }

  /** From now on recording takes time from a run, and is rationed. */
  beginRun(): void {
    this.recorder.beginRun();
  }

  /** How many graphs are held. */
  get size(): number {
    return this.recorder.size;
  }

  /**
   * Puts the graphs that run `steps` kernels of a tenant's stream from `cursor` on, on its pair, into
   * `context.sequence`, behind the first `count`. Returns how many are there now, or 0 where some are not recorded.
   */
  cover(tenant: number, pair: number, cursor: number, steps: number, count = 0): number {
    const {sequence} = this.context;
    for (let left = steps; left > 0; left -= this.found) {
      const graph = this.next(tenant, pair, cursor + steps - left, left);
      if (graph === 0 || count === sequence.length) return 0;
      sequence[count++] = graph;
    }
    return count;
  }

  /**
   * The graph of the next kernels of a tenant's stream at `cursor`, on its pair: `found` of the `steps`. 0 where the next
   * one has to be launched by a call.
   */
  next(tenant: number, pair: number, cursor: number, steps: number): number {
    if (!this.enabled || pair >= mostPairs) return 0;
    if (cursor >= this.starts.length || this.programLengths[cursor] === 0) this.lookUp(cursor, tenant);
    if (this.operands.version !== this.version) this.forget();
    const table = this.tableOf(tenant, pair);
    const start = this.starts[cursor];
    const whole = this.programLengths[cursor];
    if (cursor === start && steps >= whole) {
      const graph = this.runOf(table, tenant, pair, cursor, wholeLevel, whole);
      if (graph > 0) return this.finding(graph, whole);
    }
    const left = start + whole - cursor;
    const toStop = this.toStop(cursor);
    if (steps >= toStop) {
      const graph = this.runOf(table, tenant, pair, cursor, stopLevel, toStop);
      if (graph > 0) return this.finding(graph, toStop);
    }
    for (let i = 0; i < shortRuns.length; i++) {
      const length = shortRuns[i];
      if (length > steps || left % length !== 0) continue;
      const graph = this.runOf(table, tenant, pair, cursor, shortLevel + i, length);
      if (graph > 0) return this.finding(graph, length);
    }
    return 0;
  }

  /** How many kernels it is to the next stop of a program that is known. The driver takes about as long for a graph of sixteen kernels as for one. */
  private toStop(cursor: number): number {
    const left = this.starts[cursor] + this.programLengths[cursor] - cursor;
    return toNextStop(left, stopEvery(this.run.programs.periods[cursor]));
  }

  private finding(graph: number, length: number): number {
    this.found = length;
    return graph;
  }

  /** The graph of a batch of `size` members of a class on a lane, for `launchBatched`; 0 where there is none. */
  batch(lane: number, cls: number, size: number): number {
    if (!this.enabled) return 0;
    const at = cls * (this.maxSize + 1) + size;
    let table = this.batches[lane];
    if (table === undefined || at >= table.length) table = this.growBatches(lane);
    let graph = table[at];
    if (graph === 0) graph = table[at] = this.recorder.batch(lane, cls, size);
    return Math.max(0, graph);
  }

  /**
   * A graph for `launchGroup` on the lane: of the next steps of a batched launch of `size` members, the first of which is
   * at `cursor`. `found` of the `steps`. 0 where there is none that does not run elsewhere.
   */
  group(lane: number, cursor: number, steps: number, size: number): number {
    // 0 where the program is not known.
    const whole = this.programLengths[cursor];
    if (steps === whole && whole <= longestWhole) {
      const graph = this.groupOf(lane, cursor, whole, size);
      if (graph > 0) return this.finding(graph, whole);
    }
    const toStop = whole > 0 ? this.toStop(cursor) : 0;
    const length = toStop > 0 && toStop < steps ? toStop : steps;
    const graph = this.groupOf(lane, cursor, length, size);
    if (graph > 0) return this.finding(graph, length);
    if (shortGroup >= length) return 0;
    const short = this.groupOf(lane, cursor, shortGroup, size);
    return short > 0 ? this.finding(short, shortGroup) : 0;
  }

  private groupOf(lane: number, cursor: number, length: number, size: number): number {
    const graphs = this.groups.get(this.groupKey(cursor, length, size));
    if (graphs === undefined) return 0;
    for (const graph of graphs) if (!this.context.busyElsewhere(lane, graph)) return graph;
    return 0;
  }

  /** Records one more graph of `length` steps of a batch of `size` members from `cursor` on, where there is room. */
  prepareGroup(cursor: number, length: number, size: number): void {
    if (!this.enabled || length * size > this.maxMembers) return;
    const products = this.productsOf(cursor, length, size);
    if (products > mostProducts) return;
    const graph = this.recorder.group(cursor, length, size, products);
    if (graph <= 0) return;
    const key = this.groupKey(cursor, length, size);
    const graphs = this.groups.get(key);
    if (graphs === undefined) this.groups.set(key, [graph]);
    else graphs.push(graph);
  }

  private groupKey(cursor: number, length: number, size: number): number {
    return (cursor * longest + length) * (this.maxSize + 1) + size;
  }

  /** Products in the steps whose members have several; Infinity where one of the steps has too many for one call. */
  private productsOf(cursor: number, length: number, size: number): number {
    let products = 0;
    for (let at = cursor; at < cursor + length; at++) {
      const kernel = this.kernels[this.run.programs.classes[at]];
      if (kernel.op !== 'gemm' || kernel.count === 1) continue;
      if (size * kernel.count > this.maxMembers) return Infinity;
      products += size * kernel.count;
    }
    return products;
  }

  /** Records the tenant's program at `start` on a pair as one graph. */
  prepareWhole(tenant: number, pair: number, start: number): void {
    if (start >= this.starts.length || this.programLengths[start] === 0) this.lookUp(start, tenant);
    this.next(tenant, pair, start, this.programLengths[start]);
  }

  /** Records the program's runs from each stop to the next, as launches that go ahead from its start have them. */
  prepareRuns(tenant: number, pair: number, start: number): void {
    const end = start + this.programLengths[start];
    for (let at = start, steps = 0; at < end; at += steps) {
      steps = this.toStop(at);
      this.next(tenant, pair, at, steps);
    }
  }

  /** Records the runs from every kernel to the next stop: of launches whose members come from elsewhere. */
  prepareTails(tenant: number, pair: number, start: number): void {
    const end = start + this.programLengths[start];
    for (let at = start; at < end; at++) this.next(tenant, pair, at, this.toStop(at));
  }

  /** Records the program's short runs of `length` kernels. */
  prepareShort(tenant: number, pair: number, start: number, length: number): void {
    const end = start + this.programLengths[start];
    for (let at = end - length; at >= start; at -= length) this.next(tenant, pair, at, length);
  }

  /** Forgets what runs have recorded: what was recorded ahead of them is left. Nothing may be in flight. */
  rewind(): void {
    const gone = this.recorder.rewind();
    const clear = (table: Int32Array | undefined): void =>
      table?.forEach((graph, i) => {
        if (graph !== 0 && gone.has(graph)) table[i] = 0;
      });
    for (const tables of this.tablesByTenant) for (const table of tables.values()) clear(table);
    this.batches.forEach(clear);
  }

  /** Gives the graphs back and the workspaces; nothing may be in flight. */
  free(): void {
    this.recorder.free();
  }

  /** Drops all graphs: operands have moved. */
  private forget(): void {
    this.recorder.forget();
    for (const tables of this.tablesByTenant) for (const table of tables.values()) table.fill(0);
    for (const table of this.batches) table?.fill(0);
    this.groups.clear();
    this.version = this.operands.version;
  }

  private tableOf(tenant: number, pair: number): Int32Array {
    if (this.tenantOf[pair] === tenant) {
      const table = this.tables[pair];
      if (table.length === levels * this.starts.length) return table;
    }
    while (this.tablesByTenant.length <= pair) this.tablesByTenant.push(new Map());
    const tables = this.tablesByTenant[pair];
    const known = tables.get(tenant);
    const length = levels * this.starts.length;
    let table = known;
    if (table === undefined || table.length < length) {
      table = new Int32Array(length);
      if (known !== undefined) table.set(known);
      tables.set(tenant, table);
    }
    this.tenantOf[pair] = tenant;
    return (this.tables[pair] = table);
  }

  /** Finds the program that `cursor` is in, and has its operands placed. */
  private lookUp(cursor: number, tenant: number): void {
    const {classes} = this.run.programs;
    if (this.starts.length < classes.length) {
      const grown = (from: Int32Array): Int32Array<ArrayBuffer> => {
        const to = new Int32Array(classes.length);
        to.set(from);
        return to;
      };
      this.starts = grown(this.starts);
      this.programLengths = grown(this.programLengths);
    }
    let start = cursor;
    while (start > 0 && classes[start - 1] >= 0) start--;
    let end = cursor;
    while (classes[end] >= 0) end++;
    for (let at = start; at < end; at++) {
      this.starts[at] = start;
      this.programLengths[at] = end - start;
      this.operands.weights(tenant, at);
    }
  }

  private runOf(
    table: Int32Array,
    tenant: number,
    pair: number,
    at: number,
    level: number,
    length: number,
  ): number {
    const index = levels * at + level;
    const known = table[index];
    return known === 0 ? (table[index] = this.recorder.runOf(tenant, pair, at, length)) : known;
  }

  private growBatches(lane: number): Int32Array {
    while (this.batches.length <= lane) this.batches.push(new Int32Array(0));
    const before = this.batches[lane];
    const table = new Int32Array(
      Math.max(2 * before.length, (this.maxSize + 1) * (this.kernels.length + 16)),
    );
    table.set(before);
    return (this.batches[lane] = table);
  }
}
