import type {Nanoseconds} from './clock.ts';
import {methods} from './kernel.ts';
import {Launch, shortRecordedSteps} from './launch.ts';
import {toNextStop, wholePeriods} from './period.ts';
import type {Situation} from './policy.ts';
import {streamStates} from './streams.ts';

const {ready: READY, held: HELD, running: RUNNING} = streamStates;
const SINGLE = methods.indexOf('single');
const BATCHED = methods.indexOf('batched');
const PADDED = methods.indexOf('padded');
const GROUPED = methods.indexOf('grouped');

/**
 * The superkernel under construction: what a policy has taken since the last launch, and what becomes of it. Whatever a
 * policy does wrong on the way is told to `fail`.
 */
export class Superkernel {
  /** How many kernels have been taken. */
  taken = 0;
  private readonly situation: Situation;
  private readonly fail: (what: string) => never;
  private open: Launch;
  /** Launches to reuse, chained by `next`. */
  private unused: Launch | null = null;
  private launches = 0;

  constructor(situation: Situation, fail: (what: string) => never) {
    this.situation = situation;
    this.fail = fail;
    this.open = new Launch(situation.maxSize);
  }

  take(slot: number): void {
    const {open, taken} = this;
    const {streams, programs, ready, held, maxSize, now} = this.situation;
    const state = streams.state[slot];
    if (state === HELD) held.remove(slot);
    else if (state === READY) ready.remove(slot);
    else
      this.fail(`selected kernel ${slot}, which is ${this.isTaken(slot) ? 'selected already' : 'not ready'}`);
    if (taken === maxSize) this.fail(`took more than ${maxSize} kernels for one launch`);
    streams.state[slot] = RUNNING;
    if (streams.startedAt[slot] < 0) streams.startedAt[slot] = now;
    const cls = programs.classes[streams.cursor[slot]];
    if (taken === 0) open.cls = cls;
    else if (open.cls !== cls) open.cls = -1;
    open.members[taken] = slot;
    open.classes[taken] = cls;
    this.taken = taken + 1;
  }

  takeGroup(group: number, most: number): number {
    const {open, taken} = this;
    const {ready, streams, programs, maxSize, now} = this.situation;
    const count = ready.count[group];
    const n = most < count ? Math.ceil(most) : count;
    if (!(n > 0)) return 0;
    if (taken + n > maxSize) this.fail(`took more than ${maxSize} kernels for one launch`);
    const {members, classes} = open;
    ready.removeFirst(group, n, members, taken);
    const {state, cursor, startedAt} = streams;
    const heads = programs.classes;
    let cls = taken === 0 ? heads[cursor[members[0]]] : open.cls;
    for (let i = taken; i < taken + n; i++) {
      const slot = members[i];
      state[slot] = RUNNING;
      if (startedAt[slot] < 0) startedAt[slot] = now;
      if ((classes[i] = heads[cursor[slot]]) !== cls) cls = -1;
    }
    open.cls = cls;
    this.taken = taken + n;
    return n;
  }

  commonSteps(most: number): number {
    const {open, taken} = this;
    if (open.cls < 0 || most <= 1) return 1;
    const {programs, streams} = this.situation;
    const {cursor} = streams;
    const first = cursor[open.members[0]];
    const left = programs.kernelsLeft(first);
    // A launch ends at a multiple of `most` before the program's end, or of whole periods of it, where streams that began elsewhere stop as well.
    const toStop = most >= left ? left : toNextStop(left, wholePeriods(programs.periods[first], most));
    let common = toStop;
    for (let i = 1; i < taken && common > 1; i++)
      common = programs.agreement(first, cursor[open.members[i]], common);
    if (common === toStop) return common;
    // Where they part, the steps beyond the end of what a live device has recorded are left to the next launch.
    const beyond = (shortRecordedSteps - ((left - common) % shortRecordedSteps)) % shortRecordedSteps;
    return beyond < common ? common - beyond : common;
  }

