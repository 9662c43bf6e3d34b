import type {Nanoseconds} from './clock.ts';

/** What a stream's head is doing; it is running from when a policy takes it for a launch. */
export const streamStates = {free: 0, ready: 1, held: 2, running: 3} as const;

/**
 * The streams in the system, in structures of arrays with a free list. A stream runs one program, kernel by kernel, for
 * one request or for a batch of one tenant's requests. The arrays are replaced when they grow: read them afresh.
 */
export class Streams {
  capacity = 256;
  state = new Uint8Array(this.capacity);
  tenant = new Int32Array(this.capacity);
  /** Index into `Programs` of the head: the kernel that is ready or running. */
  cursor = new Int32Array(this.capacity);
  /** The earliest deadline among the requests it serves. */
  deadlineAt = new Float64Array(this.capacity);
  /** When its head became ready. */
  readyAt = new Float64Array(this.capacity);
  /** When its first kernel was launched; -1 before. */
  startedAt = new Float64Array(this.capacity);
  /** First of the chain of requests it serves. */
  request = new Int32Array(this.capacity);
  /** How many requests it serves. */
  batch = new Int32Array(this.capacity);
  /** Counts the kernels that became ready in this slot, so that a stale reference to a slot can be told. */
  stamp = new Uint32Array(this.capacity);
  live = 0;
  private freeHead = -1;
  private nextFree = new Int32Array(this.capacity);
  private used = 0;

  allocate(tenant: number, cursor: number, deadlineAt: Nanoseconds, request: number, batch: number): number {
    let slot = this.freeHead;
    if (slot >= 0) {
      this.freeHead = this.nextFree[slot];
    } else {
      slot = this.used++;
      if (slot === this.capacity) this.grow();
    }
    this.tenant[slot] = tenant;
    this.cursor[slot] = cursor;
    this.deadlineAt[slot] = deadlineAt;
    this.startedAt[slot] = -1;
    this.request[slot] = request;
    this.batch[slot] = batch;
    this.live++;
    return slot;
  }

  release(slot: number): void {
    this.state[slot] = streamStates.free;
    this.nextFree[slot] = this.freeHead;
    this.freeHead = slot;
    this.live--;
  }

  /** Forgets all streams. Stamps go on, so that none of a forgotten one is taken for another's. */
  clear(): void {
    for (let slot = 0; slot < this.used; slot++)
      if (this.state[slot] !== streamStates.free) this.release(slot);
  }

  private grow(): void {
    this.capacity *= 2;
    const capacity = this.capacity;
    this.state = copy(new Uint8Array(capacity), this.state);
    this.tenant = copy(new Int32Array(capacity), this.tenant);
    this.cursor = copy(new Int32Array(capacity), this.cursor);
    this.deadlineAt = copy(new Float64Array(capacity), this.deadlineAt);
    this.readyAt = copy(new Float64Array(capacity), this.readyAt);
    this.startedAt = copy(new Float64Array(capacity), this.startedAt);
    this.request = copy(new Int32Array(capacity), this.request);
    this.batch = copy(new Int32Array(capacity), this.batch);
    this.stamp = copy(new Uint32Array(capacity), this.stamp);
    this.nextFree = copy(new Int32Array(capacity), this.nextFree);
  }
}

function copy<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(larger: T, old: T): T {
  larger.set(old);
  return larger;
}
