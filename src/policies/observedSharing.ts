import type {Nanoseconds} from '../scheduler/clock.ts';
import {slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import {holding, single} from '../scheduler/launchKinds.ts';

/** The profile counts as much as so many launches, */
const prior = 16;
/** and the mean remembers some as many. */
const remembered = 128;
/** Launches tell something that should take so much longer beside others, */
const telling = 0.2;
/** and no single one counts for more than so many times as much longer: the host may have paused. */
const mostTimes = 3;
/** Plans are made again when so much more or less of the profile's interference is seen, or when shares are that much others. */
const [drift, shareDrift] = [0.1, 0.03];
/** Launches of one member take no less of the device than so many times what the profile says, as launches seen to end too early would have it. */
const leastShare = 0.5;
/** What singles take of the device shows where so much of what is in flight are singles. */
const amongSingles = 0.9;

/**
 * How launches side by side slow each other, as it turns out: the profile's terms, with its interference times a factor. A profile
 * is measured with other kernels, or on another day; the mix at hand may lose half as much or twice as much to each other, and
 * what is best hangs on it.
 *
 * Launches of one member have a factor, and those of several that hold no place (`holdsPlace`): the mean of what was seen over what
 * was expected, of those that had company. What one that holds its place takes depends on who began before it, and tells little
 * of interference; for those the profile's terms stay.
 *
 * Many launches of one member side by side take at least as long as it takes to share the device out among them. Where they take
 * less, each takes less of the device than the profile says: a share that is a tenth too large makes twelve of them look that
 * much slower than they are, and larger launches better that are worse.
 */
export class ObservedSharing {
  /** Changes when plans should be made again. */
  version = 0;
  private readonly profile: SharingTerms;
  private readonly isFixed: boolean;
  /** By kind, of those that hold no place: the factor, how many have been seen, */
  private readonly factors = Float64Array.of(1, 1);
  private readonly counts = Float64Array.of(prior, prior);
  /** the factor that plans are made with, and the terms. */
  private readonly planned = Float64Array.of(1, 1);
  private readonly terms: [SharingTerms, SharingTerms];
  /** What launches of one member take of the device, over what the profile says; what plans are made with; how many have been seen. */
  private readonly shares = Float64Array.of(1, 1, prior);

  /** `isFixed`: the terms are what they are. */
  constructor(profile: SharingTerms, isFixed = false) {
    this.profile = withInterference(1, profile);
    this.isFixed = isFixed;
    this.terms = [this.profile, this.profile];
  }

  /** The terms for launches of a kind. */
  of(kind: number): SharingTerms {
    return kind === holding ? this.profile : this.terms[kind];
  }

  /** How much launches of a kind suffer from others. */
  exposure(kind: number): number {
    return kind === single ? 1 : this.profile.coalesced;
  }

  /** What launches of so many members take of the device, over what the profile says, 0 to 1. */
  shareOf(size: number): number {
    return size > 1 ? 1 : this.shares[plannedAt];
  }

  /**
   * A launch of a `kind` took `ns` where it takes `aloneNs` alone. On the average over that time others pressed on it
   * with `pressure`, and to share out what there is made it take `least` times as long (both without a unit), by shares of which
   * so much were launches of one member.
   */
  seen(
    kind: number,
    ns: Nanoseconds,
    aloneNs: Nanoseconds,
    pressure: number,
    least: number,
    ofSingles = 0,
  ): void {
    if (this.isFixed || kind === holding || !(aloneNs > 0)) return;
    const expected = slowdownBeside(this.profile, this.exposure(kind), pressure) - 1;
    if (!(expected >= telling)) return;
    const factor = this.factors[kind];
    const shared = least - 1;
    const slowed = Math.min(ns / aloneNs - 1, mostTimes * Math.max(expected, shared));
    const isSharedOut = factor * expected <= shared;
    if (isSharedOut && kind === single && ofSingles >= amongSingles) this.learnShare((slowed + 1) / least);
    // Where the device is shared out anyway, interference shows only in what is beyond.
    if (isSharedOut && slowed <= shared) return;
    const count = Math.min(remembered, ++this.counts[kind]);
    this.factors[kind] = Math.max(0, factor + (slowed / expected - factor) / count);
    if (Math.abs(this.factors[kind] - this.planned[kind]) > drift) this.plan(kind);
  }

  /** Singles shared the device out in so many times the time that it should take. */
  private learnShare(times: number): void {
    const {shares} = this;
    const count = Math.min(remembered, ++shares[countAt]);
    const seen = shares[plannedAt] * times;
    const share = shares[seenAt] + (seen - shares[seenAt]) / count;
    shares[seenAt] = Math.min(1, Math.max(leastShare, share));
    if (Math.abs(shares[seenAt] - shares[plannedAt]) <= shareDrift) return;
    shares[plannedAt] = shares[seenAt];
    this.version++;
  }

  private plan(kind: number): void {
    const factor = this.factors[kind];
    this.planned[kind] = factor;
    this.terms[kind] = withInterference(factor, this.profile);
    this.version++;
  }
}

/** Fields of `shares`; not of the object, as V8 drops what is compiled where a field that held whole numbers holds others. */
const [seenAt, plannedAt, countAt] = [0, 1, 2];

/** Terms with so many times the interference; all are made here, as V8 compiles what uses them for one kind of object. */
const withInterference = (
  factor: number,
  {interference, crowding, crowdedInterference, mixing, coalesced}: SharingTerms,
): SharingTerms => ({
  interference: factor * interference,
  crowding,
  crowdedInterference: factor * crowdedInterference,
  mixing,
  coalesced,
});
