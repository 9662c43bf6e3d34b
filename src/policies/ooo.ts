import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {InFlight} from './inFlight.ts';
import type {LaunchPlan} from './launchPlans.ts';
import {LaunchPlans} from './launchPlans.ts';
import {Populations} from './populations.ts';
import {Reaction} from './reaction.ts';
import {Seeds} from './seeds.ts';
import {SlackQueue} from './slackQueue.ts';
import {Timeliness} from './timeliness.ts';

const SINGLE = methods.indexOf('single');

const parameters = z.strictObject({
  lanes: z.int().min(1).max(64).default(16).describe('most launches in flight'),
  'max-size': z.int().min(1).max(1024).default(128).describe('most kernels in one superkernel'),
  coalesce: z
    .enum(['class', 'cluster'])
    .default('class')
    .describe('equal shapes, or shapes padded within a cluster, one kernel at a time'),
  quantum: duration.prefault('2ms').describe('how long a launch may run ahead of the host'),
  interference: z
    .number()
    .min(0)
    .optional()
    .describe(
      'expected slowdown of launches side by side, beyond sharing the device (default: the profile’s)',
    ),
  'late-share': z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe(
      'share of the device for a request that is late, times its age in SLOs, while others are not late',
    ),
});

/** The papers' proposal as a whole: reorder by slack, coalesce by pay-off, delay where that gains. */
export const ooo = definePolicy({
  name: 'ooo',
  summary: 'reorder by slack, coalesce and delay by pay-off; lanes, size and method follow the load',
  source: '[OoO] sections 5.1 to 5.3',
  parameters,
  create: (parameters) => new OutOfOrder(parameters),
});

/** Time between two fruitless looks at all groups: less than a launch takes, more than most decisions are apart. */
const fillEveryNs: Nanoseconds = 20_000;
/** Streams of a program, others that wait, and the use of the device by others, that are planned for ahead. */
const usualPopulations = [1, 2, 3, 4, 6, 8];
const usualOthers = [0, 1, 4];
const usualUses = [0, 0.5, 1];
/** Groups that one such look goes through, in turn. */
const mostGroups = 12;
/** Streams that were ready together but did not fit, set aside while a launch is gathered. */
const mostAside = 16;

/**
 * The seed is the ready kernel with the least slack; its plan says how many of its kind run together, how, how far ahead,
 * and how many such launches side by side. Where those are in flight already it waits for the next of them to end, and
 * what is ready by then runs with it. Beside launches of other kinds it starts unless what is in flight would lose more
 * than those who wait gain; then short launches of other groups fill what is idle, as backfilling does: none that would
 * end after what is in flight.
 *
 * A decision costs O(size of the launch x log n), with no allocation once the plans are known; a look for fillers
 * goes through a dozen groups.
 */
class OutOfOrder implements Policy {
  readonly name = 'ooo';
  readonly setup: Partial<PolicySetup>;
  private readonly parameters: z.output<typeof parameters>;
  private seeds!: Seeds;
  private readonly groups: SlackQueue[] = [];
  private readonly reaction = new Reaction();
  private readonly aside = new Int32Array(mostAside);
  private plans!: LaunchPlans;
  private inFlight!: InFlight;
  private timeliness!: Timeliness;
  private populations!: Populations;
  /** Whether a launch has been submitted to follow another without a gap. */
  private hasSuccessor = false;
  /** The place among the groups that hold something from which to look for a filler on. */
  private fillFrom = 0;
  /** When to look for a filler again. */
  private fillAt: Nanoseconds = 0;

  constructor(values: z.output<typeof parameters>) {
    this.parameters = values;
    this.setup = {lanes: values.lanes, grouping: values.coalesce, runsAhead: true};
  }

