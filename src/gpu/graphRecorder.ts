import type {Nanoseconds} from '../scheduler/clock.ts';
import type {DeviceContext} from '../scheduler/device.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {shortRecordedSteps} from '../scheduler/launch.ts';
import type {CudaContext} from './cuda.ts';
import {CudaError, DeviceLostError, dataTypeCode} from './cuda.ts';
import {elementwiseBytes} from './operands.ts';
import type {Operands} from './operands.ts';

/** Graphs that are kept at most: each takes some kilobytes on device and host. */
const mostGraphs = 40_960;

/** The share of the device's memory that workspaces leave free, for graphs, libraries and other processes. */
const keptFree = 1 / 4;

/** While a run goes on, the share of the time that recording may take: what has to wait is launched call by call. */
const recordingShare = 0.01;

/**
 * Then no shorter runs are recorded: recording one takes the host as long as twenty calls or more, and lanes that run out of
 * work meanwhile wait for it.
 */
const shortestInRun = shortRecordedSteps;

/** The numbers of what cannot be recorded, of what cannot be in this run, and of what has to wait. */
const never = -1;
const notInThisRun = -2;
const later = 0;

export interface GraphRecorderOptions {
  readonly context: CudaContext;
  readonly operands: Operands;
  readonly run: DeviceContext;
  /** By class; may grow while the run forms batches. */
  readonly kernels: readonly Kernel[];
  readonly now: () => Nanoseconds;
}

/** Records launches as CUDA graphs. Each method returns the graph's number, 0 (later), or less where there will be none. */
export class GraphRecorder {
  private readonly context: CudaContext;
  private readonly operands: Operands;
  private readonly run: DeviceContext;
  private readonly kernels: readonly Kernel[];
  private readonly now: () => Nanoseconds;
  private readonly graphs: number[] = [];
  /** By pair of activations: what split products of its kernels need. */
  private readonly workspaces: number[] = [];
  /** No recording before this time. */
  private restsUntil: Nanoseconds = 0;
  private isAhead = true;
  /** How many of the graphs were recorded ahead of runs: the first ones. */
  private ahead = 0;

  constructor({context, operands, run, kernels, now}: GraphRecorderOptions) {
    this.context = context;
    this.operands = operands;
    this.run = run;
    this.kernels = kernels;
    this.now = now;
  }

  /** How many graphs are held. */
  get size(): number {
    return this.graphs.length;
  }

  /** From now on recording takes time from a run, and is rationed. */
  beginRun(): void {
    if (this.isAhead) this.ahead = this.graphs.length;
    this.isAhead = false;
    this.restsUntil = 0;
  }

  /**
   * Drops the graphs that runs have recorded, with nothing in flight. Returns which numbers mean nothing any more: theirs, and that
   * of what could not be recorded in a run.
   */
  rewind(): ReadonlySet<number> {
    const dropped = this.graphs.splice(this.ahead);
    for (const graph of dropped) this.context.destroyGraph(graph);
    return new Set([...dropped, notInThisRun]);
  }

  /** Waits for the graphs and drops them. */
  forget(): void {
    for (const graph of this.graphs.splice(0)) this.context.destroyGraph(graph);
  }

  /** Besides, gives the workspaces back. */
  free(): void {
    this.forget();
    for (const address of this.workspaces.splice(0)) if (address > 0) this.context.free(address);
  }

