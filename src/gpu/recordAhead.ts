import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {GraphCache} from './graphCache.ts';
import type {Operands} from './operands.ts';

/** Most pairs of activations of one tenant whose runs are recorded before the run: its requests under way at once. */
const pairsOfTenant = 6;

/** The same for programs of several requests, of which only whole runs are recorded. */
const pairsOfBatches = 2;

/** Batches larger than this are recorded when they first occur. */
const largestAhead = 32;

/** Recording stops after this long, for runs and for batches each; what is missing is recorded when it is needed. */
const longestNs: Nanoseconds = 3e9;

/** The same for several steps of batches. */
const largestGroup = 8;

export interface Program {
  readonly tenant: number;
  /** Cursor of its first kernel. */
  readonly start: number;
}

export interface Batch {
  readonly cls: number;
  readonly size: number;
}

/** The batches that superkernels of these classes may form, small ones first. */
export function batchesOf(
  classes: Iterable<number>,
  kernels: readonly Kernel[],
  maxSize: number,
  maxMembers: number,
): Batch[] {
  const found: Batch[] = [];
  for (const cls of classes) {
    const kernel = kernels[cls];
    if (kernel.op !== 'gemm') continue;
    const largest = Math.min(maxSize, largestAhead, Math.floor(maxMembers / kernel.count));
    for (let size = 2; size <= largest; size++) found.push({cls, size});
  }
  return found.toSorted((a, b) => a.size - b.size);
}

/** Before a run, records what it is likely to launch: recording takes as long as some launches without. */
export function recordAhead({
  graphs,
  operands,
  programs,
  batchPrograms,
  batches,
  lanes,
  now,
}: {
  readonly graphs: GraphCache;
  readonly operands: Operands;
  /** The programs of the tenants' single requests. */
  readonly programs: readonly Program[];
  /** Those of several requests at once. */
  readonly batchPrograms: readonly Program[];
  readonly batches: readonly Batch[];
  readonly lanes: number;
  readonly now: () => Nanoseconds;
}): void {
  let until = now() + longestNs;
  for (let round = 0; round < pairsOfTenant; round++) {
    for (const {tenant, start} of programs) {
      if (now() > until) break;
      const pair = operands.reservePair(tenant);
      if (pair < 0) continue;
      graphs.prepare(tenant, pair, start);
      if (round >= pairsOfBatches) continue;
      for (const batch of batchPrograms)
        if (batch.tenant === tenant) graphs.prepareWhole(tenant, pair, batch.start);
    }
  }
  until = now() + longestNs;
  for (const {cls, size} of batches) {
    for (let lane = 0; lane < lanes && now() < until; lane++) graphs.batch(lane, cls, size);
  }
  until = now() + longestNs;
  const largest = Math.min(largestGroup, batches.at(-1)?.size ?? 0);
  const distinct = [...new Map(programs.map((program) => [program.start, program])).values()];
  for (let size = 2; size <= largest; size++) {
    for (const {tenant, start} of distinct) if (now() < until) graphs.prepareGroups(tenant, start, size);
  }
  graphs.beginRun();
}
