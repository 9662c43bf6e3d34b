import type {Nanoseconds} from '../scheduler/clock.ts';
import {shortRecordedSteps} from '../scheduler/launch.ts';
import {slowdownBeside} from '../scheduler/sharingTerms.ts';
import {toNextStop} from '../scheduler/period.ts';
import type {Situation} from '../scheduler/policy.ts';
import {
  PlanTerms,
  bandwidthAt,
  durationAt,
  followAt,
  howAt,
  kindIn,
  leftAt,
  lengthAt,
  methodIn,
  mostStepsAt,
  recurringAt,
  sizeAt,
  smAt,
  submitAt,
  termsWidth,
} from './planTerms.ts';
import {holding} from '../scheduler/launchKinds.ts';
import type {ObservedSharing} from './observedSharing.ts';
import type {Reaction} from './reaction.ts';

/** How to run streams that are at the same kernel and have the same kernels before them. */
export interface LaunchPlan {
  /** How many of them to coalesce. */
  size: number;
  /** How many such launches to keep in flight, where they could coalesce later on. */
  beside: number;
  /** Whether their kernels recur: streams that began at other times coalesce with them nonetheless. */
  recurs: boolean;
  /** Index into `methods`. */
  method: number;
  /** How many kernels of each to run before the host is asked again. */
  steps: number;
  /** What a launch fills on average of the resident blocks and of the memory bandwidth while it is in flight. */
  sm: number;
  bandwidth: number;
  /** Time until the streams have completed, with `beside` such launches side by side. */
  completionNs: Nanoseconds;
}

export interface PlanLimits {
  readonly lanes: number;
  readonly maxSize: number;
  /** How long a launch may run ahead of the host. */
  readonly quantumNs: Nanoseconds;
  /** How launches side by side slow each other. */
  readonly sharing: ObservedSharing;
}

/** Launches side by side that are looked at. */
const lanesTried = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64];
/**
 * Plans within this factor of each other count as equal: of one kind on the device the first is kept, which has fewer members; while
 * others wait as well the one with more, which takes hardly longer when many happen to be there. Two shapes at 25,000, 33,000 and 39,000
 * requests a second, simulated with the profile of an H200: p99 0.88, 0.93 and 0.72 of what it is otherwise, p50 0.95, 1.03 and 1.02; with
 * those of three more, p99 at 39,000 0.83, 0.94 and 1.01.
 */
const [tieAlone, tieAmongOthers] = [0.99, 1.03];
/**
 * Share of like kernels from which on launches in flight are expected to be joined rather than passed by. Chains have 0.5
 * and more, models with their different layers 0.1 and less.
 */
const mostlyRecurring = 0.25;
/** Launches of fewer steps are rare; their checkpoints are worked out when first met. */
const preparedSteps = 4;
/**
 * Lengths that are looked at are powers of it: among others what a live device has recorded, so that streams keep in step; where a program has
 * the device to itself what it puts together of that, too. There 256x128x1152 at 95 % of what an H200 carries has, simulated, a p99 0.92 of
 * what it is otherwise (p50 1.02); over chains and pairs of them with six profiles, 5 to 95 %, both are 1.00.
 */
const [lengthsAlone, lengthsAmongOthers] = [2, shortRecordedSteps];
/**
 * Others are the neighbours of a launch, rather than one of its own kind, where they use so much of the device, and are so many
 * times as many: two kinds in several launches each would all be small. Two shapes at 33,000 requests a second, simulated on an H200, had
 * a p99 of 3.2 ms with it and 4.7 ms without; from 90 % of the device on, 3.4 ms.
 */
const [sharedUse, sharedOthers] = [0.5, 0.25];
/**
 * Launches of so much of the largest size count as such, and several of them fill a device of which they use so much. 256x128x1152 at 95 % of
 * what an H200 carries, simulated: three launches of 117 where two of 128 carry as much had p50 1.24 times as long.
 */
