import type {Nanoseconds} from '../scheduler/clock.ts';
import {pressureTogether} from '../scheduler/sharingTerms.ts';
import type {ContentionTerms} from '../scheduler/sharingTerms.ts';
import type {LaneSteps} from './laneSteps.ts';
import {partsInOrder, slowdownAmong} from './sharing.ts';
import {wholeNs} from './wholeNs.ts';

/** What there is of each step lies side by side, in groups of so many, a power of two: all of it is read at every event. */
const shift = 2;
const width = 1 << shift;
/** The fields of a group. */
/** How long it still takes, in ns from `timedAt` on; of one that stands still, alone on the device. */
const takesOf = 0;
/** How fast it runs: 1 is alone, 0 where those that hold their places leave nothing over. */
const rateOf = 1;
/** How much it suffers, and presses on others: of one that coalesces with the sign turned. */
const exposureOf = 2;
const pressureOf = 3;

type LaneShares = Pick<
  LaneSteps,
  'smShare' | 'share' | 'exposure' | 'demand' | 'pressure' | 'coalesces' | 'holds'
>;

/**
 * The steps that are on one device together. Between two events all run at constant rates; where one has started or ended
 * they are timed anew in a single pass, which is O(steps on the device).
 */
export class RunningSteps {
  /** Everything before it has been simulated. */
  time: Nanoseconds = 0;
  count = 0;
  /** When the first of them ends: of those that do at once, the one with the lowest lane. */
  nextEndAt: Nanoseconds = Infinity;
  private readonly laneSteps: LaneShares;
  private readonly sharing: ContentionTerms;
  /** In no order: their lanes, and in groups of `width` the rest. */
  private readonly lanes: Int32Array;
  private readonly steps: Float64Array;
  /** Where in `steps` the one that ends first is. */
  private first = 0;
  /** When they were timed, and how many; those behind have been put on since, and take what they do alone. */
  private timedAt: Nanoseconds = 0;
  private timedCount = 0;
  /** Sums over them. */
  private sm = 0;
  private wanted = 0;
  private demand = 0;
  private pressure = 0;
  /** That of those that coalesce. */
  private coalesced = 0;
  /** The lanes of those that hold their places, in the order in which they started, and how many. */
  private readonly holding: Int32Array;
  private holdingCount = 0;
  /** By lane: how many steps had started before its own. */
  private readonly turn: Float64Array;
  private turns = 0;
  /** Room for the lanes in that order. */
  private readonly inOrder: Int32Array;
  /** By lane: the part that its step gets of what it takes, and what of those that hold their places does not press on it. */
  private readonly got: Float64Array;
  private readonly spared: Float64Array;
  /** The share of the SMs in use. */
  private smInUse = 0;
  private pastSmNs: Nanoseconds = 0;

  constructor(lanes: number, laneSteps: LaneShares, sharing: ContentionTerms) {
    this.laneSteps = laneSteps;
    this.sharing = sharing;
    this.lanes = new Int32Array(lanes);
    this.steps = new Float64Array(width * lanes);
    this.holding = new Int32Array(lanes);
    this.turn = new Float64Array(lanes);
    this.inOrder = new Int32Array(lanes);
    this.got = new Float64Array(lanes);
    this.spared = new Float64Array(lanes);
  }

  /** Time integral of the SM share in use until `time`, up to which all events have been handled, in ns. */
  smNs(time: Nanoseconds): Nanoseconds {
    return this.pastSmNs + Math.max(0, time - this.time) * this.smInUse;
  }

  /** Lets time pass with no event in between. */
  moveTo(time: Nanoseconds): void {
    const elapsed = time - this.time;
    if (elapsed <= 0) return;
    this.time = time;
    this.pastSmNs += elapsed * this.smInUse;
  }

