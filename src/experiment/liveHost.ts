// One host of a live run: a CUDA context with its lanes, and the scheduler that drives them from this thread.
import {loadAddon, openContext} from '../gpu/cuda.ts';
import {CudaDevice} from '../gpu/cudaDevice.ts';
import {WallClock} from '../gpu/wallClock.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Arrivals} from '../scheduler/arrivals.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Device} from '../scheduler/device.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import type {RunEnd} from '../scheduler/scheduler.ts';
import {Streams} from '../scheduler/streams.ts';
import {largestBatch, layOutBatches} from './batches.ts';
import {dressRehearsal} from './dressRehearsal.ts';
import {HostMeter} from './hostMeter.ts';
import type {HostTimes} from './hostMeter.ts';
import type {HostPlan} from './hostPlan.ts';
import {collectGarbage} from './quietV8.ts';
import {rehearse} from './rehearsal.ts';
import {superkernelLimit} from './simulate.ts';
import type {PreparedRun, RunSpec} from './simulate.ts';
import {stragglerFactor} from './stragglers.ts';

/** Most products of one batched call; a superkernel of more runs its members one after another. */
const mostProducts = 16_384;

/** Room for 128 steps of a superkernel of 32 members. */
const severalSteps = 4096;

/** Page-locked bytes that operand pointers may take on each lane, and as much again on the device. */
const ringBytes = 16 << 20;

export interface LiveHostOptions {
  readonly run: PreparedRun;
  readonly spec: RunSpec;
  /** What the run was prepared with. */
  readonly profile: DeviceProfile;
  /** CUDA ordinal. */
  readonly ordinal: number;
  /** What this host does of the run; everything by default. */
  readonly plan?: HostPlan;
  readonly recorder: Recorder;
  readonly shouldStop: () => boolean;
  /** Puts itself between the scheduler and the device, to take times. */
  readonly observe?: (device: Device) => Device;
}

export interface LiveHost {
  /** Runs to the end or the limit. Time 0 is at `originNs` on the machine's monotonic clock, by default now. */
  run(originNs?: number): {ended: RunEnd; endedAtNs: Nanoseconds};
  /** After a run: waits for what is in flight, of which nobody is told, and tells what the host's part took. */
  rest(): Promise<HostTimes>;
  /**
   * Makes ready for another run, once one is over: of the same tenants under the same policy, with arrivals and a policy object of its
   * own. What is on the device stays there, graphs that the runs before have recorded too. Nothing is rehearsed again.
   */
  renew(next: FurtherRun): Promise<void>;
  /** Whether a host that rests can become what it was when it was opened: no run has changed what cannot be changed back. */
  readonly canRewind: boolean;
  /**
   * As `renew`, with the host as if it had just been opened for `spec`: what was recorded in the runs before is dropped, and the run's
   * beginning is rehearsed.
   */
  rewind(spec: RunSpec, next: FurtherRun): Promise<void>;
  /** Frees everything on the device, and tells what the host's part took. */
  close(): Promise<HostTimes>;
}

/** A further run, and who is told of it. */
export type FurtherRun = Pick<LiveHostOptions, 'run' | 'recorder'>;

/**
 * Sets a host up: allocates operands, loads the kernels' code, rehearses. Throws an InputError where the operands do not
 * fit.
 */