const [nearlyLargest, filled] = [0.9, 0.97];
/** What it is worth that a request is in time rather than late: so much less throughput. */
const timeliness = 0.1;

/**
 * The pay-off of coalescing, over all kernels that streams have before them.
 *
 * By Little's law the choice that delays N streams least is also the one with the highest throughput at a population of
 * N; taking it at every population keeps the population, and so the mean latency, lowest at every load (of a birth-death
 * process, whatever the arrival rate). So nothing here depends on how often requests arrive. With N streams in launches
 * of R, p of them side by side, a round of p takes as long as the busiest of
 * - a lane: the kernels, the gaps between them, and the host's reaction every k steps,
 * - the device: what p launches and others take of it,
 * - the host: p times what the submissions take.
 * Asking again after fewer steps costs reactions; it lets newcomers join sooner where kernels recur that they start with.
 */
export class LaunchPlanner {
  private readonly limits: PlanLimits;
  private readonly reaction: Reaction;
  private readonly terms: PlanTerms;
  private readonly stepGapNs: Nanoseconds;

  constructor(limits: PlanLimits, reaction: Reaction, {programs, costs}: Situation) {
    this.limits = limits;
    this.reaction = reaction;
    this.terms = new PlanTerms(programs, costs, limits.maxSize, limits.quantumNs);
    this.stepGapNs = costs.stepGapNs;
  }

  /** The place whose plan streams at `cursor` have. */
  firstOf(cursor: number): number {
    return this.terms.first(cursor);
  }

  /** How many of so many steps streams at `cursor` run until the next checkpoint: those lie at multiples from the program's end. */
  stepsAt(cursor: number, steps: number): number {
    const left = this.terms.left(cursor);
    return steps >= left ? left : toNextStop(left, steps);
  }

  /** How many kernels streams at `cursor` have before them. */
  left(cursor: number): number {
    return this.terms.left(cursor);
  }

  /** Whether the program of which `cursor` is a place divides into launches of so many steps that run ahead no further than they may. */
  divides(cursor: number, steps: number, {completionNs}: LaunchPlan): boolean {
    const terms = this.terms.of(cursor);
    return terms[lengthAt] % steps === 0 && (steps * completionNs) / terms[leftAt] <= this.limits.quantumNs;
  }

  /** Whether streams at that place coalesce with others wherever those are in the program. */
  recurs(cursor: number): boolean {
    return this.terms.of(cursor)[recurringAt] >= mostlyRecurring;
  }

  /** Changes when plans should be made again, as what they are made of has turned out to be different. */
  get version(): number {
    return this.reaction.version + this.limits.sharing.version;
  }

  /** Works out the costs of the program that starts at `cursor`, so that no decision has to: at its checkpoints too. */
  prepare(cursor: number): void {
    const kernels = this.terms.of(cursor)[leftAt];
    for (let left = preparedSteps; left < kernels; left += preparedSteps)
      this.terms.of(cursor + kernels - left);
  }

  /** What a launch of `size` streams at `cursor` fills on average: of the resident blocks, or of the bandwidth. */
  fill(cursor: number, size: number, out: {sm: number; bandwidth: number}): void {
    const terms = this.terms.of(cursor);
    const at = termsAt(terms, size);
    const ns = terms[at + durationAt] + (terms[leftAt] - 1) * this.stepGapNs;
    const share = this.limits.sharing.shareOf(size);
    out.sm = (share * terms[at + smAt]) / ns;
    out.bandwidth = (share * terms[at + bandwidthAt]) / ns;
  }

