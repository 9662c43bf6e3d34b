import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Gemm, Kernel} from '../scheduler/kernel.ts';
import {longestWhole} from '../scheduler/launch.ts';
import {stopEvery, toNextStop} from '../scheduler/period.ts';
import type {Programs} from '../scheduler/programs.ts';
import {shortGroup, shortRuns} from './graphCache.ts';
import type {GraphCache} from './graphCache.ts';
import type {Operands} from './operands.ts';

/**
 * Most pairs of activations of one tenant for which whole requests and runs are recorded: its requests under way at once. In
 * a burst a policy may have begun dozens of one of its tenants; a tenant with a host of its own has only what its lane holds.
 */
const pairsOfTenant = {several: 40, one: 16};

/** The same for single kernels, */
const pairsOfKernels = 6;

/** and for programs of several requests, of which only whole ones are recorded. */
const pairsOfBatches = 2;

/** Single steps of batches are recorded up to this size, and larger ones where so few kernels may form any */
const largestAhead = 32;

/** that all of them are no more than this, on all lanes. Others are recorded when they first occur. */
const mostBatches = 8192;

/** Recording ahead leaves room for what only turns out in the run, */
const mostAhead = 32_768;

/** and runs and several steps of batches leave room for each other and for batches. */
const mostOfKind = 12_288;

/** Recording stops after this long, for runs, batches and several steps of batches each, */
const longestNs: Nanoseconds = 3e9;

/** but whole requests come first, and what loads a kernel for the first time takes the library many times as long. */
const longestOfWholeNs: Nanoseconds = 10e9;

/** Batches of which several steps are recorded as one: from every kernel up to this size, larger ones where they usually end, */
const largestGroup = 16;

/** where policies launch them for so many lanes that run the same steps at once, */
const copies = 3;

/** and short programs, all of whose kernels most launches of a crowd of singles run, for so many; */
const copiesOfWhole = 8;

/** elsewhere once, and up to this size for two lanes; */
const largestTwice = 8;

/** larger ones, which fill the device, for so many. */
const copiesOfLarge = 2;

export interface Program {
  readonly tenant: number;
  /** Cursor of its first kernel. */
  readonly start: number;
}

export interface Batch {
  readonly cls: number;
  readonly size: number;
}

/** The batches that superkernels of these classes may form on so many lanes, small ones first. */
export function batchesOf(
  classes: Iterable<number>,
  kernels: readonly Kernel[],
  {maxSize, maxMembers, lanes}: {maxSize: number; maxMembers: number; lanes: number},
): Batch[] {
  const found: Batch[] = [];
  const products = [...classes].filter((cls) => kernels[cls].op === 'gemm');
  const ahead = Math.max(largestAhead, Math.floor(mostBatches / (products.length * lanes)));
  for (const cls of products) {
    const {count} = kernels[cls] as Gemm;
    const largest = Math.min(maxSize, ahead, Math.floor(maxMembers / count));
    for (let size = 2; size <= largest; size++) found.push({cls, size});
  }
  return found.toSorted((a, b) => a.size - b.size);
}

export interface RecordAheadOptions {
  readonly graphs: GraphCache;
  readonly operands: Operands;
  /** The programs of the tenants' single requests. */
  readonly programs: readonly Program[];
  /** Those of several requests at once, in the order in which they are likely: the smallest first. */
  readonly batchPrograms: readonly Program[];
  readonly batches: readonly Batch[];
  /** Whether launches run several kernels of several members. */
  readonly runsAhead: boolean;
  /** The kernels that they run, in order. */
  readonly sequences: Pick<Programs, 'kernelsLeft' | 'periods'>;
  readonly lanes: number;
  readonly now: () => Nanoseconds;
}

/** Before a run, records what it is likely to launch: recording takes as long as some launches without. */
export function recordAhead(options: RecordAheadOptions): void {
  recordRuns(options);
  if (options.runsAhead) recordGroups(options);
  recordBatches(options);
  options.graphs.beginRun();
}

