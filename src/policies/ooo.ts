import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {InFlight} from './inFlight.ts';
import type {LaunchPlan} from './launchPlans.ts';
import {LaunchPlans} from './launchPlans.ts';
import {SlackQueue} from './slackQueue.ts';
import {Timeliness} from './timeliness.ts';

const parameters = z.strictObject({
  lanes: z.int().min(1).max(64).default(8).describe('most launches in flight'),
  'max-size': z.int().min(1).max(1024).default(128).describe('most kernels in one superkernel'),
  coalesce: z
    .enum(['class', 'cluster'])
    .default('class')
    .describe('equal shapes, or shapes padded within a cluster, one kernel at a time'),
  quantum: duration.prefault('2ms').describe('how long a launch may run ahead of the host'),
  interference: z
    .number()
    .min(0)
    .default(0.1)
    .describe('expected slowdown of launches side by side, beyond sharing the device'),
  'late-share': z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('share of the device kept for requests that are late already, while others are not'),
});

/** The papers' proposal as a whole: reorder by slack, coalesce by pay-off, delay where that gains. */
export const ooo = definePolicy({
  name: 'ooo',
  summary: 'reorder by slack, coalesce and delay by pay-off; lanes, size and method follow the load',
  source: '[OoO] sections 5.1 to 5.3',
  parameters,
  create: (parameters) => new OutOfOrder(parameters),
});

/** Kernels that streams must have in common to run ahead together, and the fewest that are worth a round trip. */
const fewestSteps = 4;
/** A launch of so few steps is submitted before the last has ended: the host is back in time to see that. */
const shortSteps = 2;
const leadNs: Nanoseconds = 15_000;
/** Share of its SLO to which coalescing may stretch a request: under load as long again is spent waiting. */
const budgetShare = 0.5;
/** Over how long the load is averaged, and the most that it multiplies the weight of who waits. */
const loadMemoryNs: Nanoseconds = 20_000_000;
const mostPressure = 20;
/** Time between two fruitless looks at all groups: less than a launch takes, more than most decisions are apart. */
const fillEveryNs: Nanoseconds = 20_000;
/** Streams that were ready together but did not fit, set aside while a launch is gathered. */
const mostAside = 16;

/**
 * The seed is the ready kernel with the least slack whose request can still be in time; its plan says how many of its
 * kind run together, how, and how far ahead. It is delayed while what is in flight would lose more than those who wait
 * gain; meanwhile more of its kind get ready, and short launches of other groups fill what is idle, as backfilling does:
 * none that would end after what is in flight. Late requests wait for those on time, but for a small share of the device.
 *
 * A decision costs O(size of the launch x log n), with no allocation once the plans are known; a look for fillers costs
 * O(groups).
 */
class OutOfOrder implements Policy {
  readonly name = 'ooo';
  readonly setup: Partial<PolicySetup>;
  private readonly parameters: z.output<typeof parameters>;
  private readonly seeds = new SlackQueue();
  private readonly groups: SlackQueue[] = [];
  /** By tenant; tenants of one SLO share their plans. */
  private readonly plansOf: LaunchPlans[] = [];
  private readonly aside = new Int32Array(mostAside);
  private maxSize = 1;
  private inFlight!: InFlight;
  private timeliness!: Timeliness;
  /** Whether a launch has been submitted to follow another without a gap. */
  private hasSuccessor = false;
  /** Mean share of the device in use, and the use since the last decision. */
  private load = 0;
  private use = 0;
  private decidedAt: Nanoseconds = 0;
  /** Device time that late requests have coming to them, while they wait behind others. */
  private lateCredit: Nanoseconds = 0;
  /** Whether the seed is a late one that uses it. */
  private isCharged = false;
  /** When to look for a filler again. */
  private fillAt: Nanoseconds = 0;
  /** Weight of a waiting stream: the higher the load, the more will come while it waits. */
  private pressure = 1;

  constructor(values: z.output<typeof parameters>) {
    this.parameters = values;
    this.setup = {lanes: values.lanes, grouping: values.coalesce};
  }

