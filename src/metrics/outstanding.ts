import type {Nanoseconds} from '../scheduler/clock.ts';

/**
 * The arrival times of one tenant's requests that are in the system, so that a run's end can tell which of them are
 * past their deadline. Requests mostly leave in the order they came, which costs O(1); others O(log n).
 */
export class Outstanding {
  /** A ring of arrival times in rising order; those that left out of order stay as ~their time: -1 - time. */
  private times = new Float64Array(16);
  private head = 0;
  private tail = 0;

  enter(arrivalAt: Nanoseconds): void {
    if (this.tail - this.head === this.times.length) this.grow();
    this.times[this.tail++ & (this.times.length - 1)] = arrivalAt;
  }

  /** Removes one request that arrived then; one that never entered is none of ours. */
  leave(arrivalAt: Nanoseconds): void {
    const mask = this.times.length - 1;
    if (this.head < this.tail && this.times[this.head & mask] === arrivalAt) {
      this.head++;
      while (this.head < this.tail && this.times[this.head & mask] < 0) this.head++;
      return;
    }
    let low = this.head;
    let high = this.tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const time = this.times[middle & mask];
      if ((time < 0 ? -1 - time : time) < arrivalAt) low = middle + 1;
      else high = middle;
    }
    for (; low < this.tail; low++) {
      const time = this.times[low & mask];
      if (time === arrivalAt) {
        this.times[low & mask] = -1 - arrivalAt;
        return;
      }
      if (time !== -1 - arrivalAt) return;
    }
  }

  /** How many of them arrived at `from` or later and before `to`. */
  countBetween(from: Nanoseconds, to: Nanoseconds): number {
    let n = 0;
    for (let i = this.head; i < this.tail; i++) {
      const time = this.times[i & (this.times.length - 1)];
      if (time >= from && time < to) n++;
    }
    return n;
  }

  private grow(): void {
    const {times, head, tail} = this;
    const larger = new Float64Array(2 * times.length);
    for (let i = head; i < tail; i++) larger[i - head] = times[i & (times.length - 1)];
    this.times = larger;
    this.head = 0;
    this.tail = tail - head;
  }
}
