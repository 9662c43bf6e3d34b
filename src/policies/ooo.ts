import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import type {Policy, PolicySetup, Situation} from '../scheduler/policy.ts';
import {streamStates} from '../scheduler/streams.ts';
import {definePolicy} from './definition.ts';
import {duration} from './duration.ts';
import {Fillers} from './fillers.ts';
import {Gathering} from './gathering.ts';
import {InFlight} from './inFlight.ts';
import {kindOf} from '../scheduler/launchKinds.ts';
import type {LaunchPlan} from './launchPlanner.ts';
import {LaunchPlanner} from './launchPlanner.ts';
import {LaunchPlans} from './launchPlans.ts';
import {ObservedSharing} from './observedSharing.ts';
import {Populations} from './populations.ts';
import {LaunchTiming} from './launchTiming.ts';
import {Reaction, releaseNs} from './reaction.ts';
import {Seeds} from './seeds.ts';
import {Strides, stride} from './strides.ts';
import {Timeliness} from './timeliness.ts';

const SINGLE = methods.indexOf('single');

/** More of those that wait go with a launch than are planned where that takes so little longer: the device takes no further round of blocks. */
const freeOfCharge = 1.03;

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
      'how much launches side by side slow each other (default: the profile’s, corrected by what is seen)',
    ),
  'late-share': z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of the device for requests that are late, while others are not'),
});

/** The papers' proposal as a whole: reorder by slack, coalesce by pay-off, delay where that gains. */
export const ooo = definePolicy({
  name: 'ooo',
  summary: 'reorder by slack, coalesce and delay by pay-off; lanes, size and method follow the load',
  source: '[OoO] sections 5.1 to 5.3',
  parameters,
  create: (parameters) => new OutOfOrder(parameters),
});

/**
 * The seed is the ready kernel with the least slack; its plan says how many of its kind run together, how, how far ahead,
 * and how many such launches side by side. Where those are in flight already, or where far fewer are ready, it waits for the
 * next of them to end, and what is ready by then runs with it; where enough are ready, any shape's next launch is submitted
 * just before. Beside launches of other kinds, and of its own where kernels do not recur, it starts unless what is in flight
 * would lose more than those who wait gain; then short launches of other groups fill what is idle, as backfilling does: none
 * that would end after what is in flight. Those that are joined on the way keep to strides (`Strides`).
 *
 * A decision makes one launch at most, and asks for the next where more is ready: what arrives or ends meanwhile is seen
 * first. It costs O(size of the launch x log n + groups that hold something), with no allocation; a kernel that is
 * ready alone costs no queue.
 */
class OutOfOrder implements Policy {
  readonly name = 'ooo';
  readonly setup: Partial<PolicySetup>;
  private readonly parameters: z.output<typeof parameters>;
  private seeds!: Seeds;
  private readonly reaction = new Reaction();
  /** Most members of a launch. */
  private maxSize = 1;
  private planner!: LaunchPlanner;
  private plans!: LaunchPlans;
  /** What the launch that is made fills of the device. */
  private readonly fill = {sm: 0, bandwidth: 0};
  private inFlight!: InFlight;
  private strides!: Strides;
  private timeliness!: Timeliness;
  private populations!: Populations;
  private fillers!: Fillers;
  private gathering!: Gathering;
  private timing!: LaunchTiming;
  /** The only kernel that is ready, while it is in no queue; else -1. */
  private lone = -1;
  /** The kernel whose plan was looked up last in this decision, or -1, and that plan. */
  private planned = -1;
  private plan!: LaunchPlan;
  /** Its steps where they tell whether its program should go in strides, else 0; the kernels of a stride where it does, else 0. */
  private wanted = 0;
  private stride = 0;

  constructor(values: z.output<typeof parameters>) {
    this.parameters = values;
    this.setup = {lanes: values.lanes, grouping: values.coalesce, runsAhead: true};
  }