  attach(situation: Situation): void {
    const {parameters} = this;
    const {lanes, maxSize, tenants} = situation;
    this.timeliness = new Timeliness(situation);
    this.maxSize = Math.min(parameters['max-size'], maxSize);
    this.inFlight = new InFlight(lanes.count, parameters.interference);
    const bySlo = new Map<Nanoseconds, LaunchPlans>();
    for (const {sloNs} of tenants) {
      let plans = bySlo.get(sloNs);
      if (plans === undefined) {
        plans = new LaunchPlans({
          lanes: lanes.count,
          maxSize: this.maxSize,
          // Kernels that are padded to a common shape have different ones behind them.
          quantumNs: parameters.coalesce === 'cluster' ? 0 : parameters.quantum,
          interference: parameters.interference,
          budgetNs: budgetShare * sloNs,
        });
        bySlo.set(sloNs, plans);
      }
      this.plansOf.push(plans);
    }
  }

  onReady(slot: number, situation: Situation): void {
    const {streams, ready} = situation;
    if (streams.state[slot] !== streamStates.ready) return;
    this.seeds.push(slot, situation);
    (this.groups[ready.list(slot)] ??= new SlackQueue()).push(slot, situation);
  }

  onFinished(launch: Launch, situation: Situation): void {
    const {members, size, steps, failed} = launch;
    const {streams, programs} = situation;
    for (let i = 0; i < size && !failed; i++) {
      const slot = members[i];
      if (programs.classes[streams.cursor[slot] + steps] < 0) this.timeliness.complete(slot, situation);
    }
    this.inFlight.finished(launch.lane);
    this.hasSuccessor = false;
  }

