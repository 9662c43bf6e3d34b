// The papers' ways of sharing a GPU as policies of ours.

/**
 * For GEMMs, two of each tenant in the system: its next one is there before the last one is done, as where kernels are
 * launched asynchronously.
 * - `time-only`: a context per tenant, never two at once.
 * - `one-at-a-time`: all in one context and one stream, the next after the last has been seen to end.
 * - `space-only`: whichever is best of the three that follow.
 * - `space-mps`: a process per tenant under MPS.
 * - `space-threads`: streams with a host thread each.
 * - `space-one-thread`: streams that one host thread submits to in turn.
 * - `coalescing-n`: superkernels of as many kernels as there are tenants on 1 or 2 lanes, of 2/n of that on n lanes.
 * - `coalescing-best`: the same on whichever of several numbers of lanes is best, of two tenants a superkernel at least.
 * - `ooo`: our scheduler, which chooses lanes and sizes itself.
 */
export const gemmSchemes = [
  'time-only',
  'one-at-a-time',
  'space-only',
  'space-mps',
  'space-threads',
  'space-one-thread',
  'coalescing-1',
  'coalescing-2',
  'coalescing-4',
  'coalescing-best',
  'ooo',
] as const;
export type GemmScheme = (typeof gemmSchemes)[number];

/** For whole models: a device of its own on which requests are batched, contexts in turn, MPS, a stream each. */
export const modelSchemes = ['exclusive', 'time', 'mps', 'streams'] as const;
export type ModelScheme = (typeof modelSchemes)[number];

/** Most clients of one MPS server on Volta and later (NVIDIA, Multi-Process Service, "Volta MPS"). */
const mostMpsClients = 48;

/** Among which `coalescing-best` chooses: beyond the last a lane would do little more than a stream. */
const laneCounts = [1, 2, 3, 4, 6, 8, 12, 16];

/** The policies that make up a scheme, of which the best counts; `clients` processes or threads submit at most. */
export function gemmPolicies(scheme: GemmScheme, tenants: number, clients = Infinity): string[] {
  switch (scheme) {
    case 'time-only':
      return [`time-slice:${inOrder}`];
    case 'one-at-a-time':
      return ['streams:lanes=1,run-ahead=1'];
    case 'space-only':
      return (['space-mps', 'space-threads', 'space-one-thread'] as const).flatMap((part) =>
        gemmPolicies(part, tenants, clients),
      );
    case 'space-mps':
      return Math.min(tenants, clients) <= mostMpsClients ? [`mps:${inOrder}`] : [];
    case 'space-threads':
      return [`streams:${inOrder}`];
    case 'space-one-thread':
      return [oneThread];
    case 'coalescing-1':
      return [coalescing(1, tenants)];
    case 'coalescing-2':
      return [coalescing(2, tenants)];
    case 'coalescing-4':
      return [coalescing(4, tenants)];
    case 'coalescing-best':
      return laneCounts.map((lanes) => coalescing(lanes, tenants, 2));
    case 'ooo':
      return ['ooo'];
    default:
      return scheme satisfies never;
  }
}

/** The most kernels of one launch under a scheme: what is larger need not be made ready for. */
export function largestLaunch(scheme: GemmScheme, tenants: number): number {
  if (scheme === 'ooo' || scheme === 'coalescing-best') return tenants;
  const lanes = /^coalescing-(\d+)$/.exec(scheme);
  return lanes === null ? 1 : sizeOn(Number(lanes[1]), tenants);
}

/** Kernels of each tenant that are in the system. */
export const kernelsOfTenant = 2;

/** Kernels of a tenant follow each other without waiting for the host. */
const inOrder = `run-ahead=1,queue-depth=${kernelsOfTenant}`;

/** The size of superkernels of which `lanes` have one each, with one kernel of a tenant in each at most. */
const sizeOn = (lanes: number, tenants: number): number =>
  Math.min(tenants, Math.ceil((kernelsOfTenant * tenants) / lanes));

export function modelPolicy(scheme: ModelScheme, count: number): string {
  switch (scheme) {
    case 'exclusive':
      return `exclusive:max-batch=${count}`;
    case 'time':
      return 'time-slice';
    case 'mps':
      return 'mps';
    case 'streams':
      return 'streams';
    default:
      return scheme satisfies never;
  }
}

const oneThread = `streams:${inOrder},host-threads=shared`;

const coalescing = (lanes: number, tenants: number, least = 1): string =>
  `greedy:lanes=${lanes},max-size=${Math.max(least, sizeOn(lanes, tenants))}`;
