import type {Nanoseconds} from './clock.ts';

/**
 * The requests in the system, in structures of arrays with a free list. A request waits in its tenant's queue until a
 * stream serves it; a stream that serves several chains them by `next`.
 */
export class Requests {
  /** Intended arrival; latency counts from here. */
  arrivalAt = new Float64Array(256);
  tenant = new Int32Array(256);
  /** The next request of the same queue or stream, or -1. */
  next = new Int32Array(256);
  /** Requests in the system. */
  live = 0;
  /** Requests waiting for a stream, by tenant. */
  readonly waiting: Int32Array;
  private readonly head: Int32Array;
  private readonly tail: Int32Array;
  private free = -1;
  private used = 0;

  constructor(tenants: number) {
    this.waiting = new Int32Array(tenants);
    this.head = new Int32Array(tenants).fill(-1);
    this.tail = new Int32Array(tenants).fill(-1);
  }

  /** The tenant's request that has waited longest, or -1. */
  first(tenant: number): number {
    return this.head[tenant];
  }

  enqueue(tenant: number, arrivalAt: Nanoseconds): number {
    let request = this.free;
    if (request >= 0) {
      this.free = this.next[request];
    } else {
      request = this.used++;
      if (request === this.tenant.length) this.grow();
    }
    this.arrivalAt[request] = arrivalAt;
    this.tenant[request] = tenant;
    this.next[request] = -1;
    const last = this.tail[tenant];
    if (last < 0) this.head[tenant] = request;
    else this.next[last] = request;
    this.tail[tenant] = request;
    this.waiting[tenant]++;
    this.live++;
    return request;
  }

  /** Takes the longest waiting request out of its tenant's queue; its `next` is then -1. */
  dequeue(tenant: number): number {
    const request = this.head[tenant];
    this.head[tenant] = this.next[request];
    if (this.head[tenant] < 0) this.tail[tenant] = -1;
    this.next[request] = -1;
    this.waiting[tenant]--;
    return request;
  }

  /** Forgets a request that has left the system. */
  release(request: number): void {
    this.next[request] = this.free;
    this.free = request;
    this.live--;
  }

  private grow(): void {
    const capacity = 2 * this.tenant.length;
    const arrivalAt = new Float64Array(capacity);
    arrivalAt.set(this.arrivalAt);
    this.arrivalAt = arrivalAt;
    const tenant = new Int32Array(capacity);
    tenant.set(this.tenant);
    this.tenant = tenant;
    const next = new Int32Array(capacity);
    next.set(this.next);
    this.next = next;
  }
}
