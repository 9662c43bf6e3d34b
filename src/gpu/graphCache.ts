import type {DeviceContext} from '../scheduler/device.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {CudaContext} from './cuda.ts';
import {GraphRecorder} from './graphRecorder.ts';
import type {GraphRecorderOptions} from './graphRecorder.ts';
import type {Operands} from './operands.ts';

/**
 * Runs of a program that are recorded as one graph: all of it, or this many kernels from a multiple of it on. The driver
 * takes about as long for a graph of sixteen kernels as for one.
 */
const lengths = [16, 4, 1];
const levels = 1 + lengths.length;

/** Pairs of activations for which runs are recorded: each needs a workspace of its own. */
const mostPairs = 256;

/** More steps than any program has. */
const longest = 8192;

/** Lanes on which the same steps of batches may run at once, as graphs; each has its own, and superkernels seldom meet their like on more. */
const mostInstances = 4;

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
  /** How many steps the graph has that `group` found last. */
  groupSteps = 0;
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
   * `context.sequence`, behind the first `count`. Returns how many are there now, or 0 where the kernels have to be
   * launched one by one.
   */
  cover(tenant: number, pair: number, cursor: number, steps: number, count = 0): number {
    if (!this.enabled || pair >= mostPairs) return 0;
    if (cursor >= this.starts.length || this.programLengths[cursor] === 0) this.lookUp(cursor, tenant);
    if (this.operands.version !== this.version) this.forget();
    const table = this.tableOf(tenant, pair);
    const start = this.starts[cursor];
    const whole = this.programLengths[cursor];
    const {sequence} = this.context;
    for (let at = cursor, left = steps; left > 0;) {
      let graph = 0;
      let length = whole;
      if (at === start && left >= whole) graph = this.runOf(table, tenant, pair, at, 0, length);
      for (let level = 1; graph <= 0 && level < levels; level++) {
        length = lengths[level - 1];
        if (length > left || (at - start) % length !== 0) continue;
        graph = this.runOf(table, tenant, pair, at, level, length);
      }
      if (graph <= 0 || count === sequence.length) return 0;
      sequence[count++] = graph;
      at += length;
      left -= length;
    }
    return count;
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
   * at `cursor`. All `steps` of them, or a part: `groupSteps` says how many. 0 where there is none.
   */
  group(tenant: number, lane: number, cursor: number, steps: number, size: number): number {
    if (!this.enabled || steps < 2) return 0;
    if (cursor >= this.starts.length || this.programLengths[cursor] === 0) this.lookUp(cursor, tenant);
    const all = this.instance(lane, cursor, steps, size);
    if (all > 0) {
      this.groupSteps = steps;
      return all;
    }
    for (const length of lengths) {
      if (length === 1) break;
      if (length > steps || (cursor - this.starts[cursor]) % length !== 0) continue;
      const some = this.instance(lane, cursor, length, size);
      if (some === 0) continue;
      this.groupSteps = length;
      return some;
    }
    return 0;
  }

  /** A graph of those steps that does not run on another lane just now; 0 where there is none. */
  private instance(lane: number, cursor: number, length: number, size: number): number {
    const products = this.productsOf(cursor, length) * size;
    if (products > this.maxMembers) return 0;
    const key = (cursor * longest + length) * (this.maxSize + 1) + size;
    let graphs = this.groups.get(key);
    if (graphs === undefined) this.groups.set(key, (graphs = []));
    for (const graph of graphs) {
      if (graph < 0) return 0;
      if (!this.context.busyElsewhere(lane, graph)) return graph;
    }
    if (graphs.length === mostInstances) return 0;
    const graph = this.recorder.group(cursor, length, size, products);
    if (graph !== 0) graphs.push(graph);
    return Math.max(0, graph);
  }

  /** Products of one member in `length` steps from `cursor` on. */
  private productsOf(cursor: number, length: number): number {
    let products = 0;
    for (let at = cursor; at < cursor + length; at++) {
      const kernel = this.kernels[this.run.programs.classes[at]];
      products += kernel.op === 'gemm' ? kernel.count : 1;
    }
    return products;
  }

  /** Records blocks of steps of batches of `size` members of the program at `start`. */
  prepareGroups(tenant: number, start: number, size: number): void {
    if (!this.enabled) return;
    if (start >= this.starts.length || this.programLengths[start] === 0) this.lookUp(start, tenant);
    const end = start + this.programLengths[start];
    for (const length of lengths) {
      if (length === 1) break;
      for (let at = start; at + length <= end; at += length) this.instance(0, at, length, size);
    }
  }

  /** Records the tenant's program at `start` on a pair as one graph. */
  prepareWhole(tenant: number, pair: number, start: number): void {
    if (start >= this.starts.length || this.programLengths[start] === 0) this.lookUp(start, tenant);
    this.cover(tenant, pair, start, this.programLengths[start]);
  }

  /** Records every run of the tenant's program at `start` on a pair. */
  prepare(tenant: number, pair: number, start: number): void {
    this.prepareWhole(tenant, pair, start);
    const length = this.programLengths[start];
    for (const some of lengths) {
      for (let at = 0; at + some <= length; at += some) this.cover(tenant, pair, start + at, some);
    }
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