export async function openLiveHost(options: LiveHostOptions): Promise<LiveHost> {
  const {spec, profile, ordinal, plan, shouldStop} = options;
  const {setup, workbench, lanes} = options.run;
  const {tenants, classes, programs, groups, model} = workbench;
  const maxSize = superkernelLimit(spec.scenario, setup);
  const batch = await largestBatch(spec, setup);
  layOutBatches(plan === undefined ? tenants : plan.tenants.map((tenant) => tenants[tenant]), batch);
  const products = productsOf(classes.kernels, maxSize);
  const context = openContext({
    device: ordinal,
    lanes: plan?.lanes.count ?? lanes,
    maxMembers: products,
    ringSlots: Math.min(1024, Math.max(64, Math.floor(ringBytes / (24 * products)))),
  });
  const clock = new WallClock(loadAddon().nowNs);
  let meter = new HostMeter(clock);
  const tenantFactor = stragglerFactor(spec.scenario, tenants);
  const device = new CudaDevice({
    context,
    clock,
    kernels: classes.kernels,
    tenants,
    lanes,
    depth: setup.depth,
    maxMembers: products,
    maxSize,
    largestBatch: batch,
    detectNs: profile.host.detect_ns.value,
    shouldStop,
    graphs: spec.scenario.graphs,
    runsAhead: setup.runsAhead,
    ...(plan === undefined ? {} : {hostLanes: plan.lanes, served: plan.tenants}),
    ...(tenantFactor === undefined ? {} : {tenantFactor}),
  });
  let isOpen = true;
  const close = async (): Promise<HostTimes> => {
    if (isOpen) {
      isOpen = false;
      try {
        device.close();
      } finally {
        context.destroy();
      }
    }
    return meter.end();
  };
  const shared = {
    clock,
    device,
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    maxSize,
    // A look costs nanoseconds, and a live run may decide seldom.
    decisionsPerLook: 1,
    streams: new Streams(),
  };
  const served = (all: Arrivals): Arrivals => (plan === undefined ? all : onlyOf(all, new Set(plan.tenants)));
  const observed = options.observe?.(device) ?? device;
  let scheduler: Scheduler;
  let limitNs: Nanoseconds;
  /** How much has been laid out when a run begins. */
  let layout: number;
  const rehearseFor = async (spec: RunSpec): Promise<void> => {
    const dress = await dressRehearsal({shared, spec, profile, lanes, served, shouldStop});
    collectGarbage('major');
    // After the device has been attached: recording takes seconds.
    await rehearse(spec, profile, shouldStop, loadAddon().nowNs);
    if (!shouldStop()) await dress();
  };
  const makeReady = ({run, recorder}: FurtherRun): void => {
    limitNs = run.limitNs;
    layout = programs.size;
    scheduler = new Scheduler({
      ...shared,
      device: observed,
      policy: meter.timed(run.policy),
      arrivals: served(run.arrivals),
      recorder: recordBoth(meter, recorder),
    });
    collectGarbage('minor');
  };
  try {
    await rehearseFor(spec);
    makeReady(options);
  } catch (error) {
    // What went wrong first is what counts.
    await close().catch(() => {});
    throw error;
  }
  const rest = async (): Promise<HostTimes> => {
    device.settle();
    shared.streams.clear();
    return meter.end();
  };
  const startAnew = (next: FurtherRun): void => {
    meter = new HostMeter(clock);
    makeReady(next);
  };
  return {
    run(originNs) {
      if (originNs === undefined) {
        device.wake();
        clock.restart();
      } else {
        // Where others begin at the same time, each would wait for the others' launches, and begin late.
        clock.origin = originNs;
      }
      meter.begin();
      const ended = scheduler.run(limitNs, shouldStop);
      return {ended, endedAtNs: clock.now()};
    },
    rest,
    async renew(next) {
      await rest();
      startAnew(next);
    },
    get canRewind() {
      // Batches that were not foreseen take the host time when they first occur, and only then.
      return programs.size === layout && device.canRewind;
    },
    async rewind(spec, next) {
      await rest();
      device.rewind();
      await rehearseFor(spec);
      startAnew(next);
    },
    close,
  };
}

/** The products that a run can launch as one call: of its largest superkernel, or of several steps of a smaller one. */
function productsOf(kernels: readonly Kernel[], maxSize: number): number {
  const count = kernels.reduce((most, kernel) => Math.max(most, kernel.op === 'gemm' ? kernel.count : 1), 1);
  return maxSize === 1 ? 1 : Math.min(mostProducts, Math.max(severalSteps, maxSize * count));
}

/** The arrivals of some tenants out of everybody's; the others are passed over. */
export function onlyOf(arrivals: Arrivals, tenants: ReadonlySet<number>): Arrivals {
  const skip = (): void => {
    // What another host serves: its closed loops never get an answer here.
    while (arrivals.nextAt() < Infinity && !tenants.has(arrivals.peek())) arrivals.take();
  };
  return {
    nextAt() {
      skip();
      return arrivals.nextAt();
    },
    peek() {
      skip();
      return arrivals.peek();
    },
    take() {
      skip();
      return arrivals.take();
    },
    left: (tenant, at) => arrivals.left(tenant, at),
  };
}
