import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import {ProgramTotals} from './programTotals.ts';
import type {Totals} from './programTotals.ts';
import type {Reaction} from './reaction.ts';

/** How to run streams that are at the same kernel and have the same kernels before them. */
export interface LaunchPlan {
  /** How many of them to coalesce. */
  size: number;
  /** How many such launches to keep in flight. */
  beside: number;
  /** Index into `methods`. */
  method: number;
  /**
   * How many kernels of each to run before the host is asked again: up to the next checkpoint. Those lie at multiples of
   * the best number from the program's end, so that streams which began at different times are ready together.
   */
  steps: number;
  /** What a launch fills on average of the resident blocks and of the memory bandwidth, its gaps included. */
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
  /** Slowdown of launches side by side beyond sharing the device. */
  readonly interference: number;
}

/** Sizes that are looked at: each, then in steps of a quarter to an eighth. */
const sizes = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224,
  256, 320, 384, 448, 512, 640, 768, 896, 1024,
];
/** Launches side by side that are looked at. */
const lanesTried = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64];
/** Plans within this factor of each other count as equal; the first is kept, which has fewer members. */
const tie = 0.99;
/** Under load a request waits about as long as it runs: above this share of its SLO it may well be late. */
const budgetShare = 0.5;
/** What it is worth to keep requests below that: so much less throughput. */
const lateness = 1.1;

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
  private readonly totals: ProgramTotals;
  private readonly of: Totals = {
    durationNs: 0,
    smNs: 0,
    bandwidthNs: 0,
    followNs: 0,
    method: 0,
  };
  /** By position: how many kernels are left, and the share of them that are of the same class as this one. */
  private readonly left = new Map<number, number>();
  private readonly recurring = new Map<number, number>();

  constructor(limits: PlanLimits, reaction: Reaction, {programs, costs}: Situation) {
    this.limits = limits;
    this.reaction = reaction;
    this.totals = new ProgramTotals(programs, costs);
  }

  /** Works out all sizes' sums of costs from `cursor` to the program's end, so that no decision has to. */
  prepare(cursor: number): void {
    for (const size of sizes) if (size <= this.limits.maxSize) this.totals.read(cursor, size, this.of);
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
    situation: Situation,
  ): void {
    const {lanes, maxSize, interference} = this.limits;
    const {reaction, of, totals} = this;
    const {costs, programs} = situation;
    const cls = programs.classes[cursor];
    const kernels = this.kernelsLeft(cursor, situation);
    const length = this.length(cursor, situation);
    const recurring = this.recurrence(cursor, situation);
    let bestDelay = Infinity;
    for (const size of sizes) {
      if (size > maxSize || (size > population && size > 1)) break;
      totals.read(cursor, size, of);
      const {durationNs, smNs, bandwidthNs, followNs, method} = of;
      const submitNs = costs.submitNs(cls, size, method);
      const follow = followNs / kernels;
      const gaps = (kernels - 1) * costs.stepGapNs;
      const reactionNs = reaction.ns + submitNs;
      const most = this.withinQuantum(cursor, size, kernels);
      const work = Math.max(smNs, bandwidthNs);
      const launches = population / size;
      for (const beside of lanesTried) {
        if (beside > lanes || (beside > 1 && beside >= launches + 1)) break;
        // Where newcomers can join, a launch of k steps makes them wait for half of it, over the launches side by side.
        const joining = size > 1 ? (recurring * (durationNs + gaps)) / (kernels * (beside + 1)) : 0;
        const ideal = joining > 0 ? Math.sqrt((length * reactionNs) / joining) : kernels;
        const slowed = 1 + interference * Math.min(1, use + ((beside - 1) * work) / durationNs);
        const device = Math.max(beside * work * (1 + use), work + use * durationNs);
        for (let steps = powerBelow(ideal, most, kernels); ; steps = Math.min(2 * steps, most)) {
          const asked = kernels / steps;
          const lane = durationNs + gaps + asked * reactionNs;
          const host = asked * (submitNs + reaction.ns) + (kernels - asked) * follow;
          const round = Math.max(lane * slowed, device, beside * host);
          const rounds = Math.max(1, launches / beside);
          const stagger = ((Math.min(launches, beside) - 1) / 2) * (submitNs + (steps - 1) * follow);
          const latency = round * rounds + stagger + (steps * joining * kernels) / length;
          const price = round > budgetShare * sloNs ? lateness : 1;
          const delay = price * (population * latency + others * launches * Math.max(work, host));
          if (delay < tie * bestDelay) {
            bestDelay = delay;
            plan.size = size;
            plan.beside = beside;
            plan.method = method;
            plan.steps = steps;
            plan.sm = smNs / lane;
            plan.bandwidth = bandwidthNs / lane;
            plan.completionNs = round;
          }
          if (steps >= most) break;
        }
        // More side by side would only share the device.
        if (device > durationNs * slowed) break;
      }
    }
    plan.steps = plan.steps >= kernels ? kernels : kernels % plan.steps || plan.steps;
  }

  /** The most steps that a launch may have: those left, or the largest power of two that the quantum holds. */
  private withinQuantum(cursor: number, size: number, kernels: number): number {
    const {quantumNs} = this.limits;
    const fits = this.totals.within(cursor, size, kernels, quantumNs);
    // What is left over is not cut off where it is less than half a quantum.
    if (fits >= kernels || this.of.durationNs <= 1.5 * quantumNs) return kernels;
    return 2 ** (31 - Math.clz32(fits));
  }

  private kernelsLeft(cursor: number, {programs}: Situation): number {
    let left = this.left.get(cursor);
    if (left === undefined) this.left.set(cursor, (left = programs.kernelsLeft(cursor)));
    return left;
  }

  /** How many kernels the whole program has. */
  private length(cursor: number, situation: Situation): number {
    const {classes} = situation.programs;
    let begin = cursor;
    while (begin > 0 && classes[begin - 1] >= 0) begin--;
    return cursor - begin + this.kernelsLeft(cursor, situation);
  }

  /** The share of the kernels from here on that are like this one: how likely a newcomer finds one to join. */
  private recurrence(cursor: number, situation: Situation): number {
    let share = this.recurring.get(cursor);
    if (share === undefined) {
      const {classes} = situation.programs;
      const left = this.kernelsLeft(cursor, situation);
      let same = 0;
      for (let i = 1; i < left; i++) if (classes[cursor + i] === classes[cursor]) same++;
      share = left === 1 ? 1 : same / (left - 1);
      this.recurring.set(cursor, share);
    }
    return share;
  }
}

/** The power of two at or below `ideal`; `all` where that is all there is. */
function powerBelow(ideal: number, most: number, all: number): number {
  if (ideal >= all) return most;
  return Math.min(most, 2 ** Math.max(0, Math.floor(Math.log2(ideal))));
}
