import type {DeviceContext} from '../scheduler/device.ts';
import type {Gemm, Kernel} from '../scheduler/kernel.ts';
import {bytesOf} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {CudaContext} from './cuda.ts';
import {dataTypeCode} from './cuda.ts';
import {elementwiseBytes} from './operands.ts';
import type {Operands} from './operands.ts';

export interface GroupedCallsOptions {
  readonly context: CudaContext;
  readonly run: DeviceContext;
  /** By class; may grow while the run forms batches. */
  readonly kernels: readonly Kernel[];
  readonly operands: Operands;
  /** Most products of one call. */
  readonly maxMembers: number;
}

/** Launches of mixed shapes. */
export class GroupedCalls {
  private readonly context: CudaContext;
  private readonly run: DeviceContext;
  private readonly kernels: readonly Kernel[];
  private readonly operands: Operands;
  private readonly maxMembers: number;

  constructor({context, run, kernels, operands, maxMembers}: GroupedCallsOptions) {
    this.context = context;
    this.run = run;
    this.kernels = kernels;
    this.operands = operands;
    this.maxMembers = maxMembers;
  }

  /** One grouped call where the library has it for what is to run, else a call for each run of equal members. */
  step(launch: Launch, lane: number, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const {members, size} = launch;
    const classOf = (i: number): number => programs.classes[streams.cursor[members[i]] + step];
    if (this.canGroup(size, classOf)) {
      this.submitGroups(launch, lane, step, ticket);
      return;
    }
    const {operands} = this;
    const addresses = context.operands;
    if (ticket !== 0) context.begin(lane, ticket);
    for (let from = 0, to = 0; from < size; from = to) {
      const kernel = kernels[classOf(from)];
      for (; to < size && classOf(to) === classOf(from); to++) {
        const at = 3 * (to - from);
        const slot = members[to];
        const weights = operands.weights(streams.tenant[slot], streams.cursor[slot] + step);
        const pair = operands.pair(slot, streams.tenant[slot]);
        addresses[at + 1] = operands.input(pair);
        addresses[at + 2] = operands.output(pair);
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
    return products <= this.maxMembers;
  }

  /** Consecutive members of one class form a group; a kernel of several products is as many members. */
  private submitGroups({members, size}: Launch, lane: number, step: number, ticket: number): void {
    const {context, run, kernels} = this;
    const {streams, programs} = run;
    const {operands} = this;
    const {shapes, operands: addresses} = context;
    let groups = 0;
    let product = 0;
    let last = -1;
    for (let i = 0; i < size; i++) {
      const slot = members[i];
      const cursor = streams.cursor[slot] + step;
      const cls = programs.classes[cursor];
      const {m, n, k, count, dtype} = kernels[cls] as Gemm;
      const bytes = bytesOf[dtype];
      const a = operands.weights(streams.tenant[slot], cursor);
      const pair = operands.pair(slot, streams.tenant[slot]);
      const b = operands.input(pair);
      const c = operands.output(pair);
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
    context.submitGrouped(lane, ticket, dataTypeCode(dtype), groups);
  }
}
