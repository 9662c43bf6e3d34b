import type {Arrivals} from '../scheduler/arrivals.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';

/** A tenant that keeps `outstanding` requests in the system and thinks between an answer and the next request. */
export interface Loop {
  readonly tenant: number;
  readonly outstanding: number;
  /** Time from an answer to the next request, drawn for each; 0 for a saturated tenant. */
  thinkNs(): Nanoseconds;
}

/**
 * Arrivals drawn or read before the run, merged with those that completions set off. A drawn arrival costs a cursor
 * step; the closed loops' next arrivals wait in a small binary heap ordered by (time, order of scheduling).
 */
export class ArrivalSource implements Arrivals {
  private readonly at: Float64Array;
  private readonly tenants: Int32Array;
  private cursor = 0;
  private readonly loops: (Loop | undefined)[] = [];
  private readonly until: Nanoseconds;
  private readonly heapAt: number[] = [];
  private readonly heapTenant: number[] = [];
  private readonly heapOrder: number[] = [];
  private scheduled = 0;

  /** `at` is sorted; closed loops start at 0 and send nothing at or after `until`. */
  constructor(
    at: Float64Array,
    tenants: Int32Array,
    loops: readonly Loop[] = [],
    until: Nanoseconds = Infinity,
  ) {
    this.at = at;
    this.tenants = tenants;
    this.until = until;
    for (const loop of loops) {
      this.loops[loop.tenant] = loop;
      for (let i = 0; i < loop.outstanding; i++) this.schedule(loop.tenant, 0);
    }
  }

  nextAt(): Nanoseconds {
    const drawn = this.cursor < this.at.length ? this.at[this.cursor] : Infinity;
    return this.heapAt.length > 0 && this.heapAt[0] < drawn ? this.heapAt[0] : drawn;
  }

  peek(): number {
    const drawn = this.cursor < this.at.length ? this.at[this.cursor] : Infinity;
    return this.heapAt.length > 0 && this.heapAt[0] < drawn ? this.heapTenant[0] : this.tenants[this.cursor];
  }

  take(): number {
    const drawn = this.cursor < this.at.length ? this.at[this.cursor] : Infinity;
    return this.heapAt.length > 0 && this.heapAt[0] < drawn ? this.pop() : this.tenants[this.cursor++];
  }

  left(tenant: number, at: Nanoseconds): void {
    const loop = this.loops[tenant];
    if (loop !== undefined) this.schedule(tenant, at + loop.thinkNs());
  }

  private schedule(tenant: number, at: Nanoseconds): void {
    if (at >= this.until) return;
    const {heapAt, heapTenant, heapOrder} = this;
    const order = this.scheduled++;
    let i = heapAt.length;
    heapAt.push(at);
    heapTenant.push(tenant);
    heapOrder.push(order);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heapAt[parent] <= at) break;
      this.move(parent, i);
      i = parent;
    }
    this.put(i, at, tenant, order);
  }

  private pop(): number {
    const {heapAt, heapTenant, heapOrder} = this;
    const tenant = heapTenant[0];
    const at = heapAt.pop()!;
    const last = heapTenant.pop()!;
    const order = heapOrder.pop()!;
    const n = heapAt.length;
    if (n === 0) return tenant;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.before(child + 1, child)) child++;
      if (heapAt[child] > at || (heapAt[child] === at && heapOrder[child] > order)) break;
      this.move(child, i);
      i = child;
    }
    this.put(i, at, last, order);
    return tenant;
  }

  private before(a: number, b: number): boolean {
    return (
      this.heapAt[a] < this.heapAt[b] ||
      (this.heapAt[a] === this.heapAt[b] && this.heapOrder[a] < this.heapOrder[b])
    );
  }

  private move(from: number, to: number): void {
    this.put(to, this.heapAt[from], this.heapTenant[from], this.heapOrder[from]);
  }

  private put(i: number, at: Nanoseconds, tenant: number, order: number): void {
    this.heapAt[i] = at;
    this.heapTenant[i] = tenant;
    this.heapOrder[i] = order;
  }
}
