import type {Costs} from '../../src/scheduler/costs.ts';

/**
 * Every launch takes `kernelNs`, and the host 5 us, or as many times as much as it has `calls` of the library; shares are so
 * small that lanes do not meet.
 */
export function constantCosts(
  kernelNs: number,
  {calls = () => 1, followNs}: {calls?: (size: number, method: number) => number; followNs: number},
): Costs {
  const durationNs = (_cls: number, size: number, method: number): number => kernelNs * calls(size, method);
  return {
    durationNs,
    bestMethod: () => 0,
    bestNs: (cls, size) => durationNs(cls, size, 0),
    mixedNs: () => kernelNs,
    submitNs: (_cls, size, method) => 5000 * calls(size, method),
    followNs: () => followNs,
    launchNs: 0,
    memberNs: 0,
    stepGapNs: 1000,
    sharing: {interference: 0, crowding: 0, crowdedInterference: 0, mixing: 0, coalesced: 1},
    smShare: () => 0.1,
    bandwidthShare: () => 0.1,
    exposure: () => 1,
    pressure: () => 1,
  };
}

/** Lanes of one scheme that do not slow each other. */
export const quietSharing = {
  sliceNs: 2e6,
  switchNs: 0,
  yieldNs: 0,
  interference: 0,
  crowding: 0,
  crowdedInterference: 0,
  mixing: 0,
  maxConcurrent: 128,
} as const;