  /**
   * Writes into `plan` how to run a `population` of streams whose next kernel is at `cursor`, while `others` wait and the
   * device is used to a degree of `use` by what is in flight.
   */
  choose(
    plan: LaunchPlan,
    cursor: number,
    population: number,
    others: number,
    use: number,
    sloNs: Nanoseconds,
  ): void {
    const {lanes, sharing} = this.limits;
    const {reaction} = this;
    const terms = this.terms.of(cursor);
    const kernels = terms[leftAt];
    const length = terms[lengthAt];
    const period = this.terms.period(cursor);
    const recurring = terms[recurringAt];
    const gaps = (kernels - 1) * this.stepGapNs;
    const recurs = recurring >= mostlyRecurring;
    const isShared = recurs && use >= sharedUse && others >= sharedOthers * population;
    const tie = recurs && others > 0 ? tieAmongOthers : tieAlone;
    const lengths = others > 0 ? lengthsAmongOthers : lengthsAlone;
    const largest = terms[terms.length - termsWidth + sizeAt];
    let bestDelay = Infinity;
    // Up to the first size that holds them all.
    for (let at = termsWidth, size = 0; at < terms.length && size < population; at += termsWidth) {
      size = terms[at + sizeAt];
      const durationNs = terms[at + durationAt];
      const share = sharing.shareOf(size);
      const smNs = share * terms[at + smAt];
      const bandwidthNs = share * terms[at + bandwidthAt];
      const submitNs = terms[at + submitAt];
      const most = terms[at + mostStepsAt];
      const kind = kindIn(terms[at + howAt]);
      const follow = terms[at + followAt] / kernels;
      const reactionNs = submitNs + reaction.ns;
      const work = Math.max(smNs, bandwidthNs);
      const launches = population / size;
      const waitOfOthers = others * launches * work;
      // No way to run launches of this size could be better than what was found.
      const least = population * Math.max(durationNs, launches * work * (1 + use));
      if (least + waitOfOthers >= tie * bestDelay) continue;
      const allShares = sharesOf(terms, population, size, work);
      for (const beside of lanesTried) {
        if (beside > lanes || (beside > 1 && (beside >= launches + 1 || isShared))) break;
        const shares = beside < launches ? beside : allShares;
        const slowed = slowdown(sharing, kind, work / durationNs, shares, use);
        // Launches side by side get less done together until they fill the device.
        const done = Math.min(1, (shares * (work / durationNs) + use) / slowed);
        const device = Math.max((shares * work * (1 + use)) / done, work + use * durationNs);
        // While a launch waits for the host, others have its part of the device, as much as they use of it, and each of them gains
        // what each of its streams loses.
        const lost =
          recurs && others > 0 ? (Math.min(1, use) * Math.max(0, 1 - others / population)) / beside : 0;
        const stretch = Math.max(slowed, device / durationNs);
        // Where newcomers can join, a launch of k steps makes them wait for half of it, over the launches side by side.
        // Where others have the device too, one launch at a time, those count who wait for all of it: they are the last to be served.
        const ends = isShared ? 1 : beside + 1;
        const joining = size > 1 ? (recurring * stretch * (durationNs + gaps)) / (kernels * ends) : 0;
        const ideal = joining > 0 ? Math.sqrt((length * reactionNs) / joining) : kernels;
        const rounds = Math.max(1, launches / beside);
        const least = population * Math.max(device, durationNs * slowed) * rounds;
        let steps = lengthBelow(ideal, most, kernels, period, lengths);
        // Whether the device sets the pace, not lanes that wait for the host.
        let isDeviceBound = true;
        while (least + waitOfOthers < tie * bestDelay) {
          const asked = Math.ceil(kernels / steps);
          const idle = gaps + asked * reactionNs;
          const host = asked * reactionNs + (kernels - asked) * follow;
          // While one waits for the host, its neighbours have the device.
          const busy = beside > 1 ? (durationNs * slowed) / (durationNs * slowed + idle) : 1;
          const ran = durationNs * (1 + busy * (slowed - 1)) + idle;
          const shared = device + lost * idle;
          isDeviceBound = shared >= ran;
          const round = Math.max(ran, shared, shares * host);
          const stagger = ((Math.min(launches, beside) - 1) / 2) * (submitNs + (steps - 1) * follow);
          const latency = round * rounds + stagger + (steps * joining * kernels) / length;
          // In a crowd who does not fit into a round waits for the next one; where kernels do not recur the first do not.
          const waited = recurs ? rounds : 1;
          const price = 1 + timeliness * lateShare((waited * round * length) / kernels, sloNs);
          const delay = price * (population * latency + others * launches * Math.max(work, host));
          if (delay < tie * bestDelay) {
            bestDelay = delay;
            plan.size = size;
            plan.beside = beside;
            plan.recurs = recurs;
            plan.method = methodIn(terms[at + howAt]);
            plan.steps = steps;
            plan.sm = smNs / (durationNs + gaps);
            plan.bandwidth = bandwidthNs / (durationNs + gaps);
            plan.completionNs = round;
          }
          if (steps >= most) break;
          steps = Math.min(lengths * steps, most);
        }
        // More side by side would only share the device. One more may fill what is idle while others wait for the host.
        if (done === 1 && device > durationNs * slowed && isDeviceBound) break;
        // Nor do more of the largest that hold their places: all who are there would be shared out among them, and each take as long with fewer.
        if (beside > 1 && done >= filled && kind === holding && size >= nearlyLargest * largest) break;
      }
    }
  }
}

