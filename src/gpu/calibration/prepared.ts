// Launching a work again and again the way the live device does: from recorded graphs, where the driver has them.
import type {Gemm} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {Bench} from './bench.ts';
import type {Work} from './work.ts';

/** A work on a lane, ready to be launched. */
export interface Prepared {
  /** Launches until operands repeat; Infinity where every launch takes the pool's next. */
  readonly rotation: number;
  /** Enqueues a launch; ticket 0 signals nothing. */
  launch(ticket: number): void;
  free(): void;
}

/**
 * Singles run from graphs of one kernel, `rotation` of them with operands of their own; batched launches from one graph
 * whose operands' addresses are copied before each; all else is a plain call, as everything is without graphs.
 */
export function prepare(bench: Bench, work: Work, rotation: number, lane = 0): Prepared {
  const {kernel, size, method} = work;
  if (bench.context.graphs) {
    if (method === 'single') return recordedSingles(bench, work, rotation, lane);
    if (kernel.op === 'gemm' && (method === 'batched' || method === 'padded'))
      return recordedBatch(bench, kernel, size, lane);
  }
  return {
    rotation: Infinity,
    launch: (ticket) => bench.submit(work, lane, ticket),
    free() {},
  };
}

/** Members are as many graphs, launched in one call: each member of a live launch has a graph of its own. */
function recordedSingles(bench: Bench, {kernel, size}: Work, rotation: number, lane: number): Prepared {
  const {context} = bench;
  const graphs: number[] = [];
  const free = (): void => {
    for (const graph of graphs.splice(0)) context.destroyGraph(graph);
  };
  try {
    while (graphs.length < Math.max(rotation, size)) {
      graphs.push(bench.capture({kernel, size: 1, method: 'single'}, 1, lane).graph);
      // Its first launch hands a graph to the device, which takes longer than all others.
      context.launchGraph(lane, 0, graphs[graphs.length - 1]);
    }
    context.synchronize(lane);
  } catch (error) {
    free();
    throw error;
  }
  let next = 0;
  const take = (): number => graphs[next++ % graphs.length];
  return {
    rotation: Math.floor(graphs.length / size),
    launch(ticket) {
      if (size === 1) {
        context.launchGraph(lane, ticket, take());
        return;
      }
      for (let i = 0; i < size; i++) context.sequence[i] = take();
      context.launchGraphs(lane, ticket, size);
    },
    free,
  };
}

function recordedBatch(bench: Bench, kernel: Gemm, size: number, lane: number): Prepared {
  const {context, pool} = bench;
  const {m, n, k, count, dtype} = kernel;
  const code = dataTypeCode(dtype);
  context.synchronize(lane);
  const graph = context.captureBatched(lane, code, m, n, k, count, size);
  return {
    rotation: Infinity,
    launch(ticket) {
      pool.place(kernel, size);
      context.launchBatched(lane, ticket, graph, size);
    },
    free: () => context.destroyGraph(graph),
  };
}