  /** Adds the lane's step, with `left` ns of work alone on the device. */
  putOn(lane: number, left: number): void {
    const {laneSteps, steps} = this;
    const pressure = laneSteps.pressure[lane];
    const coalesces = laneSteps.coalesces[lane] !== 0;
    const at = width * this.count;
    this.lanes[this.count++] = lane;
    this.turn[lane] = this.turns++;
    steps[at + takesOf] = left;
    steps[at + exposureOf] = laneSteps.exposure[lane];
    steps[at + pressureOf] = coalesces ? -pressure : pressure;
    this.sm += laneSteps.smShare[lane];
    this.wanted += laneSteps.share[lane];
    this.demand += laneSteps.demand[lane];
    this.pressure += pressure;
    if (coalesces) this.coalesced += pressure;
    if (laneSteps.holds[lane] !== 0) this.holding[this.holdingCount++] = lane;
  }

  /** Takes off the one that ends first, and returns its lane. Before others end that are due at once, all are timed anew. */
  takeFirst(): number {
    const {laneSteps, lanes, steps, first} = this;
    const lane = lanes[first >> shift];
    this.sm -= laneSteps.smShare[lane];
    this.wanted -= laneSteps.share[lane];
    this.demand -= laneSteps.demand[lane];
    this.pressure -= laneSteps.pressure[lane];
    if (laneSteps.coalesces[lane] !== 0) this.coalesced -= laneSteps.pressure[lane];
    if (laneSteps.holds[lane] !== 0) this.letGo(lane);
    // The last one takes its place.
    const last = --this.count;
    this.timedCount = last;
    lanes[first >> shift] = lanes[last];
    const from = last << shift;
    steps[first + takesOf] = steps[from + takesOf];
    steps[first + rateOf] = steps[from + rateOf];
    steps[first + exposureOf] = steps[from + exposureOf];
    steps[first + pressureOf] = steps[from + pressureOf];
    return lane;
  }

  /** The lane's step holds no place any more. */
  private letGo(lane: number): void {
    const {holding} = this;
    const count = --this.holdingCount;
    for (let i = holding.indexOf(lane); i < count; i++) holding[i] = holding[i + 1];
  }

  /** Whether one place in `steps` is of a lower lane than another. */
  private isBefore(at: number, other: number): boolean {
    return this.lanes[at >> shift] < this.lanes[other >> shift];
  }

  /** Takes all off, and writes what is left of each by lane, in ns alone on the device. */
  takeAllOff(workLeft: Float64Array): void {
    const {lanes, steps, timedCount} = this;
    const elapsed = this.time - this.timedAt;
    for (let i = 0; i < this.count; i++) {
      const takes = steps[width * i + takesOf];
      const rate = i < timedCount ? steps[width * i + rateOf] : 0;
      workLeft[lanes[i]] = rate > 0 ? (takes - elapsed) * rate : takes;
    }
    this.count = this.timedCount = this.holdingCount = 0;
    this.pressure = this.coalesced = this.demand = this.wanted = this.sm = 0;
  }

  /**
   * Times them anew, as some have started or ended.
   *
   * `pressureTogether` and `slowdownAmong` are written out, the latter as strain / room: it takes one division for itself and the
   * rate, and V8 inlines no more calls into what is compiled here, where every number that crosses a call would be allocated.
   */
  retime(): void {
    // One that holds its place and is alone, or came last, holds it against nobody.
    if (this.holdingCount > 1 || (this.holdingCount === 1 && this.turn[this.holding[0]] < this.lastTurn())) {
      this.retimeHeld();
      return;
    }
    const {steps, time, pressure, coalesced} = this;
    const {interference, crowding, crowdedInterference, mixing} = this.sharing;
    const lasting = crowding * crowdedInterference;
    const isMixed = mixing * (pressure - coalesced) * coalesced > 0;
    // What all demand where together they want more than the device has.
    const short = this.wanted > 1 ? this.demand : 0;
    const elapsed = time - this.timedAt;
    // Those put on since have lost none of it.
    const timedEnd = width * this.timedCount;
    const end = width * this.count;
    let least = Infinity;
    let first = 0;
    for (let at = 0; at < end; at += width) {
      const exposure = steps[at + exposureOf];
      const own = steps[at + pressureOf];
      let others = pressure - (own < 0 ? -own : own);
      if (isMixed && others > 0) {
        const together = own < 0 ? coalesced + own : coalesced;
        others += (mixing * (others - together) * together) / others;
      }
      const room = 1 + crowding * others;
      let strain = room + (interference + lasting * others) * exposure * others;
      if (strain < exposure * short * room) strain = exposure * short * room;
      const one = 1 / (room * strain);
      const takes = steps[at + takesOf];
      const was = at < timedEnd ? steps[at + rateOf] : 0;
      const left = was > 0 ? (takes - elapsed) * was : takes;
      const ns = left * strain * strain * one;
      steps[at + takesOf] = ns;
      steps[at + rateOf] = room * room * one;
      if (ns <= least && (ns < least || this.isBefore(at, first))) {
        least = ns;
        first = at;
      }
    }
    this.nextEndAt = time + wholeNs(least);
    this.timed(first);
  }