/** The index in `terms` of the largest size that it has up to `size`. */
function termsAt(terms: Float64Array, size: number): number {
  let first = 1;
  let last = terms.length / termsWidth - 1;
  while (first < last) {
    const middle = (first + last + 1) >> 1;
    if (terms[middle * termsWidth + sizeAt] <= size) first = middle;
    else last = middle - 1;
  }
  return first * termsWidth;
}

/** What a launch of the size at an index of `terms` takes of the device, in ns of all of it. */
const workAt = (terms: Float64Array, at: number): Nanoseconds =>
  Math.max(terms[at + smAt], terms[at + bandwidthAt]);

/**
 * How many times as much as one launch of `size`, which takes `work`, all of a population take in such launches. The last of several
 * has fewer members and takes less, though not in proportion.
 */
function sharesOf(terms: Float64Array, population: number, size: number, work: Nanoseconds): number {
  if (population < size) return 1;
  const last = population % size;
  return Math.floor(population / size) + (last > 0 ? workAt(terms, termsAt(terms, last)) / work : 0);
}

/**
 * How much longer launches of a `kind` take that take a `share` of the device each, `beside` of them side by side, the
 * last of which may be a part of one, where others take `use` of the device: the simulator's law (`shareRates`) for equals, in
 * numbers alone, as plans are made in decisions. Of those that hold their places, the mean: each gets what those before it
 * leave over, and suffers from them alone.
 */
function slowdown(
  sharing: ObservedSharing,
  kind: number,
  share: number,
  beside: number,
  use: number,
): number {
  const exposure = sharing.exposure(kind);
  const terms = sharing.of(kind);
  if (kind !== holding) return slowdownBeside(terms, exposure, ((beside - 1) * share) / exposure + use);
  let room = 1;
  let done = 0;
  for (let before = 0; before < beside && room > 0; before++) {
    const got = Math.min(room, share * Math.min(1, beside - before));
    done += got / slowdownBeside(terms, exposure, (1 - room) / exposure + use);
    room -= got;
  }
  return (beside * share) / done;
}

/**
 * How many of those requests are late that run for `ns`. Under load they wait about as long as they run, some longer: here
 * exponentially distributed.
 */
function lateShare(ns: Nanoseconds, sloNs: Nanoseconds): number {
  return ns < sloNs ? Math.exp(1 - sloNs / ns) : 1;
}

/** The power of `lengths`, times the period, at or below `ideal`, or the period; `most` where that is all there is. */
function lengthBelow(ideal: number, most: number, all: number, period: number, lengths: number): number {
  if (ideal >= all) return most;
  let steps = period;
  while (steps * lengths <= ideal) steps *= lengths;
  return Math.min(most, steps);
}
