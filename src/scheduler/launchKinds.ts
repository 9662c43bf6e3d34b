import type {Costs} from './costs.ts';
import {methods} from './kernel.ts';
import {fewestHolding, holdsPlace} from './sharingTerms.ts';

const SINGLE = methods.indexOf('single');

/** Kinds of launches by how they share the device: of one member, of several, and such that hold their places (`holdsPlace`). */
export const [single, coalesced, holding] = [0, 1, 2];
export const kinds = 3;

/**
 * The kind of a launch of `size` members whose next kernels are of a class, or of several (-1): of those all of enough members hold their
 * places, as nobody knows their rounds of blocks.
 */
export function kindOf(cls: number, size: number, method: number, costs: Pick<Costs, 'durationNs'>): number {
  if (size === 1) return single;
  if (cls < 0) return size >= fewestHolding ? holding : coalesced;
  if (method === SINGLE) return coalesced;
  const ns = costs.durationNs(cls, size, method);
  return holdsPlace(size, ns, costs.durationNs(cls, 2, method)) ? holding : coalesced;
}