  attach(situation: Situation): void {
    const {parameters, reaction} = this;
    const {lanes, tenants} = situation;
    this.maxSize = Math.min(parameters['max-size'], situation.maxSize);
    this.timeliness = new Timeliness(situation);
    this.seeds = new Seeds(
      this.timeliness,
      (slot, situation) => this.planOf(slot, situation).completionNs,
      parameters['late-share'],
    );
    this.gathering = new Gathering(this.timeliness);
    this.populations = new Populations(situation);
    const {sharing} = situation.costs;
    const {interference} = parameters;
    const isGiven = interference !== undefined;
    const observed = new ObservedSharing(isGiven ? {...sharing, interference} : sharing, isGiven);
    this.inFlight = new InFlight(lanes.count, observed);
    this.fillers = new Fillers(this.seeds.groups, this.inFlight, (slot, endsAt, situation) =>
      this.fits(slot, endsAt, situation),
    );
    const limits = {
      lanes: lanes.count,
      maxSize: this.maxSize,
      // Kernels that are padded to a common shape have different ones behind them.
      quantumNs: parameters.coalesce === 'cluster' ? 0 : parameters.quantum,
      sharing: observed,
    };
    this.planner = new LaunchPlanner(limits, reaction, situation);
    this.plans = new LaunchPlans(this.planner);
    this.plan = this.plans.plan;
    const {sloNs, programOf} = this.populations;
    const starts = Array.from(sloNs, (_, program) => tenants[programOf.indexOf(program)].program(1));
    this.strides = new Strides(sloNs.length);
    this.timing = new LaunchTiming({
      inFlight: this.inFlight,
      populations: this.populations,
      planner: this.planner,
      reaction,
      groups: this.seeds.groups,
      planOf: (slot, situation) => this.planOf(slot, situation),
    });
    for (const [program, start] of starts.entries()) {
      this.plans.makeAhead(start, sloNs.length, sloNs[program]);
    }
  }

  onReady(slot: number, situation: Situation): void {
    const {streams, ready} = situation;
    if (streams.startedAt[slot] < 0) {
      this.populations.arrived(slot, situation);
    }
    if (streams.state[slot] !== streamStates.ready) return;
    if (ready.total === 1) {
      this.lone = slot;
      return;
    }
    if (this.lone >= 0) this.seeds.push(this.lone, situation);
    this.lone = -1;
    this.seeds.push(slot, situation);
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
    this.reaction.seen(launch.endedAt, now);
    this.timing.ended();
  }

  decide(situation: Situation): void {
    const {lanes, ready, now} = situation;
    const {timing} = this;
    if (timing.waitStands(situation)) return;
    this.populations.check(situation);
    const lane = ready.total === 0 ? -1 : lanes.idle();
    if (lane < 0) return;
    this.plans.begin();
    this.planned = -1;
    if (ready.total === 1) {
      const slot = ready.first(ready.nonEmpty[0]);
      if (!timing.isDelayed(slot, situation)) this.launch(lane, slot, situation);
      return;
    }
    let seed = this.seeds.choose(situation);
    timing.begin();
    if (timing.isDelayed(seed, situation)) {
      const follower = timing.follower(seed, situation);
      seed = follower >= 0 ? follower : this.fillers.choose(situation);
      if (seed < 0) {
        timing.wait(situation);
        return;
      }
      this.seeds.passOver();
    }
    this.seeds.launched(this.launch(lane, seed, situation));
    if (ready.total > 0) situation.wakeAt(now);
  }

  /**
   * The plan for all streams in the system that run this one's program and may yet run together. Those in flight that
   * complete without asking again are others.
   */
  private planOf(slot: number, situation: Situation): LaunchPlan {
    if (slot === this.planned) return this.plan;
    const {streams, programs} = situation;
    const cursor = streams.cursor[slot];
    const first = this.planner.firstOf(cursor);
    const program = this.populations.program(slot, situation);
    const population = Math.max(1, this.populations.of(program) - this.inFlight.endingOf(program));
    this.planned = slot;
    // Where kernels recur, those that complete without asking again are in nobody's way, and a part of what is planned.
    const recurs = this.planner.recurs(first);
    const use = this.inFlight.demandBeside(program, !recurs);
    const own = recurs ? this.populations.of(program) : population;
    const others = (streams.live - own) * Math.min(1, use);
    const sloNs = this.populations.sloNs[program];
    const plan = this.plans.find(first, population, others, use, sloNs);
    const {planner} = this;
    this.wanted = plan.recurs && plan.size > 1 && plan.steps < planner.left(first) ? plan.steps : 0;
    const isInStride =
      plan.recurs &&
      plan.steps <= stride &&
      this.strides.has(program) &&
      planner.divides(first, stride, plan);
    this.stride = isInStride ? stride : 0;
    // Streams that began at other times are ready together.
    plan.steps = isInStride ? Math.min(stride, planner.left(cursor)) : planner.stepsAt(cursor, plan.steps);
    if (first < cursor) plan.completionNs *= programs.remainingNs[cursor] / programs.remainingNs[first];
    return (this.plan = plan);
  }

