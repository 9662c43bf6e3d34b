import type {Nanoseconds} from './clock.ts';
import type {Costs} from './costs.ts';
import type {Groups} from './groups.ts';
import type {Launch} from './launch.ts';
import type {Programs} from './programs.ts';
import type {Requests} from './requests.ts';
import type {SlotLists} from './slotLists.ts';
import type {Streams} from './streams.ts';
import type {Tenant} from './tenant.ts';

/** The device's lanes as the scheduler sees them: what it has launched and not yet seen complete. */
export interface Lanes {
  readonly count: number;
  /** Launches that a lane may hold at once. */
  readonly depth: number;
  /** Launches outstanding, by lane. */
  readonly outstanding: Int32Array;
  /** When a lane is predicted to have finished all that it holds; in the past for an idle lane. */
  readonly freeAt: Float64Array;
  /** Launches outstanding on all lanes. */
  readonly inFlight: number;
  /** The first lane that holds nothing, or -1. */
  idle(): number;
}

/**
 * What a policy sees and can do at one decision. Everything that happened at one instant has been applied before.
 *
 * A stream is named by its slot: an index into the arrays of `streams`. A kernel is named by its stream, as only a
 * stream's head can be ready.
 */
export interface Situation {
  readonly now: Nanoseconds;
  readonly tenants: readonly Tenant[];
  readonly streams: Streams;
  readonly programs: Programs;
  readonly requests: Requests;
  /** The streams whose heads are ready, by group, longest ready first. */
  readonly ready: SlotLists;
  /** The streams whose heads are ready but whose tenants are held back, by tenant. */
  readonly held: SlotLists;
  readonly groups: Groups;
  readonly costs: Costs;
  readonly lanes: Lanes;
  /** The most members that a superkernel may have. */
  readonly maxSize: number;

  /** The group in which a shape class is coalesced. */
  groupOf(cls: number): number;
  /** The class of the common shape to which the members of a group are padded. */
  commonClass(group: number): number;
  /** Latest time at which the stream's head can start so that its request meets its deadline, all alone. */
  latestStart(slot: number): Nanoseconds;

  /** Adds a ready kernel to the superkernel under construction. Throws when it is not ready. */
  take(slot: number): void;
  /** Takes up to `most` kernels of a group, longest ready first; returns how many. */
  takeGroup(group: number, most: number): number;
  /** How many kernels have been taken since the last launch. */
  readonly taken: number;
  /**
   * How many kernels all that was taken have in common from here on, to the next multiple of `most`, or of as many whole periods as fit
   * into it, before the end of the first one's program: there streams that began at different times are ready together, and from there runs are recorded
   * on a GPU. 1 where already the first kernels differ.
   */
  commonSteps(most: number): number;
  /**
   * Launches what was taken on a lane and returns the launch. Without a method the best by the profile is used. With
   * `steps` the members' following kernels run behind it on the same lane; the members' sequences have to agree.
   */
  launch(lane: number, method?: number, steps?: number): Launch;
  /** Asks for a decision at `time`, even if nothing happens by then. The earliest request counts. */
  wakeAt(time: Nanoseconds): void;

  /** Starts a stream that serves the `size` longest waiting requests of a tenant; only where batches are the policy's. */
  startBatch(tenant: number, size: number): number;
  /** As `startBatch`, with the requests of several tenants of one family: `counts[i]` of `tenants[i]`. */
  startShared(tenants: readonly number[], counts: readonly number[]): number;
  /** Drops the requests of a stream whose head is ready or held. */
  drop(slot: number): void;
  /** Drops the longest waiting request of a tenant. */
  dropWaiting(tenant: number): void;
  /** Keeps the tenant's kernels out of `ready`, from now on until `release`. */
  hold(tenant: number): void;
  release(tenant: number): void;
  isHeld(tenant: number): boolean;
}

/** What a policy needs of the device and the scheduler. */
export interface PolicySetup {
  /**
   * How the device is shared: `one-context` (lanes overlap), `mps` (a context per tenant, lanes overlap), `time-slice`
   * (a context per tenant, never two at once), `dedicated` (a device per tenant).
   */
  readonly sharing: 'one-context' | 'mps' | 'time-slice' | 'dedicated';
  /** Lanes, or one for every tenant. */
  readonly lanes: number | 'per-tenant';
  /** Launches that a lane may hold. */
  readonly depth: number;
  /** Whether one host thread submits for all lanes, or every lane has its own. */
  readonly host: 'shared' | 'per-lane';
  /** Whether a request becomes a stream on arrival, or waits for the policy to form a batch. */
  readonly admission: 'immediate' | 'batched';
  /** Whether kernels coalesce within a shape class or within a cluster of classes, padded. */
  readonly grouping: 'class' | 'cluster';
  /** Whether superkernels of several members run several kernels of each: a GPU then has them recorded before the run. */
  readonly runsAhead: boolean;
}

/** What a policy gets that says nothing about coalescing: one context, one lane, one launch at a time. */
export const defaultSetup: PolicySetup = {
  sharing: 'one-context',
  lanes: 1,
  depth: 1,
  host: 'shared',
  admission: 'immediate',
  grouping: 'class',
  runsAhead: false,
};

/**
 * Decides which ready kernels start now, on which lane and how. A policy reads time and state only from the situation,
 * and randomness only from the generator it was made with, so one seed gives one schedule; the same object runs in a
 * simulation and on a GPU.
 */
export interface Policy {
  readonly name: string;
  /** Where absent, `defaultSetup`. */
  readonly setup?: Partial<PolicySetup>;
  /** Called once, before the first decision. */
  attach?(situation: Situation): void;
  /** A stream's head has become ready. */
  onReady?(slot: number, situation: Situation): void;
  /** The host has seen a launch complete; its members have not been made ready yet. */
  onFinished?(launch: Launch, situation: Situation): void;
  /** Called after everything that happened at one instant has been applied. */
  decide(situation: Situation): void;
}
