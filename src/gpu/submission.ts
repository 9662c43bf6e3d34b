import type {DeviceContext} from '../scheduler/device.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Programs} from '../scheduler/programs.ts';
import type {Streams} from '../scheduler/streams.ts';
import type {CudaContext} from './cuda.ts';
import {dataTypeCode} from './cuda.ts';
import type {GraphCache} from './graphCache.ts';
import {GroupedCalls} from './groupedCalls.ts';
import {elementwiseBytes} from './operands.ts';
import type {Operands} from './operands.ts';

const SINGLE = methods.indexOf('single');
const BATCHED = methods.indexOf('batched');
const GROUPED = methods.indexOf('grouped');

export interface SubmissionOptions {
  readonly context: CudaContext;
  readonly run: DeviceContext;
  /** By class; may grow while the run forms batches. */
  readonly kernels: readonly Kernel[];
  readonly operands: Operands;
  /** Null: every kernel is a call. */
  readonly graphs: GraphCache | null;
  /** Most products of one batched call. */
  readonly maxMembers: number;
}

/**
 * What a launch is in CUDA: graphs where it was recorded, else calls. Whatever the method, members that the library
 * cannot put into one call run one after another on their lane. Ticket 0 signals nothing.
 */
export class Submission {
  private readonly context: CudaContext;
  // Not the run that has them: rehearsals have other ones, and V8 would compile everything twice.
  private readonly streams: Streams;
  private readonly programs: Programs;
  private readonly kernels: readonly Kernel[];
  private readonly operands: Operands;
  private readonly graphs: GraphCache | null;
  private readonly maxMembers: number;
  private readonly grouped: GroupedCalls;

  constructor(options: SubmissionOptions) {
    this.context = options.context;
    this.streams = options.run.streams;
    this.programs = options.run.programs;
    this.kernels = options.kernels;
    this.operands = options.operands;
    this.graphs = options.graphs;
    this.maxMembers = options.maxMembers;
    this.grouped = new GroupedCalls(options);
  }

  /**
   * Enqueues all of a launch whose members run one after another, as graphs, so many times over; false where it cannot.
   */
  asGraphs(launch: Launch, lane: number, ticket: number, times: number): boolean {
    if (launch.method !== SINGLE) return false;
    const count = this.cover(launch, times);
    if (count === 0) return false;
    this.context.launchGraphs(lane, ticket, count);
    return true;
  }

  /** Puts the graphs of all of such a launch into `context.sequence`; returns how many, 0 where some are not recorded. */
  private cover(launch: Launch, times: number): number {
    const {graphs, operands} = this;
    if (graphs === null) return 0;
    const {tenant, cursor} = this.streams;
    let count = 0;
    for (let pass = 0; pass < times; pass++) {
      for (let i = 0; i < launch.size; i++) {
        const slot = launch.members[i];
        const pair = operands.pair(slot, tenant[slot]);
        if (!operands.isOwnPair(slot)) return 0;
        count = graphs.cover(tenant[slot], pair, cursor[slot], launch.steps, count);
        if (count === 0) return 0;
      }
    }
    return count;
  }

  /** Does for a launch all that it takes to enqueue it, from end to end, and enqueues nothing. */
  rehearse(launch: Launch, lane: number): void {
    const {graphs} = this;
    if (launch.method === SINGLE) {
      this.cover(launch, 1);
    } else {
      const at = this.streams.cursor[launch.members[0]];
      for (let step = 0; step < launch.steps; step += graphs?.found ?? 1) {
        const left = launch.steps - step;
        if (graphs === null || graphs.group(lane, at + step, left, launch.size) === 0) break;
        this.fillGroup(launch, step, graphs.found);
      }
    }
    this.completed(launch);
  }

  /** A launch has completed: streams at the end of their programs give back what they used. */
  completed({members, size, steps}: Launch): void {
    const {streams, programs} = this;
    for (let i = 0; i < size; i++) {
      if (programs.classes[streams.cursor[members[i]] + steps] < 0) this.operands.releasePair(members[i]);
    }
  }

  /** Enqueues one or more steps of a launch, from `step` on, and says how many. `ticket` is signalled later. */
  steps(launch: Launch, lane: number, step: number, ticket: number): number {
    const {graphs, context} = this;
    if (graphs === null) {
      this.step(launch, lane, step, 0);
      return 1;
    }
    const {size, members, method} = launch;
    const {tenant, cursor} = this.streams;
    const slot = members[0];
    const at = cursor[slot] + step;
    if (method === BATCHED && size > 1) {
      const graph = graphs.group(lane, at, launch.steps - step, size);
      if (graph > 0) {
        this.fillGroup(launch, step, graphs.found);
        context.launchGroup(lane, ticket, graph);
        return graphs.found;
      }
    } else if (method === SINGLE && size === 1) {
      const pair = this.operands.pair(slot, tenant[slot]);
      const isOwn = this.operands.isOwnPair(slot);
      const graph = isOwn ? graphs.next(tenant[slot], pair, at, launch.steps - step) : 0;
      if (graph > 0) {
        context.launchGraph(lane, 0, graph);
        return graphs.found;
      }
    }
    this.step(launch, lane, step, 0);
    return 1;
  }

  /** Writes the addresses of a group's operands: step after step all members' A, B, C, of their first products. */
  private fillGroup({members, size}: Launch, from: number, length: number): void {
    const {operands} = this;
    const {tenant, cursor} = this.streams;
    const addresses = this.context.operands;
    const end = 3 * size * length;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      let kernel = cursor[slot] + from;
      // Before the activations, which it may have to make larger.
      for (let at = i; at < end; at += 3 * size) addresses[at] = operands.weights(tenant[slot], kernel++);
      const pair = operands.pair(slot, tenant[slot]);
      const input = operands.input(pair);
      const output = operands.output(pair);
      for (let at = i + size; at < end; at += 3 * size) {
        addresses[at] = input;
        addresses[at + size] = output;
      }
    }
  }

  /** Enqueues one step of a launch. */
  step(launch: Launch, lane: number, step: number, ticket: number): void {
    const {context, operands, graphs, streams, programs} = this;
    const {members, size, method} = launch;
    if (method === GROUPED) {
      this.grouped.step(launch, lane, step, ticket);
      return;
    }
    const cls = step === 0 ? launch.cls : programs.classes[streams.cursor[members[0]] + step];
    const kernel = this.kernels[cls];
    const addresses = context.operands;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      const tenant = streams.tenant[slot];
      // Before the activations, which it may have to make larger.
      addresses[3 * i] = operands.weights(tenant, streams.cursor[slot] + step);
      const pair = operands.pair(slot, tenant);
      addresses[3 * i + 1] = operands.input(pair);
      addresses[3 * i + 2] = operands.output(pair);
    }
    if (kernel.op === 'elementwise') {
      for (let i = 0; i < size; i++) addresses[3 * i] = addresses[3 * i + 1];
      context.submitElementwise(lane, ticket, elementwiseBytes(kernel.bytes), size);
      return;
    }
    const {m, n, k, count, dtype} = kernel;
    const code = dataTypeCode(dtype);
    if (method === SINGLE || size * count > this.maxMembers) {
      context.submitSequence(lane, ticket, code, m, n, k, count, size);
      return;
    }
    const graph = graphs === null ? 0 : graphs.batch(lane, cls, size);
    if (graph > 0) context.launchBatched(lane, ticket, graph, size);
    else context.submitBatched(lane, ticket, code, m, n, k, count, size);
  }
}
