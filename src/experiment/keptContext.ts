import {openContext} from '../gpu/cuda.ts';
import type {CudaContext} from '../gpu/cuda.ts';

let kept: CudaContext | null = null;

/**
 * Keeps this process's context on a device open, with the library code that it has loaded, until `dropContext`: opening
 * lanes in it takes milliseconds then, and not a good part of a second. What it holds besides is one idle lane.
 */
export function keepContext(ordinal: number): void {
  kept ??= openContext({device: ordinal, lanes: 1, maxMembers: 1, ringSlots: 1, workspaceBytes: 0});
}

export function dropContext(): void {
  kept?.destroy();
  kept = null;
}
