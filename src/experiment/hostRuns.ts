// Short live runs that show what the host's part of every launch and wake-up takes, in the place where it is done.
import {loadAddon} from '../gpu/cuda.ts';
import {ObservedDevice} from '../gpu/calibration/observedDevice.ts';
import type {HostTimesOfRun} from '../gpu/calibration/observedDevice.ts';
import {CalibrationStopped} from '../gpu/calibration/session.ts';
import type {Session} from '../gpu/calibration/session.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Model} from '../workload/models/layer.ts';
import {csvModel} from '../workload/models/csvModel.ts';
import type {Device, DeviceContext} from '../scheduler/device.ts';
import {kernelKey, methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {Launch} from '../scheduler/launch.ts';
import {openLiveHost} from './liveHost.ts';
import {parseScenario} from './scenario.ts';
import {prepareRehearsed} from './rehearsal.ts';

/** What the runs serve, and by which policies. */
export interface HostStage {
  /** Names the stage's records. */
  readonly name: string;
  readonly models: readonly string[];
  /** Those that the program does not know by name. */
  readonly ownModels?: ReadonlyMap<string, Model>;
  /** Tenants of each. */
  readonly replicas: number;
  /** The most members of a superkernel: what would be launched together is recorded before a run, which takes its time. */
  readonly maxSize: number;
  readonly policies: readonly string[];
  /** Length of one run, a warm-up besides. */
  readonly forNs: number;
  /** Offered load by the profile's predictions; null: a request of each tenant now and then, or one at any time. */
  readonly load: number | null;
  /** Whether every tenant asks again as soon as it is answered. */
  readonly isClosed: boolean;
}

/**
 * Layers of all kinds and lengths, under the policies that differ in what they do between two launches. The one that
 * launches kernel by kernel comes first: it decides often, and compiles the scheduler's code for those that decide seldom.
 * Some run several kernels of several requests ahead, so that it shows what such launches cost.
 */
const usualStage: HostStage = {
  name: 'host run',
  models: ['resnet-50', 'mobilenet-v2', 'bert-base-128', 'lstm-1024'],
  replicas: 2,
  maxSize: 8,
  policies: [
    'greedy',
    'slo:lanes=4,run-ahead=16',
    'delay:lanes=4,run-ahead=16',
    'streams',
    'ooo',
    'batcher:max-batch=8',
    // Two lanes, so that more requests wait for each other: batches of all sizes.
    'greedy:lanes=2,run-ahead=16',
  ],
  forNs: 800e6,
  // So much that superkernels form, and so little that no backlog grows where the profile is wrong.
  load: 0.6,
  isClosed: false,
};

const [chain, chainLength] = ['chain', 20];

/** So many requests at once that launches have dozens of members: what each takes of the host shows in nothing else. */
const crowdedStage: HostStage = {
  name: 'crowded host run',
  models: [chain],
  ownModels: new Map([[chain, csvModel('256,128,1152\n'.repeat(chainLength), chain)]]),
  replicas: 80,
  maxSize: 64,
  policies: ['greedy:lanes=1', 'ooo'],
  forNs: 300e6,
  load: null,
  isClosed: true,
};

export const usualStages: readonly HostStage[] = [usualStage, crowdedStage];

/** Until the code is compiled and what is recorded once is recorded. */
const warmUpNs = 500e6;
/** After the last arrival, what is under way may end. */
const drainNs = 50e6;

/** The host's times in a run under one policy. */
export interface HostRun extends HostTimesOfRun {
  /** The policy's name without parameters. */
  readonly policy: string;
}

/** What the addresses of a batched launch's further products take, as the profile has it. */
function productsNs(
  {host}: DeviceProfile,
  kernels: readonly Kernel[],
): (launch: Launch, context: DeviceContext) => number {
  const eachNs = host.per_product_ns?.value ?? 0;
  return ({members, size, steps, method}, {programs, streams}) => {
    if (methods[method] !== 'batched') return 0;
    const cursor = streams.cursor[members[0]];
    let further = 0;
    for (let step = 0; step < steps; step++) {
      const kernel = kernels[programs.classes[cursor + step]];
      if (kernel.op === 'gemm') further += size * (kernel.count - 1);
    }
    return eachNs * further;
  };
}

/** Takes the host's times of a live run; what happens in the first `skipNs` does not count. */
export function hostWatch(
  profile: DeviceProfile,
  kernels: readonly Kernel[],
  skipNs: number,
): {readonly observe: (device: Device) => Device; readonly times: () => HostTimesOfRun} {
  const {nowNs} = loadAddon();
  const measured = new Set(
    profile.measured?.map(
      ({m, n, k, count, dtype, method}) => `${kernelKey({op: 'gemm', m, n, k, count, dtype})} ${method}`,
    ),
  );
  let observed: ObservedDevice | undefined;
  return {
    observe: (device) =>
      (observed = new ObservedDevice(device, {
        now: nowNs,
        isElementwise: (cls) => kernels[cls].op === 'elementwise',
        isMeasured: (cls, method) =>
          kernels[cls].op === 'elementwise' || measured.has(`${kernelKey(kernels[cls])} ${method}`),
        skipNs,
        knownNs: productsNs(profile, kernels),
      })),
    times: () => observed!.times(),
  };
}

/** A run for every policy of the stages. The profile's predictions are what the policies decide by. */
export async function measureHostRuns(
  profile: DeviceProfile,
  session: Session,
  {ordinal = 0, stages = usualStages}: {ordinal?: number; stages?: readonly HostStage[]} = {},
): Promise<HostRun[]> {
  const runs: HostRun[] = [];
  for (const stage of stages) {
    for (const policy of stage.policies) {
      const run = await session.measure(`${stage.name} ${policy}`, () =>
        observeRun(profile, policy, stage, ordinal, session.shouldStop),
      );
      if (run !== null) runs.push(run);
    }
  }
  return runs;
}

async function observeRun(
  profile: DeviceProfile,
  policy: string,
  {models, ownModels, replicas, maxSize, forNs, load, isClosed}: HostStage,
  ordinal: number,
  shouldStop: () => boolean,
): Promise<HostRun> {
  const ns = (value: number): string => `${value}ns`;
  const scenario = parseScenario(
    JSON.stringify({
      duration: ns(warmUpNs + forNs),
      warmup: ns(warmUpNs),
      drain: ns(drainNs),
      memory: false,
      'max-size': maxSize,
      models: Object.fromEntries([...(ownModels ?? [])].map(([name]) => [name, name])),
      tenants: models.map((model) => ({
        name: model,
        model,
        replicas,
        slo: '50ms',
        arrivals: isClosed
          ? {process: 'closed-loop', outstanding: 1, think: '0ns'}
          : // In bursts a host meets graphs that it has not launched for long.
            {process: 'gamma', rate: 20, cv: 2},
      })),
    }),
    'calibration',
  );
  const own = ownModels === undefined ? {} : {models: ownModels};
  const spec = {scenario, ...own, policy, load, replication: 0, directory: '.'};
  // A host as live runs have it.
  const run = await prepareRehearsed(spec, profile, shouldStop);
  const {tenants, classes} = run.workbench;
  const {kernels} = classes;
  const host = hostWatch(profile, kernels, warmUpNs);
  const live = await openLiveHost({
    run,
    spec,
    profile,
    ordinal,
    // As in any live run: recording is part of the host's work.
    recorder: new RunRecorder({tenants, kernels, lanes: run.lanes, window: run.window}),
    shouldStop,
    observe: host.observe,
  });
  try {
    live.run();
  } finally {
    await live.close();
  }
  // What was cut short says too little to be kept.
  if (shouldStop()) throw new CalibrationStopped('calibration stopped; run it again to go on');
  return {policy: run.policy.name, ...host.times()};
}
