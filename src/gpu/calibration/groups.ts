// What each further step of a batched launch costs the host: steps travel in blocks, one copy of pointers and one graph each.
import type {Gemm} from '../../scheduler/kernel.ts';
import {dataTypeCode} from '../cuda.ts';
import type {Bench} from './bench.ts';
import {medianOf} from './samples.ts';
import type {Session} from './session.ts';

/** Host time of a further step of a batched launch of `size` members, in ns. */
export interface StepCost {
  readonly size: number;
  readonly ns: number;
}

/** The most steps of one block, as the live device has them (src/gpu/graphCache.ts). */
const steps = 16;
const sizes = [2, 4, 8];
/** Launches of one block and of several differ by whole blocks: tickets and flags do not count. */
const several = 3;
const repeats = 200;

/** By size; empty where the driver has no graphs, without sizes for which the context has no room. */
export async function measureGroups(bench: Bench, kernel: Gemm, session: Session): Promise<StepCost[]> {
  const costs: StepCost[] = [];
  if (!bench.context.graphs) return costs;
  for (const size of sizes) {
    if (steps * size > bench.maxMembers) continue;
    const ns = await session.measure(`host steps R=${size}`, () => stepNs(bench, kernel, size, repeats));
    if (ns !== null) costs.push({size, ns});
  }
  return costs;
}

/**
 * Products of a member that tell what each of them costs, where there is room: as many as layers have, since what a launch
 * takes by chance, some 100 ns, is divided by them.
 */
const manyProducts = 256;
const membersOfMany = 4;
const repeatsOfMany = 50;

/**
 * Host time of each further product of a member, in ns: next to nothing where the device makes their addresses of the
 * first one's. Null where the driver has no graphs or the context no room.
 */
export async function measureProduct(bench: Bench, kernel: Gemm, session: Session): Promise<number | null> {
  const size = membersOfMany;
  const products = Math.min(manyProducts, Math.floor(bench.maxMembers / (size * kernel.count)));
  const many = {...kernel, count: products * kernel.count};
  if (!bench.context.graphs || size * steps > bench.maxMembers || products < 2) return null;
  return session.measure('host product', () => {
    const [less, more] = [kernel, many].map((each) => stepNs(bench, each, size, repeatsOfMany));
    return Math.max(0, (more - less) / (size * (many.count - kernel.count)));
  });
}

function stepNs(bench: Bench, kernel: Gemm, size: number, repeats: number): number {
  const {context, nowNs} = bench;
  const lane = 0;
  const addresses = addressesOf(bench, kernel, size);
  const graph = record(bench, kernel, size, lane);
  const {operands} = context;
  const launch = (blocks: number): number => {
    const ticket = bench.ticket(lane);
    const begin = nowNs();
    context.begin(lane, ticket);
    for (let block = 0; block < blocks; block++) {
      // Behind each other all A, B and C of a step: as live launches gather them, member by member.
      for (let i = 0; i < size; i++) {
        for (let step = 0, from = 3 * i, at = i; step < steps; step++, from += 3 * size, at += 3 * size) {
          operands[at] = addresses[from];
          operands[at + size] = addresses[from + 1];
          operands[at + 2 * size] = addresses[from + 2];
        }
      }
      context.launchGroup(lane, ticket, graph);
    }
    context.finish(lane, ticket);
    const ns = nowNs() - begin;
    bench.waitFor(lane, ticket);
    return ns;
  };
  try {
    const [one, more]: number[][] = [[], []];
    launch(several);
    for (let i = 0; i < repeats; i++) {
      one.push(launch(1));
      more.push(launch(several));
    }
    return Math.max(1, (medianOf(more) - medianOf(one)) / ((several - 1) * steps));
  } finally {
    context.synchronize(lane);
    context.destroyGraph(graph);
  }
}

/** Addresses of A, B and C of every member of every step. */
function addressesOf({pool, context}: Bench, kernel: Gemm, size: number): Float64Array {
  const addresses = new Float64Array(3 * steps * size);
  for (let step = 0; step < steps; step++) {
    pool.place(kernel, size);
    for (let i = 0; i < 3 * size; i++) addresses[3 * step * size + i] = context.operands[i];
  }
  return addresses;
}

function record({context, pool}: Bench, kernel: Gemm, size: number, lane: number): number {
  const {m, n, k, count, dtype} = kernel;
  context.synchronize(lane);
  pool.place(kernel, size);
  context.captureGroup(lane, size, steps, count === 1 ? 0 : size * count * steps);
  let failure: unknown;
  try {
    for (let step = 0; step < steps; step++)
      context.submitBatched(lane, 0, dataTypeCode(dtype), m, n, k, count, size);
  } catch (error) {
    failure = error;
  }
  // Ends the capture in any case, or the lane would stay unusable.
  let graph: number;
  try {
    graph = context.captureEnd(lane);
  } catch (error) {
    throw failure ?? error;
  }
  if (failure === undefined) return graph;
  context.destroyGraph(graph);
  throw failure;
}
