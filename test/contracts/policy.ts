// What every policy must do, whatever it decides: laws of the schedule that it makes, on worlds drawn at random.
import {fc, test} from '@fast-check/vitest';
import seedrandom from 'seedrandom';
import {describe, expect, vi} from 'vitest';
import {parsePolicy} from '../../src/policies/parse.ts';
import type {Launch} from '../../src/scheduler/launch.ts';
import type {Policy, Situation} from '../../src/scheduler/policy.ts';
import type {ToyResult, ToyTenant, ToyWorld} from '../support/rig.ts';
import {runToy} from '../support/rig.ts';

/** A world without its policy, and how often a launch fails. */
export interface DrawnWorld extends Omit<ToyWorld, 'policy'> {
  readonly failing: number;
  readonly seed: number;
}

/** What a policy promises about lanes, asked after every decision; a broken promise is said in words. */
export type LanePromise = (situation: Situation) => string | undefined;

/** No lane is idle while a kernel is ready. */
export const noLaneIdle: LanePromise = ({lanes, ready}) =>
  lanes.idle() >= 0 && ready.total > 0
    ? `lane ${lanes.idle()} is idle while ${ready.total} kernels are ready`
    : undefined;

/** No lane is idle while a kernel of a tenant that belongs to it is ready. */
export const noOwnLaneIdle: LanePromise = ({lanes, ready, streams}) => {
  for (let i = 0; i < ready.nonEmptyCount; i++) {
    for (let slot = ready.first(ready.nonEmpty[i]); slot >= 0; slot = ready.next(slot)) {
      const lane = streams.tenant[slot] % lanes.count;
      if (lanes.outstanding[lane] === 0) return `lane ${lane} is idle while stream ${slot} is ready`;
    }
  }
  return undefined;
};

/** The device is not idle while a request waits. */
export const deviceBusy: LanePromise = ({lanes, requests}) =>
  lanes.inFlight === 0 && requests.live > 0
    ? `${requests.live} requests wait beside an idle device`
    : undefined;

const models = [[0], [1, 0], [0, 1, 2], [2, 2, 1, 0, 3], [3, 1]];

const tenant: fc.Arbitrary<ToyTenant> = fc
  .record({
    model: fc.nat(models.length - 1),
    arrivals: fc.array(fc.nat(200_000), {maxLength: 12}),
    isLoop: fc.boolean(),
    sloNs: fc.integer({min: 1_000, max: 200_000}),
    priority: fc.nat(2),
  })
  .map(({model, arrivals, isLoop, sloNs, priority}) => ({
    kernels: models[model],
    family: model,
    arrivals: arrivals.toSorted((a, b) => a - b),
    ...(isLoop ? {loop: {outstanding: 2, thinkNs: () => 500}} : {}),
    sloNs,
    priority,
  }));

export const world: fc.Arbitrary<DrawnWorld> = fc
  .record({
    tenants: fc.array(tenant, {minLength: 1, maxLength: 5}),
    durations: fc.array(fc.integer({min: 50, max: 5_000}), {minLength: 4, maxLength: 4}),
    slope: fc.constantFrom(0, 0.25, 1.5),
    smShare: fc.constantFrom(0.1, 0.6, 1),
    submitNs: fc.constantFrom(0, 300),
    decideNs: fc.constantFrom(0, 100),
    decideMemberNs: fc.constantFrom(0, 7.5),
    detectNs: fc.constantFrom(0, 200),
    failing: fc.constantFrom(0, 0, 0.05),
    straggler: fc.constantFrom(-1, -1, 0),
    seed: fc.nat(1_000),
  })
  .map(({slope, straggler, ...rest}) => ({
    ...rest,
    until: 100_000,
    batching: (size: number) => 1 + slope * (size - 1),
    device: straggler < 0 ? {} : {tenantFactor: (tenant: number) => (tenant === straggler ? 5 : 1)},
  }));

/** A law of every schedule. Asked millions of times, so no matcher. */
function law(holds: boolean, broken: string): void {
  if (!holds) throw new Error(broken);
}

/** One stream as the contract follows it. */
interface Followed {
  /** When its first kernel was launched, which tells it from the slot's next stream. */
  readonly startedAt: number;
  /** Where its next kernel has to be. */
  cursor: number;
  lastFinishedAt: number;
  isRunning: boolean;
}

