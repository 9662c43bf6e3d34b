import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Situation} from '../scheduler/policy.ts';
import type {InFlight} from './inFlight.ts';
import {kindOf} from '../scheduler/launchKinds.ts';
import type {LaunchPlan, LaunchPlanner} from './launchPlanner.ts';
import type {Populations} from './populations.ts';
import {releaseNs} from './reaction.ts';
import type {Reaction} from './reaction.ts';
import type {SlackQueue} from './slackQueue.ts';

/**
 * A decision to wait stands until so much more is ready, a launch ends, or the time has come that it waits for. With dozens ready hardly
 * an arrival changes it, and at 215,000 a second decisions took an H200's host half of its time.
 */
const moreReady = 1 / 8;

/** Groups that a decision looks through for one whose kernels follow their own: each costs the look-up of a plan. */
const mostFollowed = 12;

/** Streams that may join others in flight are launched beside them where they are so much of what is planned, */
const leastPart = 0.5;
/** and where so many launches are missing of those that are planned side by side. */
const leastMissing = 1;

/**
 * Launches whose kernels do not recur wait while those in flight would take so many times the device: more side by side get no more done,
 * and each of those who wait would coalesce with others. Whole models at 20 to 95 % of what is carried, simulated with the profiles of five GPUs: p99 0.93
 * of what it is without (from 90 % on 0.64 to 0.95), p50 0.99; with 4, 0.91 and 1.01, with 6.5 0.97 and 1.
 */
const mostTaken = 5;

/** Fields of `waits`; not of the object, as V8 drops what is compiled where a field that held whole numbers holds others. */
const [standsBelow, standsUntil] = [0, 1];

/** What tells when a launch is made. */
export interface LaunchTimingOptions {
  readonly inFlight: InFlight;
  readonly populations: Populations;
  readonly planner: LaunchPlanner;
  readonly reaction: Reaction;
  /** By group: what is ready of it. */
  readonly groups: readonly SlackQueue[];
  readonly planOf: (slot: number, situation: Situation) => LaunchPlan;
}

/** Whether what is ready is launched now, beside or behind what is in flight, or waits for launches to end. */
export class LaunchTiming {
  private readonly inFlight: InFlight;
  private readonly populations: Populations;
  private readonly planner: LaunchPlanner;
  private readonly reaction: Reaction;
  private readonly groups: readonly SlackQueue[];
  private readonly planOf: LaunchTimingOptions['planOf'];
  /** Whether a launch has been submitted to follow those of other programs without a gap. */
  private hasSuccessor = false;
  /** The last decision to wait stands while fewer are ready, and until when, in ns. */
  private readonly waits = Float64Array.of(0, Infinity);

  constructor({inFlight, populations, planner, reaction, groups, planOf}: LaunchTimingOptions) {
    this.inFlight = inFlight;
    this.populations = populations;
    this.planner = planner;
    this.reaction = reaction;
    this.groups = groups;
    this.planOf = planOf;
  }

  /** Whether the last decision was to wait, and stands. */
  waitStands({ready, now}: Situation): boolean {
    const {waits} = this;
    return ready.total < waits[standsBelow] && now < waits[standsUntil];
  }

  /** A decision begins; it knows nothing of the last one. */
  begin(): void {
    this.waits[standsBelow] = 0;
    this.waits[standsUntil] = Infinity;
  }

  /** The decision is to wait. */
  wait({ready}: Situation): void {
    this.waits[standsBelow] = ready.total + Math.floor(moreReady * ready.total);
  }

  /** A launch has ended. */
  ended(): void {
    this.hasSuccessor = false;
    this.waits[standsBelow] = 0;
  }