  /** Makes a launch of what was taken, with its method and its prediction, and begins the next superkernel. */
  close(lane: number, method: number, steps: number): Launch {
    const {open, taken} = this;
    const {costs, now} = this.situation;
    if (taken === 0) this.fail('launched nothing: take kernels first');
    if (steps !== 1 && !(Number.isInteger(steps) && steps > 1)) {
      this.fail(`launched ${steps} steps (expected a whole number from 1)`);
    }
    if (open.cls < 0) this.chooseMixed(method);
    else if (method >= 0 && method !== PADDED) open.method = method;
    else if (steps === 1 || taken === 1) open.method = costs.bestMethod(open.cls, taken);
    else open.method = this.bestOfSteps(steps);
    open.id = this.launches++;
    open.lane = lane;
    open.size = taken;
    open.steps = steps;
    open.decidedAt = now;
    open.failed = false;
    let predicted =
      open.cls < 0 ? costs.mixedNs(open.classes, taken) : costs.durationNs(open.cls, taken, open.method);
    if (steps > 1) predicted += this.predictFollowing(open, steps);
    open.predictedNs = predicted;
    this.taken = 0;
    const {unused} = this;
    if (unused === null) {
      this.open = new Launch(this.situation.maxSize);
    } else {
      this.open = unused;
      this.unused = unused.next;
    }
    return open;
  }

  /** Takes back a launch that nobody needs any more. */
  reuse(launch: Launch): void {
    launch.next = this.unused;
    this.unused = launch;
  }

  private isTaken(slot: number): boolean {
    return this.open.members.subarray(0, this.taken).includes(slot);
  }

  /**
   * Sets the method of an open launch of several classes, and its class where it pads; checks that the method can execute
   * what was taken.
   */
  private chooseMixed(method: number): void {
    const {open, taken, situation} = this;
    if (method === GROUPED) {
      open.method = GROUPED;
      return;
    }
    if (method >= 0 && method !== PADDED)
      this.fail(`launched kernels of different shapes as ${methods[method]}`);
    const group = situation.groupOf(open.classes[0]);
    for (let i = 1; i < taken; i++) {
      if (situation.groupOf(open.classes[i]) !== group)
        this.fail('padded kernels of different clusters to one shape');
    }
    open.cls = situation.commonClass(group);
    open.method = PADDED;
  }

  /**
   * Of several steps, whose best methods may differ, the method that all of them together take least by; grouped where each of them is
   * best so, as not every kernel has it.
   */
  private bestOfSteps(steps: number): number {
    const {open, taken} = this;
    const {programs, streams, costs} = this.situation;
    const cursor = streams.cursor[open.members[0]];
    let single = 0;
    let batched = 0;
    let isGrouped = true;
    for (let step = 0; step < steps; step++) {
      const cls = programs.classes[cursor + step];
      if (cls < 0) break;
      isGrouped &&= costs.bestMethod(cls, taken) === GROUPED;
      single += costs.durationNs(cls, taken, SINGLE);
      batched += costs.durationNs(cls, taken, BATCHED);
    }
    if (isGrouped) return GROUPED;
    return batched < single ? BATCHED : SINGLE;
  }

  /** Predicted time of the steps behind the first and of the gaps before them; checks that all members run the same kernels there. */
  private predictFollowing(launch: Launch, steps: number): Nanoseconds {
    const {programs, streams, costs} = this.situation;
    const {members, size, method} = launch;
    const cursor = streams.cursor[members[0]];
    let predicted = (steps - 1) * costs.stepGapNs;
    for (let step = 1; step < steps; step++) {
      const cls = programs.classes[cursor + step];
      if (cls < 0) this.fail(`launched ${steps} steps of a stream that has ${step} kernels left`);
      for (let i = 1; i < size; i++) {
        const other = streams.cursor[members[i]];
        if (other !== cursor && programs.classes[other + step] !== cls) {
          this.fail(`launched ${steps} steps of streams that differ after ${step}`);
        }
      }
      predicted += costs.durationNs(cls, size, method);
    }
    return predicted;
  }
}
