// Tapes in memory that a host shares with its parent: what a host has recorded is there for the parent the moment it is
// recorded, and stays when the host is killed.
import {fstatSync, ftruncateSync, readSync} from 'node:fs';
import {loadAddon} from '../gpu/cuda.ts';
import {Tape, chunkLength, eventsOf} from './tape.ts';

const chunkBytes = chunkLength * Float64Array.BYTES_PER_ELEMENT;

/** Chunks that are there from the start, for 30,000 events: memory that is first touched in a run costs it time. */
const chunksAtFirst = 4;

/** Memory for the tapes of one host, as a descriptor: it has no name, so nobody can leave it behind. */
export function createTapeMemory(): number {
  return loadAddon().createShared();
}

/** Gives the parent's part up, once: the memory goes with its host. */
export function closeTapeMemory(memory: number): void {
  loadAddon().closeShared(memory);
}

/** A tape that begins, empty, in such memory. The one before it is gone. */
export function recordInto(memory: number): Tape {
  const {mapShared} = loadAddon();
  const map = (index: number, count: number): Float64Array => {
    ftruncateSync(memory, (index + count) * chunkBytes);
    return new Float64Array(mapShared(memory, index * chunkBytes, count * chunkBytes));
  };
  ftruncateSync(memory, 0);
  const first = map(0, chunksAtFirst).fill(0);
  return new Tape((index) =>
    index < chunksAtFirst ? first.subarray(index * chunkLength, (index + 1) * chunkLength) : map(index, 1),
  );
}

/** What has been recorded in such memory so far. */
export function readTape(memory: number): Float64Array {
  const chunks: Float64Array[] = [];
  const {size} = fstatSync(memory);
  for (let at = 0; at < size; at += chunkBytes) {
    const chunk = new Float64Array(chunkLength);
    readSync(memory, chunk, 0, chunkBytes, at);
    chunks.push(chunk);
  }
  return eventsOf(chunks);
}