  /** Whether the kernel's plan has room for one more launch beside what is in flight. */
  hasRoom(slot: number, plan: LaunchPlan, situation: Situation): boolean {
    const {inFlight} = this;
    const {size, beside, recurs, sm, bandwidth, completionNs, method} = plan;
    const program = this.populations.program(slot, situation);
    if (recurs && inFlight.has(program)) {
      // Who is in flight joins those who are much fewer than planned.
      if (situation.ready.count[situation.ready.list(slot)] < leastPart * size) return false;
      const most = beside - leastMissing;
      if (inFlight.demandOf(program) > most * Math.max(sm, bandwidth)) return false;
      if (inFlight.joinableOf(program) > most * size) return false;
    }
    if (recurs && !inFlight.has(program, true)) return true;
    if (!recurs && inFlight.taken() > mostTaken) return false;
    const {ready, programs, streams, costs} = situation;
    const others = Math.max(0, ready.total - size);
    const kind = kindOf(programs.classes[streams.cursor[slot]], size, method, costs);
    const gapNs = this.gapNs(slot, size, method, situation);
    return inFlight.isWorthBeside(plan, kind, completionNs, size, others, gapNs, situation);
  }

  /**
   * Whether the seed waits for a launch to end. One launch is submitted shortly before where the device would idle then until the
   * host has reacted, or where it follows one of its own (`follows`).
   */
  isDelayed(slot: number, situation: Situation): boolean {
    const {inFlight} = this;
    if (situation.lanes.inFlight === 0) return false;
    const plan = this.planOf(slot, situation);
    if (this.hasRoom(slot, plan, situation)) return false;
    if (inFlight.has(this.populations.program(slot, situation))) return !this.follows(slot, plan, situation);
    if (this.hasSuccessor) return true;
    const gapNs = this.gapNs(slot, plan.size, plan.method, situation);
    if (inFlight.isUsedAfterNext(gapNs) || !this.isTime(inFlight.nextEndsAt() - gapNs, situation))
      return true;
    this.hasSuccessor = true;
    return false;
  }

  /**
   * Whether it is time for a launch behind one of its own that is about to end: where as many wait as are planned, so that nobody who
   * comes meanwhile could have joined. Two shapes at 95 % of what is carried, simulated with four profiles: p50 0.89 to 1.01 of what it is
   * otherwise.
   */
  private follows(slot: number, plan: LaunchPlan, situation: Situation): boolean {
    const {inFlight} = this;
    const {ready} = situation;
    const program = this.populations.program(slot, situation);
    if (!plan.recurs || ready.count[ready.list(slot)] < plan.size) return false;
    if (inFlight.launchesOf(program) > plan.beside) return false;
    const gapNs = this.gapNs(slot, plan.size, plan.method, situation);
    return this.isTime(inFlight.nextEndsAt(program) - gapNs, situation);
  }

  /** Whether a time has come; asks to be woken then where not. */
  private isTime(at: Nanoseconds, situation: Situation): boolean {
    const whole = Math.floor(at);
    if (whole <= situation.now) return true;
    situation.wakeAt(whole);
    this.waits[standsUntil] = Math.min(this.waits[standsUntil], whole);
    return false;
  }

  /**
   * A kernel of another group that follows one of its own now, while the most urgent is delayed; or -1. Which launch ends first has nothing
   * to do with who is most urgent: without it one shape of two waited for the host at each of its ends, and the other went in several
   * small launches meanwhile.
   */
  follower(seed: number, situation: Situation): number {
    const {ready, streams} = situation;
    const {groups} = this;
    const own = ready.list(seed);
    for (let i = Math.min(mostFollowed, ready.nonEmptyCount) - 1; i >= 0; i--) {
      const group = ready.nonEmpty[i];
      if (group === own || ready.count[group] < 2) continue;
      const onTime = groups[group].onTime.top(streams);
      const slot = onTime >= 0 ? onTime : groups[group].topLate(streams);
      if (!this.planner.recurs(this.planner.firstOf(streams.cursor[slot]))) continue;
      if (!this.inFlight.has(this.populations.program(slot, situation))) continue;
      if (this.follows(slot, this.planOf(slot, situation), situation)) return slot;
    }
    return -1;
  }

  /** From the end of a launch until the host has reacted with the next one. */
  private gapNs(slot: number, size: number, method: number, situation: Situation): Nanoseconds {
    const {ns, pace} = this.reaction;
    return ns + pace * releaseNs(situation.streams.cursor[slot], size, method, situation);
  }
}
