/**
 * FIFO lists over slots, any slot in at most one list: adding, removing and the first of a list cost O(1). Lists that
 * hold something are listed densely, so a policy visits only those.
 */
export class SlotLists {
  /** Slots by list. */
  count: Int32Array;
  /** The lists that are not empty are `nonEmpty[0..nonEmptyCount)`, in no particular order. */
  nonEmpty: Int32Array;
  nonEmptyCount = 0;
  /** Slots in all lists. */
  total = 0;
  private head: Int32Array;
  private tail: Int32Array;
  private where: Int32Array;
  private nextOf: Int32Array;
  private previousOf: Int32Array;
  private listOf: Int32Array;

  constructor(lists: number, slots: number) {
    this.count = new Int32Array(lists);
    this.nonEmpty = new Int32Array(lists);
    this.head = new Int32Array(lists).fill(-1);
    this.tail = new Int32Array(lists).fill(-1);
    this.where = new Int32Array(lists).fill(-1);
    this.nextOf = new Int32Array(slots).fill(-1);
    this.previousOf = new Int32Array(slots).fill(-1);
    this.listOf = new Int32Array(slots).fill(-1);
  }

  /** How many lists there are. */
  get lists(): number {
    return this.count.length;
  }

  /** How many slots there may be. */
  get slots(): number {
    return this.nextOf.length;
  }

  /** The slot that has waited longest in a list, or -1. */
  first(list: number): number {
    return this.head[list];
  }

  /** The slot behind `slot` in its list, or -1. */
  next(slot: number): number {
    return this.nextOf[slot];
  }

  /** The list that holds `slot`, or -1. */
  list(slot: number): number {
    return this.listOf[slot];
  }

  append(list: number, slot: number): void {
    const last = this.tail[list];
    this.previousOf[slot] = last;
    this.nextOf[slot] = -1;
    if (last < 0) {
      this.head[list] = slot;
      this.where[list] = this.nonEmptyCount;
      this.nonEmpty[this.nonEmptyCount++] = list;
    } else {
      this.nextOf[last] = slot;
    }
    this.tail[list] = slot;
    this.listOf[slot] = list;
    this.count[list]++;
    this.total++;
  }

  remove(slot: number): void {
    const list = this.listOf[slot];
    const previous = this.previousOf[slot];
    const next = this.nextOf[slot];
    if (previous < 0) this.head[list] = next;
    else this.nextOf[previous] = next;
    if (next < 0) this.tail[list] = previous;
    else this.previousOf[next] = previous;
    this.listOf[slot] = -1;
    this.total--;
    if (--this.count[list] === 0) this.becomeEmpty(list);
  }

  /** Moves the first `n` slots of a list, which holds as many, to `out`, from its index `at` on. */
  removeFirst(list: number, n: number, out: Int32Array, at: number): void {
    const {nextOf, listOf} = this;
    let slot = this.head[list];
    for (let i = at; i < at + n; i++) {
      out[i] = slot;
      listOf[slot] = -1;
      slot = nextOf[slot];
    }
    this.head[list] = slot;
    if (slot < 0) this.tail[list] = -1;
    else this.previousOf[slot] = -1;
    this.total -= n;
    this.count[list] -= n;
    if (slot < 0) this.becomeEmpty(list);
  }

  /** The last of the lists that hold something takes the place of one that no longer does. */
  private becomeEmpty(list: number): void {
    const hole = this.where[list];
    const moved = this.nonEmpty[--this.nonEmptyCount];
    this.nonEmpty[hole] = moved;
    this.where[moved] = hole;
    this.where[list] = -1;
  }

  growSlots(slots: number): void {
    this.nextOf = grown(this.nextOf, slots);
    this.previousOf = grown(this.previousOf, slots);
    this.listOf = grown(this.listOf, slots);
  }

  growLists(lists: number): void {
    this.count = grown(this.count, lists, 0);
    this.nonEmpty = grown(this.nonEmpty, lists, 0);
    this.head = grown(this.head, lists);
    this.tail = grown(this.tail, lists);
    this.where = grown(this.where, lists);
  }
}

function grown(old: Int32Array, length: number, fill = -1): Int32Array {
  const larger = new Int32Array(length).fill(fill);
  larger.set(old);
  return larger;
}
