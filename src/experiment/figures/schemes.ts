// The papers' ways of sharing a GPU as policies of ours.

/**
 * For GEMMs, one per tenant in the queue.
 * - `time-only`: a context per tenant, never two at once.
 * - `one-at-a-time`: all in one context and one stream, the next after the last has been seen to end.
 * - `space-only`: whichever is best of MPS and of streams with a host thread each or one for all.
 * - `space-one-thread`: streams that one host thread submits to in turn.
 * - `coalescing-n`: superkernels of all that is ready, on n lanes with an n-th of the tenants each.
 * - `ooo`: our scheduler, which chooses lanes and sizes itself.
 */
export const gemmSchemes = [
  'time-only',
  'one-at-a-time',
  'space-only',
  'space-one-thread',
  'coalescing-1',
  'coalescing-2',
  'coalescing-4',
  'ooo',
] as const;
export type GemmScheme = (typeof gemmSchemes)[number];

/** For whole models: a device of its own on which requests are batched, contexts in turn, MPS, a stream each. */
export const modelSchemes = ['exclusive', 'time', 'mps', 'streams'] as const;
export type ModelScheme = (typeof modelSchemes)[number];

/** Most clients of one MPS server on Volta and later (NVIDIA, Multi-Process Service, "Volta MPS"). */
const mostMpsClients = 48;

/** The policies that make up a scheme, of which the best counts. */
export function gemmPolicies(scheme: GemmScheme, tenants: number): string[] {
  switch (scheme) {
    case 'time-only':
      return ['time-slice:run-ahead=1'];
    case 'one-at-a-time':
      return ['streams:lanes=1,run-ahead=1'];
    case 'space-only':
      return [...(tenants <= mostMpsClients ? ['mps:run-ahead=1'] : []), 'streams:run-ahead=1', oneThread];
    case 'space-one-thread':
      return [oneThread];
    case 'coalescing-1':
      return [coalescing(1, tenants)];
    case 'coalescing-2':
      return [coalescing(2, tenants)];
    case 'coalescing-4':
      return [coalescing(4, tenants)];
    case 'ooo':
      return ['ooo'];
    default:
      return scheme satisfies never;
  }
}

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

const oneThread = 'streams:run-ahead=1,host-threads=shared';

const coalescing = (lanes: number, tenants: number): string =>
  `greedy:lanes=${lanes},max-size=${Math.ceil(tenants / lanes)}`;
