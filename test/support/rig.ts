// A small simulated world for tests: tenants that run given kernel durations, on a device with a given host.
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Kernel} from '../../src/scheduler/kernel.ts';
import {groupPerClass} from '../../src/scheduler/groups.ts';
import type {Groups} from '../../src/scheduler/groups.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import {defaultSetup} from '../../src/scheduler/policy.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {Scheduler} from '../../src/scheduler/scheduler.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';
import type {Costs} from '../../src/scheduler/costs.ts';
import type {SimulatedDeviceOptions} from '../../src/sim/simulatedDevice.ts';
import {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../src/sim/virtualClock.ts';
import {ArrivalSource} from '../../src/workload/source.ts';
import type {Loop} from '../../src/workload/source.ts';
import {quietSharing} from './constantCosts.ts';

/** A GEMM that only its duration matters of: class `id`. */
export const toyKernel = (id: number): Kernel => ({
  op: 'gemm',
  m: id + 1,
  n: 1,
  k: 1,
  count: 1,
  dtype: 'fp32',
});

export interface ToyTenant {
  /** Kernel ids of one request, in order. */
  kernels: number[];
  arrivals?: number[];
  loop?: Omit<Loop, 'tenant'>;
  sloNs?: number;
  family?: number;
  /** By default one model per list of kernels. */
  model?: string;
  weight?: number;
  priority?: number;
}

export interface ToyWorld {
  policy: Policy;
  tenants: ToyTenant[];
  /** Solo duration by kernel id, in ns. */
  durations: number[];
  /** Duration of a batched superkernel of R members relative to one: by default 1 + (R - 1) / 4. */
  batching?: (size: number) => number;
  /** The same of a grouped one, by class; Infinity: that class has none. By default none has. */
  grouping?: (cls: number, size: number) => number;
  /** Share of the device that a launch fills: one for all, or by class, size and index into `methods`. */
  smShare?: number | ((cls: number, size: number, method: number) => number);
  submitNs?: number | ((method: number, size: number) => number);
  /** Host time of a further step, by class: by default as the first one's. */
  followNs?: (cls: number) => number;
  /** Idle time of a lane before a further step. */
  stepGapNs?: number;
  decideNs?: number;
  decideLaunchNs?: number;
  decideMemberNs?: number;
  detectNs?: number;
  residual?: () => number;
  device?: Partial<SimulatedDeviceOptions>;
  until?: number;
  limit?: number;
  maxSize?: number;
  /** By default every class is a group of its own. */
  groups?: Groups;
  recorder?: Partial<Recorder>;
}

export interface ToyResult {
  completed: {tenant: number; arrivalAt: number; startedAt: number; at: number}[];
  dropped: {tenant: number; arrivalAt: number; at: number}[];
  arrived: number;
  launches: {
    id: number;
    lane: number;
    cls: number;
    method: string;
    size: number;
    steps: number;
    members: number[];
    tenants: number[];
    classes: number[];
    decidedAt: number;
    releasedAt: number;
    startedAt: number;
    finishedAt: number;
    seenAt: number;
  }[];
  scheduler: Scheduler;
  device: SimulatedDevice;
  clock: VirtualClock;
}

/** Runs a toy world to its end (or `limit`) and returns everything that happened. */
export function runToy(world: ToyWorld): ToyResult {
  const classes = new KernelClasses();
  for (let id = 0; id < world.durations.length; id++) classes.intern(toyKernel(id));
  const durations = [...world.durations];
  const batching = world.batching ?? ((size: number) => 1 + (size - 1) / 4);
  const grouping = world.grouping ?? (() => Infinity);
  const single = methods.indexOf('single');
  const batched = methods.indexOf('batched');
  const grouped = methods.indexOf('grouped');
  const durationNs = (cls: number, size: number, method: number): number => {
    const relative = method === single ? size : method === grouped ? grouping(cls, size) : batching(size);
    return Math.round(durations[cls] * relative);
  };
  /** Of equal times the first. */
  const bestMethod = (cls: number, size: number): number =>
    [single, batched, grouped].reduce((best, method) =>
      durationNs(cls, size, method) < durationNs(cls, size, best) ? method : best,
    );
  const model: Costs = {
    durationNs,
    bestMethod,
    bestNs: (cls, size) => durationNs(cls, size, bestMethod(cls, size)),
    mixedNs: (ids, size) => {
      let total = 0;
      for (let i = 0; i < size; i++) total += durations[ids[i]];
      return total;
    },
    submitNs: (_, size, method) =>
      typeof world.submitNs === 'function' ? world.submitNs(method, size) : (world.submitNs ?? 0),
    followNs: (cls, size, method) => {
      if (world.followNs !== undefined) return world.followNs(cls);
      return typeof world.submitNs === 'function' ? world.submitNs(method, size) : (world.submitNs ?? 0);
    },
    stepGapNs: world.stepGapNs ?? 0,
    launchNs: world.decideLaunchNs ?? 0,
    memberNs: world.decideMemberNs ?? 0,
    sharing: {interference: 0, crowding: 0, crowdedInterference: 0, mixing: 0, coalesced: 1},
    smShare: (cls, size, method) =>
      typeof world.smShare === 'function' ? world.smShare(cls, size, method) : (world.smShare ?? 1),
    bandwidthShare: () => 0,
    exposure: () => 1,
    pressure: () => 1,
  };
  const programs = new Programs();
  const tenants: Tenant[] = world.tenants.map((tenant, i) => {
    const start = programs.add(
      tenant.kernels,
      tenant.kernels.map((id) => durations[id]),
    );
    const batches = new Map<number, number>([[1, start]]);
    return {
      name: `tenant${i}`,
      model: tenant.model ?? `toy ${tenant.kernels.join(' ')}`,
      family: tenant.family ?? i,
      sloNs: tenant.sloNs ?? 1e9,
      sloQuantile: 0.99,
      weight: tenant.weight ?? 1,
      priority: tenant.priority ?? 0,
      program: (batch) => {
        // A batch of b takes as long as b coalesced kernels: each kernel becomes a class of its own.
        let cursor = batches.get(batch);
        if (cursor === undefined) {
          const ids = tenant.kernels.map((id) => {
            const cls = classes.intern({...toyKernel(id), n: batch} as Kernel);
            durations[cls] = Math.round(durations[id] * batching(batch));
            return cls;
          });
          cursor = programs.add(
            ids,
            ids.map((id) => durations[id]),
          );
          batches.set(batch, cursor);
        }
        return cursor;
      },
    };
  });
  const drawn = world.tenants
    .flatMap((tenant, i) => (tenant.arrivals ?? []).map((at) => ({at, tenant: i})))
    .sort((a, b) => a.at - b.at || a.tenant - b.tenant);
  const loops = world.tenants.flatMap((tenant, i) => (tenant.loop ? [{...tenant.loop, tenant: i}] : []));
  const arrivals = new ArrivalSource(
    Float64Array.from(drawn, (a) => a.at),
    Int32Array.from(drawn, (a) => a.tenant),
    loops,
    world.until ?? world.limit ?? Infinity,
  );
  const setup = {...defaultSetup, ...world.policy.setup};
  const clock = new VirtualClock();
  const device = new SimulatedDevice({
    clock,
    model,
    lanes: setup.lanes === 'per-tenant' ? tenants.length : setup.lanes,
    depth: setup.depth,
    sharing: {...quietSharing, scheme: setup.sharing},
    host: {
      threads: setup.host,
      detectNs: world.detectNs ?? 0,
      decideNs: world.decideNs ?? 0,
      decideLaunchNs: world.decideLaunchNs ?? 0,
      decideMemberNs: world.decideMemberNs ?? 0,
    },
    gapNs: 0,
    ...(world.residual === undefined ? {} : {residual: world.residual}),
    ...world.device,
  });
  const result: Omit<ToyResult, 'scheduler' | 'device' | 'clock'> = {
    completed: [],
    dropped: [],
    arrived: 0,
    launches: [],
  };
  const {recorder} = world;
  const scheduler = new Scheduler({
    clock,
    device,
    policy: world.policy,
    arrivals,
    tenants,
    classes,
    programs,
    groups: world.groups ?? groupPerClass(classes.size),
    costs: model,
    maxSize: world.maxSize ?? 128,
    recorder: {
      arrived: (tenant, at) => {
        result.arrived++;
        recorder?.arrived?.(tenant, at);
      },
      completed: (tenant, arrivalAt, startedAt, at) => {
        result.completed.push({tenant, arrivalAt, startedAt, at});
        recorder?.completed?.(tenant, arrivalAt, startedAt, at);
      },
      dropped: (tenant, arrivalAt, at) => {
        result.dropped.push({tenant, arrivalAt, at});
        recorder?.dropped?.(tenant, arrivalAt, at);
      },
      launched: (launch) => recorder?.launched?.(launch),
      finished: (launch, at) => {
        const members = [...launch.members.subarray(0, launch.size)];
        result.launches.push({
          id: launch.id,
          lane: launch.lane,
          cls: launch.cls,
          method: methods[launch.method],
          size: launch.size,
          steps: launch.steps,
          members,
          tenants: members.map((slot) => scheduler.streams.tenant[slot]),
          classes: [...launch.classes.subarray(0, launch.size)],
          decidedAt: launch.decidedAt,
          releasedAt: launch.releasedAt,
          startedAt: launch.startedAt,
          finishedAt: launch.finishedAt,
          seenAt: at,
        });
        recorder?.finished?.(launch, at);
      },
    },
  });
  scheduler.run(world.limit);
  return {...result, scheduler, device, clock};
}