  /** A graph of `length` kernels of a tenant's stream from cursor `from` on, on its pair; for any lane. */
  runOf(tenant: number, pair: number, from: number, length: number): number {
    const {context, operands, run, kernels} = this;
    if (!this.isAhead && length < shortestInRun) return later;
    const workspace = this.workspaceOf(pair);
    if (workspace === 0 || this.graphs.length >= mostGraphs) return this.refused;
    const addresses = context.operands;
    const input = operands.input(pair);
    const output = operands.output(pair);
    // Recording takes no more than a lane's handle; what the lane holds goes on.
    const lane = 0;
    return this.record(() => {
      context.setWorkspace(lane, workspace, context.workspaceBytes);
      context.captureBegin(lane, 0);
      try {
        for (let at = from; at < from + length; at++) {
          const kernel = kernels[run.programs.classes[at]];
          addresses[1] = input;
          addresses[2] = output;
          if (kernel.op === 'elementwise') {
            addresses[0] = input;
            context.submitElementwise(lane, 0, elementwiseBytes(kernel.bytes), 1);
          } else {
            const {m, n, k, count, dtype} = kernel;
            addresses[0] = operands.weights(tenant, at);
            context.submitSequence(lane, 0, dataTypeCode(dtype), m, n, k, count, 1);
          }
        }
      } finally {
        try {
          this.graphs.push(context.captureEnd(lane));
        } finally {
          context.setWorkspace(lane, 0, 0);
        }
      }
      return this.graphs.at(-1)!;
    });
  }

  /** A graph of a batch of `size` members of a class, for `launchBatched` on the lane. */
  batch(lane: number, cls: number, size: number): number {
    const kernel = this.kernels[cls];
    if (kernel.op !== 'gemm' || this.graphs.length >= mostGraphs) return this.refused;
    const {m, n, k, count, dtype} = kernel;
    return this.record(() => {
      const graph = this.context.captureBatched(lane, dataTypeCode(dtype), m, n, k, count, size);
      this.graphs.push(graph);
      return graph;
    });
  }

  /**
   * A graph of `length` steps of a batch of `size` members for `launchGroup` on any lane; `products`: those of members that
   * have several. Only ahead of a run: recording one takes as long as the launches that it saves the next time.
   */
  group(from: number, length: number, size: number, products: number): number {
    const {context, run, kernels} = this;
    if (!this.isAhead || this.graphs.length >= mostGraphs) return never;
    // Batched calls split no product, so that they need no workspace of their own.
    const lane = 0;
    return this.record(() => {
      context.captureGroup(lane, size, length, products);
      try {
        for (let at = from; at < from + length; at++) {
          const kernel = kernels[run.programs.classes[at]];
          if (kernel.op === 'elementwise') {
            context.submitElementwise(lane, 0, elementwiseBytes(kernel.bytes), size);
          } else {
            const {m, n, k, count, dtype} = kernel;
            context.submitBatched(lane, 0, dataTypeCode(dtype), m, n, k, count, size);
          }
        }
      } finally {
        this.graphs.push(context.captureEnd(lane));
      }
      return this.graphs.at(-1)!;
    });
  }

  /**
   * A new graph, or `later` where recording has to wait. What a library cannot record is launched call by call; a device that is
   * lost ends the run.
   */
  private record(recording: () => number): number {
    if (this.isAhead) {
      const graph = this.tryTo(recording);
      if (graph > 0) this.context.uploadGraph(0, graph);
      return graph;
    }
    const begin = this.now();
    if (begin < this.restsUntil) return later;
    const graph = this.tryTo(recording);
    const end = this.now();
    this.restsUntil = end + (end - begin) * (1 / recordingShare - 1);
    return graph;
  }

  private tryTo(recording: () => number): number {
    try {
      return recording();
    } catch (error) {
      if (!(error instanceof CudaError) || error instanceof DeviceLostError) throw error;
      return this.refused;
    }
  }

  private get refused(): number {
    return this.isAhead ? never : notInThisRun;
  }

  /**
   * The pair's workspace; 0 where it has none and gets none: where memory is short, or where a run goes on, as
   * allocating waits for the device.
   */
  private workspaceOf(pair: number): number {
    while (this.workspaces.length <= pair) this.workspaces.push(0);
    if (this.workspaces[pair] === 0 && this.isAhead && this.hasRoom()) {
      this.workspaces[pair] = this.context.alloc(this.context.workspaceBytes);
    }
    return this.workspaces[pair];
  }

  private hasRoom(): boolean {
    const {free, total} = this.context.memoryInfo();
    return free - this.context.workspaceBytes > keptFree * total;
  }
}
