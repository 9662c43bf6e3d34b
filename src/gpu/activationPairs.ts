/**
 * Which pair of activation buffers each stream uses. A pair stays with its tenant from request to request, so that what
 * was recorded for the tenant's kernels on that pair can run again. One that another tenant had to use in a crowd goes back.
 */
export class ActivationPairs {
  private readonly pairs: number;
  /** By stream slot: its pair, the tenant that it was given for (-1: none yet), and whether nobody else uses it. */
  private pairOf = new Int32Array(64);
  private tenantOf = new Int32Array(64).fill(-1);
  private own = new Uint8Array(64);
  /** By pair: the tenant that had it first. */
  private readonly owners: number[] = [];
  /** By tenant: its pairs that no stream uses, the highest first. */
  private readonly free: number[][] = [];
  /** Pairs from here on have never been used. */
  private next = 0;
  /** Pairs below this one were reserved. */
  private reserved = 0;

  constructor(pairs: number) {
    this.pairs = pairs;
  }

  /** The pair of the stream in `slot`, which now belongs to `tenant`. */
  of(slot: number, tenant: number): number {
    if (slot >= this.tenantOf.length) this.grow(slot);
    if (this.tenantOf[slot] === tenant) return this.pairOf[slot];
    return this.assign(slot, tenant);
  }

  /** Whether no other stream uses the slot's pair: false where there are more streams than pairs. */
  isOwn(slot: number): boolean {
    return this.own[slot] === 1;
  }

  /** The slot's request is over. */
  release(slot: number): void {
    if (slot >= this.tenantOf.length) return;
    if (this.own[slot] === 1) this.giveBack(this.pairOf[slot]);
    this.own[slot] = 0;
    this.tenantOf[slot] = -1;
  }

  /** All requests are over, and pairs that were not reserved are nobody's again. */
  releaseAll(): void {
    for (let slot = 0; slot < this.own.length; slot++) this.release(slot);
    this.next = this.owners.length = this.reserved;
    this.free.forEach((pairs, tenant) => (this.free[tenant] = pairs.filter((pair) => pair < this.reserved)));
  }

  /** Gives the tenant a pair that nobody has used, ahead of its streams; -1 where there is none left. */
  reserve(tenant: number): number {
    const pair = this.takeNew(tenant);
    if (pair >= 0) this.giveBack(pair);
    this.reserved = this.next;
    return pair;
  }

  private assign(slot: number, tenant: number): number {
    // A slot changes its tenant only between requests: its pair is idle.
    this.release(slot);
    this.tenantOf[slot] = tenant;
    const pair = this.take(tenant);
    this.own[slot] = pair < 0 ? 0 : 1;
    return (this.pairOf[slot] = pair < 0 ? slot % this.pairs : pair);
  }

  /**
   * The tenant's lowest pair: most is recorded on those that were reserved first. Where it has none left, one that nobody has used,
   * and then another's highest, on which least is recorded.
   */
  private take(tenant: number): number {
    const known = this.free[tenant]?.pop() ?? this.takeNew(tenant);
    if (known >= 0) return known;
    for (const others of this.free) {
      const pair = others.shift();
      if (pair !== undefined) return pair;
    }
    return -1;
  }

  private takeNew(tenant: number): number {
    if (this.next === this.pairs) return -1;
    while (this.free.length <= tenant) this.free.push([]);
    this.owners.push(tenant);
    return this.next++;
  }

  private giveBack(pair: number): void {
    const free = this.free[this.owners[pair]];
    let at = free.length;
    free.push(pair);
    for (; at > 0 && free[at - 1] < pair; at--) free[at] = free[at - 1];
    free[at] = pair;
  }

  private grow(slot: number): void {
    const length = Math.max(2 * this.tenantOf.length, slot + 1);
    const copy = <T extends Int32Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.pairOf = copy(new Int32Array(length), this.pairOf);
    this.tenantOf = copy(new Int32Array(length).fill(-1), this.tenantOf);
    this.own = copy(new Uint8Array(length), this.own);
  }
}
