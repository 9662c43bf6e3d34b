// One run on a GPU: what `simulateRun` does, with a wall clock and a CUDA device in place of the simulated ones.
import {openContext, loadAddon} from '../gpu/cuda.ts';
import {CudaDevice} from '../gpu/cudaDevice.ts';
import {WallClock} from '../gpu/wallClock.ts';
import type {RunSummary} from '../metrics/result.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {InputError} from '../scheduler/errors.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import {runIsolated} from './isolated.ts';
import {prepareRun, summariseRun, superkernelLimit} from './simulate.ts';
import type {RunSpec} from './simulate.ts';
import {play} from './tape.ts';

/** Most products of one batched call; a superkernel of more runs its members one after another. */
const mostProducts = 16_384;

/** Decisions between two looks at whether to stop: well under a millisecond of a live run. */
const decisionsPerLook = 64;

export interface LiveOptions {
  /** CUDA ordinal; 0 by default. */
  readonly ordinal?: number;
  readonly recorder?: Recorder;
  readonly shouldStop?: () => boolean;
  /** How tenant processes find the profile; by default as the scenario names it. */
  readonly profileName?: string;
  /** Told what went wrong without ending the run, e.g. a tenant's process that died. */
  readonly warn?: (sentence: string) => void;
}

/**
 * Runs a spec on the GPU with the CUDA ordinal `ordinal`. Predictions, which policies decide by, come from `profile`.
 * Latency counts from the intended arrival, so a host that cannot keep up shows.
 */
export async function liveRun(
  spec: RunSpec,
  profile: DeviceProfile,
  options: LiveOptions = {},
): Promise<RunSummary> {
  const {scenario} = spec;
  const run = await prepareRun(spec, profile);
  const {workbench, policy, setup, lanes} = run;
  const {tenants, classes, programs, groups, model} = workbench;
  const metrics = new RunRecorder({tenants, kernels: classes.kernels, lanes, window: run.window});
  const recorder = options.recorder === undefined ? metrics : recordBoth(metrics, options.recorder);
  const ordinal = options.ordinal ?? 0;
  if (setup.host === 'per-lane') {
    const scheme = setup.sharing === 'mps' || setup.sharing === 'time-slice' ? setup.sharing : 'threads';
    if (setup.sharing === 'dedicated' || setup.lanes !== 'per-tenant') {
      throw new InputError(
        `${spec.policy} cannot run live on one GPU: it needs one for every tenant or shared lanes per host`,
      );
    }
    const {tapes, endedAtNs, failures} = await runIsolated({
      spec,
      profile: options.profileName ?? scenario.device,
      tenants: tenants.length,
      ordinal,
      scheme,
      limitNs: run.limitNs,
    });
    for (const failure of failures) options.warn?.(failure);
    play(
      tapes.filter((tape) => tape !== null),
      programs,
      recorder,
    );
    return summariseRun(run, spec, profile, metrics, endedAtNs >= run.limitNs ? 'limit' : 'done', endedAtNs);
  }
  const context = openContext({
    device: ordinal,
    lanes,
    maxMembers: mostProducts,
    ringSlots: 64,
  });
  try {
    const clock = new WallClock(loadAddon().nowNs);
    const device = new CudaDevice({
      context,
      clock,
      kernels: classes.kernels,
      tenants,
      lanes,
      depth: setup.depth,
      maxMembers: mostProducts,
    });
    const scheduler = new Scheduler({
      clock,
      device,
      policy,
      arrivals: run.arrivals,
      tenants,
      classes,
      programs,
      groups,
      costs: model,
      recorder,
      maxSize: superkernelLimit(scenario, setup),
      decisionsPerLook,
    });
    clock.restart();
    try {
      const ended = scheduler.run(run.limitNs, options.shouldStop);
      return summariseRun(run, spec, profile, metrics, ended, clock.now());
    } finally {
      device.close();
    }
  } finally {
    context.destroy();
  }
}
