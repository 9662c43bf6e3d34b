import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {Fill} from './inFlight.ts';

const SINGLE = methods.indexOf('single');
const GROUPED = methods.indexOf('grouped');

/** How to run streams that are at the same kernel and have the same kernels before them. */
export interface LaunchPlan {
  /** How many of them to coalesce. */
  readonly size: number;
  /** Index into `methods`. */
  readonly method: number;
  /** How many kernels of each to run before the host is asked again. */
  readonly steps: number;
  /** What a launch fills of the device, on average over its steps. */
  readonly fill: Fill;
  /** Time until the streams have completed, with as many such launches side by side as was planned. */
  readonly completionNs: Nanoseconds;
}

export interface PlanLimits {
  readonly lanes: number;
  readonly maxSize: number;
  /** How long a launch may run ahead of the host. */
  readonly quantumNs: Nanoseconds;
  /** Slowdown of launches side by side beyond sharing the device. */
  readonly interference: number;
  /** Most time that coalescing may stretch a request to. */
  readonly budgetNs: Nanoseconds;
}

/** Kernels ahead that a plan looks at; what follows is taken to be alike. */
const horizon = 256;

/** Plans within this factor of each other count as equal; the larger launch is taken, as it leaves more of the host. */
const tie = 0.99;

/** Sizes are tried in steps of a sixth. */
const nextSize = (size: number): number => Math.min(size - 1, Math.floor((size * 5) / 6));

/**
 * The pay-off of coalescing, over all kernels that streams have before them. With r streams in launches of R, of which p
 * run side by side, a round of p takes as long as the busiest of
 * - the host: p times the submissions,
 * - the device: p times the duration weighted by the share that it fills, slowed by interference,
 * - a lane: the duration.
 *
 * Chosen are the R and p that delay everybody least: the r streams by their mean completion, round after round, and the
 * others who wait by the device time that the r take. So with an idle device every stream gets its own lane where that
 * is faster, and with a backlog the size is the most efficient one. Plans are kept by program position and counts.
 */
export class LaunchPlans {
  private readonly limits: PlanLimits;
  private readonly plans = new Map<number, LaunchPlan>();
  /** A decision asks for the plan of its seed several times. */
  private lastKey = -1;
  private lastPlan: LaunchPlan | undefined;

  constructor(limits: PlanLimits) {
    this.limits = limits;
  }

  /** The plan for `count` streams, 1 to the maximal size, whose next kernel is at `cursor`, while `others` wait. */
  of(cursor: number, count: number, others: number, situation: Situation): LaunchPlan {
    // Powers of two do for the others: the plan hardly changes between them.
    const level = 32 - Math.clz32(others);
    const key = (cursor * (this.limits.maxSize + 1) + count) * 33 + level;
    if (key === this.lastKey) return this.lastPlan!;
    let plan = this.plans.get(key);
    if (plan === undefined) {
      plan = this.choose(cursor, count, level === 0 ? 0 : 2 ** (level - 1), situation);
      this.plans.set(key, plan);
    }
    this.lastKey = key;
    this.lastPlan = plan;
    return plan;
  }

  private choose(cursor: number, count: number, others: number, situation: Situation): LaunchPlan {
    const {lanes, interference, budgetNs} = this.limits;
    const {costs, programs} = situation;
    const length = Math.min(horizon, programs.kernelsLeft(cursor));
    const ahead = programs.remainingNs[cursor];
    const scale = ahead / (ahead - programs.remainingNs[cursor + length]);
    let best = {size: 1, method: SINGLE, fill: {sm: 1, bandwidth: 1}, completionNs: ahead};
    let bestDelay = Infinity;
    for (let size = count; size >= 1; size = nextSize(size)) {
      const usable = this.usableMethods(cursor, length, size, situation);
      for (let method = 0; method < methods.length; method++) {
        if ((usable & (1 << method)) === 0) continue;
        let duration = 0;
        let sm = 0;
        let bandwidth = 0;
        for (let i = cursor; i < cursor + length; i++) {
          const cls = programs.classes[i];
          const ns = costs.durationNs(cls, size, method);
          duration += ns;
          sm += ns * costs.smShare(cls, size, method);
          bandwidth += ns * costs.bandwidthShare(cls, size, method);
        }
        const work = Math.max(sm, bandwidth);
        const submission =
          costs.submitNs(programs.classes[cursor], size, method) +
          (length - 1) * costs.followNs(programs.classes[cursor], size, method);
        const launches = count / size;
        const fit = Math.max(1, Math.floor(duration / work));
        for (let beside = fit; beside <= fit + 1; beside++) {
          if (beside > 1 && beside > Math.min(lanes, launches + others)) break;
          const device = beside > 1 ? work * (1 + interference) : work;
          const round = Math.max(beside * submission, beside * device, duration);
          const completionNs = round * scale;
          if (completionNs > budgetNs && (size > 1 || beside > fit)) continue;
          const rounds = Math.max(1, launches / beside);
          const mean = (round * (rounds + 1)) / 2 + ((Math.min(launches, beside) - 1) / 2) * submission;
          const delay = count * mean + others * launches * Math.max(submission, device, duration / beside);
          if (delay < tie * bestDelay) {
            best = {size, method, fill: {sm: sm / duration, bandwidth: bandwidth / duration}, completionNs};
            bestDelay = delay;
          }
        }
      }
    }
    return {...best, steps: this.steps(cursor, length, best.size, best.method, situation)};
  }

  /**
   * The methods worth a look, as bits: a launch runs all its steps by one method, so those that are best for some
   * kernel; the grouped one only where it is best for all, as not every kernel has it. Launching members one by one
   * coalesces nothing.
   */
  private usableMethods(cursor: number, length: number, size: number, {costs, programs}: Situation): number {
    if (size === 1) return 1 << SINGLE;
    let usable = 0;
    for (let i = cursor; i < cursor + length; i++) usable |= 1 << costs.bestMethod(programs.classes[i], size);
    if (usable !== 1 << GROUPED) usable &= ~(1 << GROUPED);
    return usable & ~(1 << SINGLE);
  }

  /** As many steps as the quantum holds; what is left over is not cut off where it is less than half a quantum. */
  private steps(
    cursor: number,
    length: number,
    size: number,
    method: number,
    {costs, programs}: Situation,
  ): number {
    const {quantumNs} = this.limits;
    let within = 1;
    let ns = 0;
    for (let i = 0; i < length && ns <= 1.5 * quantumNs; i++) {
      ns += costs.durationNs(programs.classes[cursor + i], size, method);
      if (ns <= quantumNs) within = i + 1;
    }
    return ns <= 1.5 * quantumNs ? length : within;
  }
}
