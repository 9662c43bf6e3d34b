import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import {Launch} from '../scheduler/launch.ts';
import type {Programs} from '../scheduler/programs.ts';
import {Streams} from '../scheduler/streams.ts';
import {ActivationPairs} from './activationPairs.ts';
import type {Program} from './recordAhead.ts';
import {Submission} from './submission.ts';
import type {SubmissionOptions} from './submission.ts';

const SINGLE = methods.indexOf('single');
const BATCHED = methods.indexOf('batched');

/** Lengths of launches, in kernels; longer ones are whole programs. */
const lengths = [1, 4, 16, Infinity];

/**
 * How long it takes. On an H200 the first hundred launches of `ooo` took the host 3 us for each member and kernel, those behind
 * the thousandth 0.3.
 */
const longestNs: Nanoseconds = 40e6;

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
 * Before a run, prepares launches of streams of its own, again and again, and launches none: what looks graphs up and writes
 * addresses is slow until V8 has compiled it, and compiles it only where it runs often.
 */
export function rehearseSubmission(options: RehearsalOptions): void {
  const {tenantPrograms, programs, maxSize, lanes, now} = options;
  const streams = new Streams();
  const launch = new Launch(maxSize);
  launch.members.forEach((_, i) => {
    const {tenant, start} = tenantPrograms[i % tenantPrograms.length];
    launch.members[i] = streams.allocate(tenant, start, 0, 0, 1);
  });
  rehearsePairs(launch.members, now);
  const submission = new Submission({...options, run: {streams, programs}});
  const until = now() + longestNs;
  for (let round = 0; now() < until; round++) {
    const {tenant, start} = tenantPrograms[round % tenantPrograms.length];
    const whole = programs.kernelsLeft(start);
    const length = lengths[round % lengths.length];
    launch.steps = Math.min(length, whole);
    launch.size = 1 + (round % maxSize);
    launch.method = launch.size === 1 || maxSize === 1 ? SINGLE : BATCHED;
    // They end with their programs, and give back what they used.
    streams.cursor.fill(start + whole - launch.steps);
    streams.tenant[launch.members[0]] = tenant;
    submission.rehearse(launch, round % lanes);
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