  attach(situation: Situation): void {
    const {parameters} = this;
    const {lanes, maxSize} = situation;
    this.timeliness = new Timeliness(situation);
    this.seeds = new Seeds(
      this.timeliness,
      (slot, situation) => this.planOf(slot, situation).completionNs,
      parameters['late-share'],
    );
    this.populations = new Populations(situation);
    const interference = parameters.interference ?? situation.costs.interference;
    this.inFlight = new InFlight(lanes.count, interference);
    this.plans = new LaunchPlans(
      {
        lanes: lanes.count,
        maxSize: Math.min(parameters['max-size'], maxSize),
        // Kernels that are padded to a common shape have different ones behind them.
        quantumNs: parameters.coalesce === 'cluster' ? 0 : parameters.quantum,
        interference,
      },
      this.reaction,
      situation,
    );
    this.planAhead(situation);
  }

  /** Plans for whole requests in usual situations: the first plan of each costs a hundred times the later ones. */
  private planAhead(situation: Situation): void {
    const {populations, plans} = this;
    const {tenants} = situation;
    for (let program = 0; program < populations.sloNs.length; program++) {
      const tenant = tenants.findIndex((_, i) => populations.programOf[i] === program);
      const start = tenants[tenant].program(1);
      const sloNs = populations.sloNs[program];
      for (const population of usualPopulations)
        for (const others of usualOthers)
          for (const use of usualUses) plans.find(start, population, others, use, sloNs, situation);
    }
  }

  onReady(slot: number, situation: Situation): void {
    const {streams, ready} = situation;
    if (streams.startedAt[slot] < 0) this.populations.arrived(slot, situation);
    if (streams.state[slot] !== streamStates.ready) return;
    this.seeds.push(slot, situation);
    (this.groups[ready.list(slot)] ??= new SlackQueue()).push(slot, situation);
  }

  onFinished(launch: Launch, situation: Situation): void {
    const {members, size, steps, failed} = launch;
    const {streams, programs, now} = situation;
    for (let i = 0; i < size && !failed; i++) {
      const slot = members[i];
      if (programs.classes[streams.cursor[slot] + steps] >= 0) continue;
      this.timeliness.complete(slot, situation);
      this.populations.left(slot, situation);
    }
    this.inFlight.finished(launch);
    this.reaction.seen(launch.finishedAt, now);
    this.hasSuccessor = false;
  }

  decide(situation: Situation): void {
    const {lanes, ready} = situation;
    this.populations.check(situation);
    for (let lane = lanes.idle(); lane >= 0; lane = lanes.idle()) {
      let seed = this.seeds.choose(situation);
      if (seed < 0) break;
      if (this.isDelayed(seed, situation)) {
        seed = this.filler(situation);
        this.seeds.passOver();
        if (seed < 0) break;
      }
      this.launch(lane, seed, this.groups[ready.list(seed)], situation);
    }
  }

  /** The plan for all streams in the system that run this one's program. */
  private planOf(slot: number, situation: Situation): LaunchPlan {
    const {streams} = situation;
    const program = this.populations.program(slot, situation);
    const population = this.populations.of(program);
    const use = this.inFlight.demandOf(program, true);
    const others = (streams.live - population) * Math.min(1, use);
    const sloNs = this.populations.sloNs[program];
    return this.plans.find(streams.cursor[slot], population, others, use, sloNs, situation);
  }

  /** While the most urgent kernel is delayed: the most urgent one of another group that fills what it leaves idle, or -1. */
  private filler(situation: Situation): number {
    const {ready, now} = situation;
    if (now < this.fillAt || ready.nonEmptyCount < 2 || !this.inFlight.hasIdle()) return -1;
    const endsAt = this.inFlight.allEndAt();
    let best = -1;
    let bestStart = Infinity;
    const looks = Math.min(mostGroups, ready.nonEmptyCount);
    for (let i = 0; i < looks; i++) {
      if (++this.fillFrom >= ready.nonEmptyCount) this.fillFrom = 0;
      const slot = this.groups[ready.nonEmpty[this.fillFrom]].onTime.top(situation.streams);
      if (slot < 0) continue;
      const start = situation.latestStart(slot);
      if (start >= bestStart) continue;
      const plan = this.planOf(slot, situation);
      if (now + plan.completionNs > endsAt || !this.hasRoom(slot, plan, situation)) continue;
      best = slot;
      bestStart = start;
    }
    if (best < 0) this.fillAt = now + fillEveryNs;
    return best;
  }