function recordRuns({graphs, operands, programs, batchPrograms, runsAhead, now}: RecordAheadOptions): void {
  const begin = now();
  const isOver = (most = longestNs): boolean => now() > begin + most || graphs.size >= mostOfKind;
  const rounds: (Program & {readonly pair: number; readonly round: number})[] = [];
  const most = programs.length > 1 ? pairsOfTenant.several : pairsOfTenant.one;
  for (let round = 0; round < most; round++) {
    const pairOf = new Map<number, number>();
    for (const program of programs) {
      if (isOver(longestOfWholeNs)) return;
      const {tenant, start} = program;
      const pair = operands.reservePair(tenant);
      if (pair < 0) continue;
      pairOf.set(tenant, pair);
      rounds.push({...program, pair, round});
      graphs.prepareWhole(tenant, pair, start);
    }
    if (round >= pairsOfBatches) continue;
    for (const {tenant, start} of batchPrograms) {
      if (isOver(longestOfWholeNs)) return;
      const pair = pairOf.get(tenant);
      if (pair !== undefined) graphs.prepareWhole(tenant, pair, start);
    }
  }
  for (const {tenant, pair, start} of rounds) {
    if (isOver()) return;
    graphs.prepareRuns(tenant, pair, start);
  }
  // Pair after pair: those that the tenants use first, whatever is launched on them.
  for (const {tenant, pair, start, round} of rounds) {
    if (runsAhead && !isOver()) graphs.prepareTails(tenant, pair, start);
    for (const length of shortRuns) {
      if (isOver()) return;
      if (length > 1 || round < pairsOfKernels) graphs.prepareShort(tenant, pair, start, length);
    }
  }
}

function recordBatches({graphs, batches, lanes, now}: RecordAheadOptions): void {
  const until = now() + longestNs;
  for (const {cls, size} of batches) {
    for (let lane = 0; lane < lanes; lane++) {
      if (now() > until || graphs.size >= mostAhead) return;
      graphs.batch(lane, cls, size);
    }
  }
}

/**
 * Short programs as a whole first, then from stop to stop. Members that went different ways meet anywhere, and what they have in
 * common ends at a stop, or anywhere. Large batches are those of a backlog, whose members stop together.
 */
function recordGroups({graphs, programs, batches, sequences, lanes, now}: RecordAheadOptions): void {
  const until = now() + longestNs;
  const most = graphs.size + mostOfKind;
  const starts = [...new Set(programs.map(({start}) => start))];
  const largest = batches.at(-1)?.size ?? 0;
  /** Batches of these sizes, of the lengths that are asked for where `left` of the `whole` program are left, whose runs stop `every` so many. */
  const record = (
    least: number,
    limit: number,
    lengthsAt: (left: number, every: number, whole: number) => number[],
  ): void => {
    for (let size = least; size <= Math.min(limit, largest); size++) {
      for (const start of starts) {
        const whole = sequences.kernelsLeft(start);
        const every = stopEvery(sequences.periods[start]);
        for (let left = whole; left > 0; left--) {
          for (const length of lengthsAt(left, every, whole)) {
            if (now() > until || graphs.size >= most) return;
            graphs.prepareGroup(start + whole - left, length, size);
          }
        }
      }
    }
  };
  const anywhere = (left: number, every: number): number[] => {
    const toStop = toNextStop(left, every);
    return toStop > shortGroup ? [toStop, shortGroup] : toStop > 1 ? [toStop] : [];
  };
  const wholes = (left: number, every: number, whole: number): number[] =>
    left === whole && whole > every && whole <= longestWhole ? [whole] : [];
  for (let copy = 0; copy < Math.min(lanes, copiesOfWhole); copy++) record(2, largestGroup, wholes);
  for (let copy = 0; copy < copies; copy++)
    record(2, largestGroup, (left, every, whole) =>
      left === whole || left % every === 0 ? [toNextStop(left, every)] : [],
    );
  for (const limit of [largestGroup, largestTwice]) record(2, limit, anywhere);
  for (let copy = 0; copy < copiesOfLarge; copy++)
    record(largestGroup + 1, largest, (left, every, whole) => [
      ...wholes(left, every, whole),
      ...(left % shortGroup === 0 ? anywhere(left, every) : []),
    ]);
}
