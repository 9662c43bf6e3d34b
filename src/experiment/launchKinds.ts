// What sharing is made of where it is fitted: terms of all launches, and what is particular to those of a kind.
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';

/** What is particular to a kind: see the profile's `measured_in_runs`. */
export interface Kind {
  readonly pace: number;
  readonly exposure: number;
  /** What it presses on others with, for each share of the device that it takes. */
  readonly pressure: number;
}

/** Superkernels of one model and size whose members run one after another, or as a batch. */
export interface RunKind {
  readonly model: string;
  /** Inputs that each member's kernels work on. */
  readonly batch: number;
  readonly method: 'single' | 'batched';
  /** As by `kindSize`. */
  readonly size: number;
}

/** Kinds of up to so many members have a size each. */
const eachTo = 8;

/** The size that stands for superkernels of about as many members: beyond `eachTo`, the nearest of 11, 16, 23, 32, 45, ... */
export function kindSize(size: number): number {
  return size <= eachTo ? size : Math.round(2 ** (Math.round(2 * Math.log2(size)) / 2));
}

/** What was found of superkernels of a kind. */
export interface FittedKind extends Kind, RunKind {
  /** How many of them told it. */
  readonly launches: number;
}

/** The terms that all launches share, and what is particular to kinds of which it is known, by `kindKey`. */
export interface LaunchSharing {
  readonly terms: SharingTerms;
  readonly kinds: ReadonlyMap<string, FittedKind>;
}

/** The same as found in runs, and what else was found there. */
export interface FittedSharing extends LaunchSharing {
  /** How much later than one that only waits a host sees an end, in the mean of the runs: it looks at many lanes. */
  readonly lateNs: Nanoseconds;
}

export const kindKey = ({model, batch, method, size}: RunKind): string =>
  `${model} ${batch} ${method} ${size}`;

/** What stands for a kind of which nothing is known. */
export function usualKind({method}: RunKind, coalesced: number): Kind {
  const exposure = method === 'single' ? 1 : coalesced;
  return {pace: 1, exposure, pressure: 1 / exposure};
}