  /** Whether a launch around the kernel would end by `endsAt` beside what is in flight, and has room there. */
  private fits(slot: number, endsAt: Nanoseconds, situation: Situation): boolean {
    const plan = this.planOf(slot, situation);
    return situation.now + plan.completionNs <= endsAt && this.timing.hasRoom(slot, plan, situation);
  }

  /**
   * How many may run with the seed: those that are planned, or all that wait where the others are free of charge, or where one such
   * launch runs at a time and all in one take no longer, each member, beside what is in flight: then nobody is left to wait for a
   * further launch. On an H200 one of 33 of 256x128x1152 suffers from squares beside it, one of 34 and more, another round of blocks,
   * holds its place, and takes as long.
   */
  private sizeFor(seed: number, {size, beside, method, recurs}: LaunchPlan, situation: Situation): number {
    const {ready, streams, programs, costs} = situation;
    const all = ready.count[ready.list(seed)];
    if (!recurs || size === 1 || all <= size || all > this.maxSize) return size;
    const cls = programs.classes[streams.cursor[seed]];
    const ns = costs.durationNs(cls, size, method);
    const nsOfAll = costs.durationNs(cls, all, method);
    if (nsOfAll <= freeOfCharge * ns) return all;
    if (beside > 1) return size;
    const besideOthers = ns * this.slowdownOf(cls, size, method, costs);
    return nsOfAll * this.slowdownOf(cls, all, method, costs) * size <= besideOthers * all ? all : size;
  }

  /** How much longer a superkernel takes beside what is in flight. */
  private slowdownOf(cls: number, size: number, method: number, costs: Costs): number {
    const share = Math.max(costs.smShare(cls, size, method), costs.bandwidthShare(cls, size, method));
    return this.inFlight.slowdownOfNewcomer(kindOf(cls, size, method, costs), share);
  }

  /** Launches the seed with what runs with it; returns the device time that it takes. */
  private launch(lane: number, seed: number, situation: Situation): Nanoseconds {
    const {streams, programs, ready, now} = situation;
    const {gathering} = this;
    const plan = this.planOf(seed, situation);
    const {size: planned, method, steps, completionNs} = plan;
    const most = this.sizeFor(seed, plan, situation);
    const cursor = streams.cursor[seed];
    const {fill} = this;
    fill.sm = plan.sm;
    fill.bandwidth = plan.bandwidth;
    const program = this.populations.program(seed, situation);
    const group = ready.list(seed);
    gathering.begin(steps, this.stride);
    if (this.wanted > 0) this.strides.planned(program, this.wanted);
    situation.take(seed);
    this.lone = -1;
    if (most > 1 && ready.count[group] > 0) {
      const {seeds} = this;
      gathering.gather(group, seeds.groups[group], cursor, most, completionNs, seeds.isCharged, situation);
      seeds.noteFirst(group);
    }
    const size = situation.taken;
    const by = size === 1 ? SINGLE : size >= planned && !gathering.isMixed ? method : -1;
    const launch = situation.launch(lane, by, gathering.steps);
    let ending = 0;
    for (let i = 0; i < size; i++) {
      const slot = launch.members[i];
      if (streams.startedAt[slot] === now) this.timeliness.begin(slot, completionNs, situation);
      if (programs.classes[streams.cursor[slot] + launch.steps] < 0) ending++;
    }
    const foreseenNs = releaseNs(cursor, size, launch.method, situation);
    this.reaction.released(launch.releasedAt - launch.decidedAt, foreseenNs);
    if (size !== planned) this.planner.fill(cursor, size, fill);
    const kind = kindOf(launch.cls, size, launch.method, situation.costs);
    this.inFlight.launched(launch, fill, kind, program, ending);
    return launch.predictedNs * Math.max(fill.sm, fill.bandwidth);
  }
}
