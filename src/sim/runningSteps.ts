import type {Nanoseconds} from '../scheduler/clock.ts';
import type {ContentionTerms} from '../scheduler/sharingTerms.ts';
import type {LaneSteps} from './laneSteps.ts';
import {wholeNs} from './wholeNs.ts';

/** What there is of each step lies side by side, in groups of so many, a power of two: all of it is read at every event. */
const shift = 3;
const width = 1 << shift;
/** The fields of a group. */
/** How much of it is left, in ns alone on the device, at `timedAt`. */
const leftOf = 0;
/** How fast it runs: 1 is alone. */
const rateOf = 1;
/** How much of the device it takes. */
const shareOf = 2;
/** How much it suffers, and presses on others. */
const exposureOf = 3;
const pressureOf = 4;
/** Its share over its exposure. */
const demandOf = 5;
/** Whether it holds its place: 1 or 0. */
const holdsOf = 6;

type LaneShares = Pick<LaneSteps, 'smShare' | 'share' | 'exposure' | 'demand' | 'pressure' | 'holds'>;

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
  /** In the order in which they started: their lanes, and in groups of `width` the rest. */
  private readonly lanes: Int32Array;
  private readonly steps: Float64Array;
  /** Where in `steps` the one that ends first is. */
  private first = 0;
  /** When they were timed. */
  private timedAt: Nanoseconds = 0;
  /** Sum over them. */
  private sm = 0;
  /** The share of the SMs in use. */
  private smInUse = 0;
  private pastSmNs: Nanoseconds = 0;

  constructor(lanes: number, laneSteps: LaneShares, sharing: ContentionTerms) {
    this.laneSteps = laneSteps;
    this.sharing = sharing;
    this.lanes = new Int32Array(lanes);
    this.steps = new Float64Array(width * lanes);
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
    const at = width * this.count;
    this.lanes[this.count++] = lane;
    steps[at + leftOf] = left;
    steps[at + rateOf] = 0;
    steps[at + shareOf] = laneSteps.share[lane];
    steps[at + exposureOf] = laneSteps.exposure[lane];
    steps[at + pressureOf] = laneSteps.pressure[lane];
    steps[at + demandOf] = laneSteps.demand[lane];
    steps[at + holdsOf] = laneSteps.holds[lane];
    this.sm += laneSteps.smShare[lane];
  }

  /** Takes off the one that ends first, and returns its lane. Before others end that are due at once, all are timed anew. */
  takeFirst(): number {
    const {laneSteps, lanes, steps, first} = this;
    const at = first >> shift;
    const lane = lanes[at];
    this.sm -= laneSteps.smShare[lane];
    // Those behind move up: they stay in order.
    const last = --this.count;
    for (let i = at; i < last; i++) lanes[i] = lanes[i + 1];
    for (let i = first; i < last << shift; i++) steps[i] = steps[i + width];
    return lane;
  }

  /** Whether one place in `steps` is of a lower lane than another. */
  private isBefore(at: number, other: number): boolean {
    return this.lanes[at >> shift] < this.lanes[other >> shift];
  }

  /** Takes all off, and writes what is left of each by lane, in ns alone on the device. */
  takeAllOff(workLeft: Float64Array): void {
    const {lanes, steps} = this;
    const elapsed = this.time - this.timedAt;
    for (let i = 0; i < this.count; i++) {
      const at = width * i;
      workLeft[lanes[i]] = steps[at + leftOf] - elapsed * steps[at + rateOf];
    }
    this.count = 0;
    this.sm = 0;
  }

  /**
   * Times them anew, as some have started or ended. `orderedRates` is written out: V8 inlines no more calls into what is
   * compiled here, where every number that crosses a call would be allocated.
   */
  retime(): void {
    const {steps, time} = this;
    const {interference, crowding, crowdedInterference} = this.sharing;
    const lasting = crowding * crowdedInterference;
    const elapsed = time - this.timedAt;
    const end = width * this.count;
    let room = 1;
    let wanted = 0;
    let demand = 0;
    let pressure = 0;
    for (let at = 0; at < end; at += width) {
      steps[at + leftOf] -= elapsed * steps[at + rateOf];
      const share = steps[at + shareOf];
      let got = 1;
      if (steps[at + holdsOf] !== 0) {
        if (share > room) got = room / share;
        room = share > room ? 0 : room - share;
      }
      steps[at + rateOf] = got;
      wanted += got * share;
      demand += got * steps[at + demandOf];
      pressure += got * steps[at + pressureOf];
    }
    // What all demand where together they want more than the device has.
    const short = wanted > 1 ? demand : 0;
    let least = Infinity;
    let first = 0;
    for (let at = 0; at < end; at += width) {
      const got = steps[at + rateOf];
      const exposure = steps[at + exposureOf];
      const others = pressure - got * steps[at + pressureOf];
      const crowd = 1 + crowding * others;
      let strain = crowd + (interference + lasting * others) * exposure * others;
      if (strain < exposure * short * crowd) strain = exposure * short * crowd;
      const rate = (got * crowd) / strain;
      steps[at + rateOf] = rate;
      const ns = steps[at + leftOf] / rate;
      if (ns <= least && (ns < least || this.isBefore(at, first))) {
        least = ns;
        first = at;
      }
    }
    this.first = first;
    this.timedAt = time;
    this.nextEndAt = time + wholeNs(least);
    this.smInUse = this.sm < 1 ? this.sm : 1;
  }
}