  /** Notes that all are timed, and which of them ends first. */
  private timed(first: number): void {
    this.first = first;
    this.timedAt = this.time;
    this.timedCount = this.count;
    this.smInUse = this.sm < 1 ? this.sm : 1;
  }

  /** Which was the last to start of those on the device. */
  private lastTurn(): number {
    const {lanes, turn, count} = this;
    let last = -1;
    for (let i = 0; i < count; i++) if (turn[lanes[i]] > last) last = turn[lanes[i]];
    return last;
  }

  /**
   * As `retime`, where some hold their places: those behind them get what they leave over. Those that hold theirs are slowed by the
   * ones before alone, of such.
   */
  private retimeHeld(): void {
    const {lanes, steps, laneSteps, holding, holdingCount, got, spared, time} = this;
    const elapsed = time - this.timedAt;
    spared.fill(0);
    this.findParts();
    for (let i = holdingCount - 1, behind = 0; i >= 0; i--) {
      const lane = holding[i];
      spared[lane] = behind;
      behind += got[lane] * laneSteps.pressure[lane];
    }
    let wanted = 0;
    let demand = 0;
    let single = 0;
    let coalesced = 0;
    for (let i = 0; i < this.count; i++) {
      const lane = lanes[i];
      const pressure = got[lane] * laneSteps.pressure[lane];
      wanted += got[lane] * laneSteps.share[lane];
      demand += got[lane] * laneSteps.demand[lane];
      if (laneSteps.coalesces[lane] !== 0) coalesced += pressure;
      else single += pressure;
    }
    const short = wanted > 1 ? demand : 0;
    let least = Infinity;
    let first = 0;
    for (let i = 0; i < this.count; i++) {
      const at = width * i;
      const lane = lanes[i];
      const part = got[lane];
      const own = steps[at + pressureOf];
      // Never less than nothing, as sums are rounded.
      const together = own < 0 ? Math.max(0, coalesced + part * own - spared[lane]) : coalesced;
      const singles = own < 0 ? single : Math.max(0, single - part * own);
      const others = pressureTogether(this.sharing, singles, together);
      const rate = part / slowdownAmong(this.sharing, steps[at + exposureOf], others, short);
      const takes = steps[at + takesOf];
      const was = i < this.timedCount ? steps[at + rateOf] : 0;
      const left = was > 0 ? (takes - elapsed) * was : takes;
      const ns = rate > 0 ? left / rate : Infinity;
      steps[at + takesOf] = rate > 0 ? ns : left;
      steps[at + rateOf] = rate;
      if (ns <= least && (ns < least || this.isBefore(at, first))) {
        least = ns;
        first = at;
      }
    }
    this.nextEndAt = time + wholeNs(least);
    this.timed(first);
  }

  /** What each gets of its share: all of them in the order in which they started. */
  private findParts(): void {
    const {lanes, turn, inOrder, count} = this;
    for (let i = 0; i < count; i++) {
      const lane = lanes[i];
      let place = i;
      for (; place > 0 && turn[inOrder[place - 1]] > turn[lane]; place--) inOrder[place] = inOrder[place - 1];
      inOrder[place] = lane;
    }
    partsInOrder(count, inOrder, this.laneSteps, this.got);
  }
}