/** Runs a policy in a world and checks the laws of its schedule on the way. */
export function runChecked(
  text: string,
  world: DrawnWorld,
  promise: LanePromise = () => undefined,
): ToyResult {
  const streams = new Map<number, Followed>();
  const laneFreeAt = new Map<number, number>();
  let situation!: Situation;
  const random = seedrandom.alea(`failures ${world.seed}`);
  const {definition, parameters} = parsePolicy(text);
  const policy = definition.create(parameters, {
    random: (name) => seedrandom.alea(`${world.seed} ${name}`),
    tenants: world.tenants.length,
  });
  const launched = (launch: Launch): void => {
    const {programs, tenants} = situation;
    const {cursor, startedAt, tenant, batch} = situation.streams;
    for (const slot of launch.members.subarray(0, launch.size)) {
      const at = cursor[slot];
      let stream = streams.get(slot);
      if (stream?.startedAt !== startedAt[slot]) {
        law(at === tenants[tenant[slot]].program(batch[slot]), 'a stream does not start at its first kernel');
        stream = {startedAt: startedAt[slot], cursor: at, lastFinishedAt: 0, isRunning: false};
        streams.set(slot, stream);
      }
      law(!stream.isRunning, 'kernels of one stream overlap');
      law(at === stream.cursor, 'kernels of one stream out of order');
      law(programs.kernelsLeft(at) >= launch.steps, 'more steps than kernels');
      stream.isRunning = true;
    }
    if (random() < world.failing) launch.failed = true;
  };
  const finished = (launch: Launch): void => {
    const {lane, startedAt, finishedAt, releasedAt, submittedAt, decidedAt} = launch;
    law(submittedAt >= decidedAt && releasedAt >= submittedAt, 'submitted before it was decided');
    law(startedAt >= releasedAt, 'started before it was released');
    law(startedAt >= (laneFreeAt.get(lane) ?? 0), 'two launches of one lane overlap');
    laneFreeAt.set(lane, finishedAt);
    for (const slot of launch.members.subarray(0, launch.size)) {
      const stream = streams.get(slot)!;
      law(startedAt >= stream.lastFinishedAt, 'a kernel starts before it is ready');
      stream.isRunning = false;
      stream.lastFinishedAt = finishedAt;
      if (!launch.failed) stream.cursor += launch.steps;
    }
  };
  const result = runToy({
    ...world,
    // Classes 0 and 1 pad to 0, 2 and 3 to 2.
    ...(policy.setup?.grouping === 'cluster'
      ? {groups: {count: 2, of: Int32Array.of(0, 0, 1, 1), common: Int32Array.of(0, 2)}}
      : {}),
    policy: watched(policy, promise, (seen) => (situation = seen)),
    recorder: {launched, finished},
  });
  expect(result.completed.length + result.dropped.length).toBe(result.arrived);
  expect(result.scheduler.requests.live).toBe(0);
  expect(result.scheduler.streams.live).toBe(0);
  return result;
}

/** The policy, with its promise checked after every decision and a guard against deciding without end. */
function watched(policy: Policy, promise: LanePromise, see: (situation: Situation) => void): Policy {
  let decisions = 0;
  return {
    name: policy.name,
    ...(policy.setup === undefined ? {} : {setup: policy.setup}),
    attach(situation) {
      see(situation);
      policy.attach?.(situation);
    },
    onReady: (slot, situation) => policy.onReady?.(slot, situation),
    onFinished: (launch, situation) => policy.onFinished?.(launch, situation),
    decide(situation) {
      if (++decisions > 200_000) throw new Error(`policy ${policy.name} decides without end`);
      policy.decide(situation);
      const broken = promise(situation);
      if (broken !== undefined) throw new Error(`policy ${policy.name}: ${broken} (at ${situation.now} ns)`);
    },
  };
}

const trace = ({launches, completed, dropped}: ToyResult): string =>
  JSON.stringify({launches, completed, dropped});

/** The contract for a policy as users write it, e.g. `slo:lanes=4`. */
export function policyContract(text: string, promise: LanePromise, maxRuns = 30): void {
  describe(`${text} keeps the policy contract`, () => {
    test.prop([world], {numRuns: maxRuns})(
      'every request leaves once, streams keep their order, lanes run one launch at a time',
      (world) => {
        runChecked(text, world, promise);
      },
    );

    test.prop([world], {numRuns: 5})('one seed gives one schedule', (world) => {
      expect(trace(runChecked(text, world))).toBe(trace(runChecked(text, world)));
    });

    test.prop([world], {numRuns: 5})('open-loop requests arrive when they were drawn', (world) => {
      const open = world.tenants.map(({loop: _, ...tenant}) => tenant);
      const {completed, dropped} = runChecked(text, {...world, tenants: open});
      const seen = [...completed, ...dropped].map(({tenant, arrivalAt}) => `${arrivalAt} ${tenant}`);
      const drawn = open.flatMap(({arrivals = []}, i) => arrivals.map((at) => `${at} ${i}`));
      expect(seen.toSorted()).toEqual(drawn.toSorted());
    });

    test.prop([world], {numRuns: 5})('reads no clock and no randomness of the host', (world) => {
      withoutHost(() => runChecked(text, world));
    });
  });
}

/** Runs where the host's clock and generator throw when they are touched. */
export function withoutHost(run: () => unknown): void {
  const touched = (): never => {
    throw new Error('touched the host');
  };
  vi.stubGlobal('Date', new Proxy(Date, {apply: touched, construct: touched, get: touched}));
  vi.stubGlobal('performance', new Proxy({}, {get: touched}));
  const random = vi.spyOn(Math, 'random').mockImplementation(touched);
  try {
    run();
  } finally {
    random.mockRestore();
    vi.unstubAllGlobals();
  }
}
