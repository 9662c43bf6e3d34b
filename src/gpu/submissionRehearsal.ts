import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import {Launch} from '../scheduler/launch.ts';
import type {Programs} from '../scheduler/programs.ts';
import {Streams} from '../scheduler/streams.ts';
import {ActivationPairs} from './activationPairs.ts';
import type {Program} from './recordAhead.ts';
import {Submission} from './submission.ts';
import type {SubmissionOptions} from './submission.ts';
import {following} from './ticket.ts';

const SINGLE = methods.indexOf('single');
const BATCHED = methods.indexOf('batched');

/** Lengths of launches, in kernels; longer ones are whole programs. */
const lengths = [1, 4, 16, Infinity];

/**
 * How long launches are prepared. On an H200 the first hundred launches of `ooo` took the host 3 us for each member and kernel, those behind
 * the thousandth 0.3.
 */
const longestNs: Nanoseconds = 40e6;

/**
 * Launches that wake a device, their most steps and members, and how long they may take. After a quarter of a second without work
 * the first launches of a run took an H200's host 650, 300 and 150 us instead of 30, and were two to four times too slow for 5 ms. A
 * number of them, not a time, so that it is known which calls a run begins with; short ones, some 20 ms in all.
 */
const [wakingLaunches, wakingSteps, wakingSize] = [200, 4, 16];
const longestWakingNs: Nanoseconds = 500e6;

/** How long before that, for who gets which activations: small functions, compiled sooner. */
const pairsNs: Nanoseconds = 10e6;

export interface RehearsalOptions extends Omit<SubmissionOptions, 'run'> {
  /** The programs of the tenants' single requests. */
  readonly tenantPrograms: readonly Program[];
  readonly programs: Programs;
  readonly maxSize: number;
  readonly lanes: number;
  readonly now: () => Nanoseconds;
}

/**
 * Launches of streams of its own, before a run: what looks graphs up and writes addresses is slow until V8 has compiled it, and
 * compiles it only where it runs often; and a device, its driver and the caches are slow for milliseconds after a pause.
 */
export class SubmissionRehearsal {
  private readonly options: RehearsalOptions;
  private readonly streams = new Streams();
  private readonly launch: Launch;
  private readonly submission: Submission;

  constructor(options: RehearsalOptions) {
    const {tenantPrograms, programs, maxSize} = options;
    const {streams} = this;
    this.options = options;
    this.launch = new Launch(maxSize);
    const {members} = this.launch;
    members.forEach((_, i) => {
      const {tenant, start} = tenantPrograms[i % tenantPrograms.length];
      members[i] = streams.allocate(tenant, start, 0, 0, 1);
    });
    this.submission = new Submission({...options, run: {streams, programs}});
  }

  /** Prepares launches, again and again, and launches none. */
  prepare(): void {
    const {maxSize, lanes, now} = this.options;
    rehearsePairs(this.launch.members, now);
    const until = now() + longestNs;
    for (let round = 0; now() < until; round++) {
      this.next(round, lengths[round % lengths.length], maxSize);
      this.submission.rehearse(this.launch, round % lanes);
    }
  }

  /** Launches some, one after another. Throws what the device says of one that it refuses. */
  wake(): void {
    const {context, maxSize, lanes, now} = this.options;
    const {launch, submission} = this;
    const until = now() + longestWakingNs;
    for (let round = 0; round < wakingLaunches && now() < until; round++) {
      const lane = round % lanes;
      const ticket = following(Atomics.load(context.flags, lane));
      this.next(round, wakingSteps, Math.min(maxSize, wakingSize));
      if (!submission.asGraphs(launch, lane, ticket, 1)) {
        context.begin(lane, ticket);
        for (let step = 0; step < launch.steps;) step += submission.steps(launch, lane, step, ticket);
        context.finish(lane, ticket);
      }
      while (Atomics.load(context.flags, lane) !== ticket && now() < until);
      submission.completed(launch);
    }
    context.synchronize();
  }

  /** Makes the launch one of at most so many steps and members, of a program of the round. */
  private next(round: number, steps: number, maxSize: number): void {
    const {tenantPrograms, programs} = this.options;
    const {launch, streams} = this;
    const {tenant, start} = tenantPrograms[round % tenantPrograms.length];
    const whole = programs.kernelsLeft(start);
    launch.steps = Math.min(steps, whole);
    launch.size = 1 + (round % maxSize);
    launch.method = launch.size === 1 || maxSize === 1 ? SINGLE : BATCHED;
    // They end with their programs, and give back what they used.
    streams.cursor.fill(start + whole - launch.steps);
    streams.tenant[launch.members[0]] = tenant;
  }
}

/** Gives activations to streams of two tenants, of which there are fewer than streams. */
function rehearsePairs(slots: Int32Array, now: () => Nanoseconds): void {
  const until = now() + pairsNs;
  while (now() < until) {
    const pairs = new ActivationPairs(8);
    for (let i = 0; i < 4; i++) pairs.reserve(0);
    for (const slot of slots) pairs.of(slot, slot % 2);
    for (const slot of slots) if (pairs.isOwn(slot)) pairs.release(slot);
    for (const slot of slots) pairs.of(slot, 1);
  }
}