  decide(situation: Situation): void {
    const {lanes, ready, now} = situation;
    const elapsed = now - this.decidedAt;
    this.decidedAt = now;
    this.load += (elapsed / (elapsed + loadMemoryNs)) * (this.use - this.load);
    this.pressure = Math.min(mostPressure, 1 / (1 - this.load));
    for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
      let seed = this.seed(situation);
      if (seed < 0) break;
      if (this.isDelayed(this.planOf(seed, situation), situation)) {
        seed = this.filler(situation);
        this.isCharged = false;
        if (seed < 0) break;
      }
      this.launch(lane, seed, this.groups[ready.list(seed)], this.planOf(seed, situation), situation);
    }
    this.use = this.inFlight.use();
  }

  private plan(slot: number, count: number, situation: Situation): LaunchPlan {
    const {streams, ready} = situation;
    const others = Math.max(0, ready.total * this.pressure - count);
    return this.plansOf[streams.tenant[slot]].of(streams.cursor[slot], count, others, situation);
  }

  private planOf(slot: number, situation: Situation): LaunchPlan {
    const {ready} = situation;
    return this.plan(slot, Math.min(this.maxSize, ready.count[ready.list(slot)]), situation);
  }

  /** While the most urgent kernel is delayed: the most urgent one of another group that fills what it leaves idle, or -1. */
  private filler(situation: Situation): number {
    const {ready, streams, now} = situation;
    if (now < this.fillAt || ready.nonEmptyCount < 2 || !this.inFlight.hasIdle()) return -1;
    const endsAt = this.inFlight.allEndAt();
    let best = -1;
    let bestStart = Infinity;
    for (let i = 0; i < ready.nonEmptyCount; i++) {
      const slot = this.groups[ready.nonEmpty[i]].onTime.top(streams);
      if (slot < 0) continue;
      const start = situation.latestStart(slot);
      if (start >= bestStart) continue;
      if (now + this.planOf(slot, situation).completionNs > endsAt) continue;
      if (!this.isWorthBeside(this.planOf(slot, situation), situation)) continue;
      best = slot;
      bestStart = start;
    }
    if (best < 0) this.fillAt = now + fillEveryNs;
    return best;
  }

  /** The most urgent kernel whose request can be in time, else the most urgent of the late ones, else -1. */
  private seed(situation: Situation): number {
    const {streams} = situation;
    const {onTime, late} = this.seeds;
    this.isCharged = false;
    if (this.lateCredit > 0) {
      const slot = late.top(streams);
      this.isCharged = slot >= 0;
      if (slot >= 0) return slot;
      this.lateCredit = 0;
    }
    for (let slot = onTime.top(streams); slot >= 0; slot = onTime.top(streams)) {
      if (this.timeliness.isInTime(slot, this.planOf(slot, situation).completionNs, situation)) return slot;
      this.seeds.demote(situation);
    }
    return late.top(streams);
  }

  private isWorthBeside({fill, completionNs, size}: LaunchPlan, situation: Situation): boolean {
    const others = Math.max(0, situation.ready.total * this.pressure - size);
    return this.inFlight.isWorthBeside(fill, completionNs, size, others, situation);
  }

  private isDelayed(plan: LaunchPlan, situation: Situation): boolean {
    const {lanes, now} = situation;
    if (lanes.inFlight === 0) return false;
    if (this.isWorthBeside(plan, situation)) return false;
    if (this.hasSuccessor || plan.steps > shortSteps) return true;
    const followAt = Math.floor(this.inFlight.lastEndsAt() - leadNs);
    if (followAt > now) {
      if (followAt < Infinity) situation.wakeAt(followAt);
      return true;
    }
    this.hasSuccessor = true;
    return false;
  }

  /** Gathers what runs with the seed, most urgent first, and launches it. */
  private launch(
    lane: number,
    seed: number,
    queue: SlackQueue,
    plan: LaunchPlan,
    situation: Situation,
  ): void {
    const {streams, programs, lanes, costs, now} = situation;
    const {classes} = programs;
    const cursor = streams.cursor[seed];
    const fewest = Math.min(fewestSteps, plan.steps);
    let common = plan.steps;
    let isMixed = false;
    let aside = 0;
    situation.take(seed);
    while (situation.taken < plan.size && aside < mostAside) {
      let slot = queue.onTime.top(streams);
      if (slot >= 0 && !this.timeliness.isInTime(slot, plan.completionNs, situation)) {
        queue.demote(situation);
        continue;
      }
      slot = slot >= 0 ? queue.onTime.take(streams) : queue.late.take(streams);
      if (slot < 0) break;
      const other = streams.cursor[slot];
      if (classes[other] !== classes[cursor]) isMixed = true;
      const agreed = agreement(classes, cursor, other, common);
      if (agreed < fewest) {
        this.aside[aside++] = slot;
        continue;
      }
      common = agreed;
      situation.take(slot);
    }
    while (aside > 0) queue.push(this.aside[--aside], situation);

    const size = situation.taken;
    const {method, steps, fill, completionNs} = size === plan.size ? plan : this.plan(seed, size, situation);
    let ahead = Math.min(steps, common);
    if (lanes.inFlight > 0) {
      // The host should be back when the next launch ends.
      const freeNs = this.inFlight.nextEndsAt() - now;
      const free =
        1 +
        Math.floor(
          (freeNs - costs.submitNs(classes[cursor], size, method)) /
            Math.max(1, costs.followNs(classes[cursor], size, method)),
        );
      ahead = Math.min(ahead, Math.max(fewestSteps, free));
    }
    const launch = situation.launch(lane, isMixed ? -1 : method, ahead);
    for (let i = 0; i < size; i++) {
      const slot = launch.members[i];
      if (streams.startedAt[slot] === now) this.timeliness.begin(slot, completionNs, situation);
    }
    const work = launch.predictedNs * Math.max(fill.sm, fill.bandwidth);
    const share = this.parameters['late-share'];
    this.lateCredit += this.isCharged ? -work * (1 - share) : work * share;
    this.inFlight.launched(launch, fill, classes[cursor + ahead] < 0);
  }
}

/** How many kernels from `a` and from `b` on, of one group, are of equal classes; up to `most`, the first counts always. */
function agreement(classes: Int32Array, a: number, b: number, most: number): number {
  if (a === b) return most;
  let n = 1;
  while (n < most && classes[a + n] === classes[b + n] && classes[a + n] >= 0) n++;
  return n;
}