  /** Whether the kernel's plan has room for one more launch beside what is in flight. */
  private hasRoom(slot: number, plan: LaunchPlan, situation: Situation): boolean {
    const {inFlight} = this;
    const {size, beside, sm, bandwidth, completionNs, method} = plan;
    const program = this.populations.program(slot, situation);
    if (inFlight.demandOf(program) > (beside - 0.5) * Math.max(sm, bandwidth)) return false;
    if (inFlight.streamsOf(program) === inFlight.streamsOf()) return true;
    const others = Math.max(0, situation.ready.total - size);
    const gapNs = this.gapNs(slot, size, method, situation);
    return inFlight.isWorthBeside(plan, completionNs, size, others, gapNs, situation);
  }

  /**
   * Whether the seed waits for a launch to end. Where the device would idle then until the host has reacted, one launch
   * of another program is submitted shortly before.
   */
  private isDelayed(slot: number, situation: Situation): boolean {
    const {inFlight} = this;
    const {lanes, now} = situation;
    if (lanes.inFlight === 0) return false;
    const plan = this.planOf(slot, situation);
    if (this.hasRoom(slot, plan, situation)) return false;
    if (this.hasSuccessor || inFlight.isUsedAfterNext()) return true;
    if (inFlight.streamsOf(this.populations.program(slot, situation)) > 0) return true;
    const gapNs = this.gapNs(slot, plan.size, plan.method, situation);
    const followAt = Math.floor(inFlight.nextEndsAt() - gapNs);
    if (followAt > now) {
      situation.wakeAt(followAt);
      return true;
    }
    this.hasSuccessor = true;
    return false;
  }

  /** From the end of a launch until the host has reacted with the next one. */
  private gapNs(slot: number, size: number, method: number, situation: Situation): Nanoseconds {
    const {streams, programs, costs} = situation;
    return this.reaction.ns + costs.submitNs(programs.classes[streams.cursor[slot]], size, method);
  }

  /** Gathers what runs with the seed, most urgent first, and launches it. */
  private launch(lane: number, seed: number, queue: SlackQueue, situation: Situation): void {
    const {streams, programs, now} = situation;
    const {classes} = programs;
    const cursor = streams.cursor[seed];
    const {size: most, method, steps, sm, bandwidth, completionNs} = this.planOf(seed, situation);
    let common = untilCheckpoint(programs.kernelsLeft(cursor), steps);
    // Whoever would halve the launch waits for one that goes its way.
    const fewest = Math.ceil(common / 2);
    let isMixed = false;
    let aside = 0;
    situation.take(seed);
    while (situation.taken < most && aside < mostAside) {
      let slot = queue.onTime.top(streams);
      if (slot >= 0 && !this.timeliness.isInTime(slot, completionNs, situation)) {
        queue.demote(situation);
        continue;
      }
      slot = slot >= 0 ? queue.onTime.take(streams) : queue.late.take(streams);
      if (slot < 0) break;
      const other = streams.cursor[slot];
      if (classes[other] !== classes[cursor]) isMixed = true;
      const agreed = isMixed ? 1 : programs.agreement(cursor, other, common);
      if (agreed < fewest) {
        this.aside[aside++] = slot;
        continue;
      }
      common = agreed;
      situation.take(slot);
    }
    while (aside > 0) queue.push(this.aside[--aside], situation);

    const size = situation.taken;
    const planned = size === 1 ? SINGLE : size === most ? method : -1;
    const launch = situation.launch(lane, isMixed ? -1 : planned, common);
    for (let i = 0; i < size; i++) {
      const slot = launch.members[i];
      if (streams.startedAt[slot] === now) this.timeliness.begin(slot, completionNs, situation);
    }
    this.seeds.launched(launch.predictedNs * Math.max(sm, bandwidth), situation);
    this.inFlight.launched(launch, {sm, bandwidth}, this.populations.program(seed, situation));
  }
}

/**
 * Steps to the next checkpoint: programs have them at multiples of `steps` from their ends, so that streams which began
 * at different times are ready together.
 */
function untilCheckpoint(left: number, steps: number): number {
  return steps >= left ? left : left % steps || steps;
}
