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
  /** How many lists there are, and how many slots there may be. */
  lists: number;
  slots: number;
  // Records in one array instead of an array for each field: what is used together is in one line of the cache.
  /** By slot: the slots behind and before it, and its list. */
  private links: Int32Array;
  /** By list: its first and last slot, and its place in `nonEmpty`. */
  private ends: Int32Array;

  constructor(lists: number, slots: number) {
    this.lists = lists;
    this.slots = slots;
    this.count = new Int32Array(lists);
    this.nonEmpty = new Int32Array(lists);
    this.ends = new Int32Array(lists * width).fill(-1);
    this.links = new Int32Array(slots * width).fill(-1);
  }

  /** The slot that has waited longest in a list, or -1. */
  first(list: number): number {
    return this.ends[list * width + first];
  }

  /** The slot behind `slot` in its list, or -1. */
  next(slot: number): number {
    return this.links[slot * width + next];
  }

  /** The list that holds `slot`, or -1. */
  list(slot: number): number {
    return this.links[slot * width + holder];
  }

  append(list: number, slot: number): void {
    const {ends, links} = this;
    const end = list * width;
    const at = slot * width;
    const before = ends[end + last];
    ends[end + last] = slot;
    links[at + next] = -1;
    links[at + previous] = before;
    links[at + holder] = list;
    this.count[list]++;
    this.total++;
    if (before >= 0) {
      links[before * width + next] = slot;
      return;
    }
    ends[end + first] = slot;
    ends[end + place] = this.nonEmptyCount;
    this.nonEmpty[this.nonEmptyCount++] = list;
  }

  remove(slot: number): void {
    const {ends, links} = this;
    const at = slot * width;
    const list = links[at + holder];
    const before = links[at + previous];
    const behind = links[at + next];
    if (before < 0) ends[list * width + first] = behind;
    else links[before * width + next] = behind;
    if (behind < 0) ends[list * width + last] = before;
    else links[behind * width + previous] = before;
    links[at + holder] = -1;
    this.total--;
    if (--this.count[list] === 0) this.becomeEmpty(list);
  }

  /** Moves the first `n` slots of a list, which holds as many, to `out`, from its index `at` on. */
  removeFirst(list: number, n: number, out: Int32Array, at: number): void {
    const {ends, links} = this;
    let slot = ends[list * width + first];
    for (let i = at; i < at + n; i++) {
      out[i] = slot;
      links[slot * width + holder] = -1;
      slot = links[slot * width + next];
    }
    this.total -= n;
    this.count[list] -= n;
    ends[list * width + first] = slot;
    if (slot >= 0) {
      links[slot * width + previous] = -1;
      return;
    }
    ends[list * width + last] = -1;
    this.becomeEmpty(list);
  }

  /** The last of the lists that hold something takes the place of one that no longer does. */
  private becomeEmpty(list: number): void {
    const {ends, nonEmpty} = this;
    const hole = ends[list * width + place];
    const moved = nonEmpty[--this.nonEmptyCount];
    nonEmpty[hole] = moved;
    ends[moved * width + place] = hole;
  }

  growSlots(slots: number): void {
    this.slots = slots;
    this.links = grown(this.links, slots * width, -1);
  }

  growLists(lists: number): void {
    this.lists = lists;
    this.count = grown(this.count, lists, 0);
    this.nonEmpty = grown(this.nonEmpty, lists, 0);
    this.ends = grown(this.ends, lists * width, -1);
  }
}

/** Entries of a record, a power of two. */
const width = 4;
/** Fields of a slot's record. */
const next = 0;
const previous = 1;
const holder = 2;
/** Fields of a list's record. */
const first = 0;
const last = 1;
const place = 2;

function grown(old: Int32Array, length: number, fill: number): Int32Array {
  const larger = new Int32Array(length).fill(fill);
  larger.set(old);
  return larger;
}
