// One run on a GPU: what `simulateRun` does, with a wall clock and a CUDA device in place of the simulated ones.
import {openContext, loadAddon} from '../gpu/cuda.ts';
import {CudaDevice} from '../gpu/cudaDevice.ts';
import {WallClock} from '../gpu/wallClock.ts';
import type {RunSummary} from '../metrics/result.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import {prepareRun, summariseRun, superkernelLimit} from './simulate.ts';
import type {RunSpec} from './simulate.ts';

/** Most products of one batched call; a superkernel of more runs its members one after another. */
const mostProducts = 16_384;

/** Decisions between two looks at whether to stop: well under a millisecond of a live run. */
const decisionsPerLook = 64;

/**
 * Runs a spec on the GPU with the CUDA ordinal `ordinal`. Predictions, which policies decide by, come from `profile`.
 * Latency counts from the intended arrival, so a host that cannot keep up shows.
 */
export async function liveRun(
  spec: RunSpec,
  profile: DeviceProfile,
  options: {ordinal?: number; recorder?: Recorder; shouldStop?: () => boolean} = {},
): Promise<RunSummary> {
  const {scenario} = spec;
  const run = await prepareRun(spec, profile);
  const {workbench, policy, setup, lanes} = run;
  const {tenants, classes, programs, groups, model} = workbench;
  const context = openContext({
    device: options.ordinal ?? 0,
    lanes,
    maxMembers: mostProducts,
    ringSlots: 64,
    pointers: 'mapped',
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
    const metrics = new RunRecorder({tenants, kernels: classes.kernels, lanes, window: run.window});
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
      recorder: options.recorder === undefined ? metrics : recordBoth(metrics, options.recorder),
      maxSize: superkernelLimit(scenario, setup),
      decisionsPerLook,
    });
    metrics.attach(scheduler);
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
