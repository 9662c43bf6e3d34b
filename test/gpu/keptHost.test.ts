// One host for several runs: each begins as on a host of its own, and one that fails is the only one that does.
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {KeptHost} from '../../src/experiment/keptHost.ts';
import {liveRun} from '../../src/experiment/live.ts';
import {openLiveHost} from '../../src/experiment/liveHost.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {CannotRunError, prepareRun} from '../../src/experiment/simulate.ts';
import type {RunSpec} from '../../src/experiment/simulate.ts';
import {probe} from '../../src/gpu/cuda.ts';
import {CudaDevice} from '../../src/gpu/cudaDevice.ts';
import {LaunchLog} from '../../src/metrics/launchLog.ts';
import type {LoggedLaunch} from '../../src/metrics/launchLog.ts';
import type {RunSummary} from '../../src/metrics/result.ts';
import {DeviceError} from '../../src/scheduler/errors.ts';
import {recordBoth} from '../../src/scheduler/recorder.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {paths, unavailable} from '../fake-cuda/standIn.ts';
import {liveSpec} from './liveSpec.ts';

const faults = ['FAKE_CUDA_LOSE', 'FAKE_CUDA_FAIL', 'FAKE_CUDA_KERNEL_US'];

describe.skipIf(unavailable)('a kept host on the stand-in', () => {
  const profile = readProfile('v100');
  let kept: KeptHost;
  /** How many devices have been closed. */
  let closed: () => number;

  beforeEach(() => {
    probe(paths);
    kept = new KeptHost();
    const close = vi.spyOn(CudaDevice.prototype, 'close');
    closed = () => close.mock.calls.length;
  });
  afterEach(async () => {
    for (const name of faults) delete process.env[name];
    await kept.close();
    vi.restoreAllMocks();
  });

  /** A run, on the kept host or on one of its own, with the times of its arrivals and the ids and classes of its launches. */
  const run = async (spec: RunSpec, on?: KeptHost, shouldStop?: () => boolean) => {
    const arrivals: number[] = [];
    const log = new LaunchLog();
    const noted: Recorder = {
      arrived: (_, at) => arrivals.push(at),
      completed: () => {},
      dropped: () => {},
      launched: () => {},
      finished: () => {},
    };
    const summary: RunSummary = await liveRun(spec, profile, {
      recorder: recordBoth(log, noted),
      ...(on === undefined ? {} : {kept: on}),
      ...(shouldStop === undefined ? {} : {shouldStop}),
    });
    return {summary, arrivals, launches: log.inOrder()};
  };

  /** Kernels of requests, each counted however it was batched. */
  const servedKernels = (launches: readonly LoggedLaunch[]): number =>
    launches.reduce((sum, {size, steps, batch}) => sum + size * steps * batch, 0);

  test.for(['ooo', 'exclusive:max-batch=4'])(
    'runs under %s have their own arrivals and metrics, whatever came before on it',
    async (policy) => {
      const specs: RunSpec[] = [
        {...liveSpec(policy, 60), load: 0.0001},
        {...liveSpec(policy, 60, {replication: 1}), load: 0.0001},
        {...liveSpec(policy, 60), load: 0.0002},
      ];
      const seen: Awaited<ReturnType<typeof run>>[] = [];
      for (const spec of specs) seen.push(await run(spec, kept));
      expect(closed()).toBe(0);
      // Two hosts at once do not fit.
      await kept.close();
      for (const [i, {summary, arrivals, launches}] of seen.entries()) {
        const own = await run(specs[i]);
        expect(arrivals).toEqual(own.arrivals);
        expect(arrivals.length).toBeGreaterThan(0);
        for (const field of ['seed', 'load', 'arrived', 'completed', 'unfinished', 'ended'] as const)
          expect(summary[field]).toEqual(own.summary[field]);
        // All of the run's: how many end inside its window depends on the host.
        expect(servedKernels(launches)).toBe(servedKernels(own.launches));
        expect(summary.kernels).toBeLessThanOrEqual(servedKernels(launches));
        expect(launches[0].id).toBe(0);
        expect(launches[0].kernel).toBe(0);
      }
    },
  );

  test('is closed before another policy, another scenario and a run that keeps none', async () => {
    await run(liveSpec('greedy', 60), kept);
    await run(liveSpec('slo', 60), kept);
    expect(closed()).toBe(1);
    await run(liveSpec('slo', 60, {drain: '20s'}), kept);
    expect(closed()).toBe(2);
    await kept.close();
    await kept.close();
    expect(closed()).toBe(3);
  });

  test('begins with nothing in flight and nothing recorded by a run that was cut off', async () => {
    process.env['FAKE_CUDA_KERNEL_US'] = '3000';
    const first = await run(liveSpec('greedy', 1000, {drain: '0ms'}), kept);
    expect(first.summary.ended).toBe('limit');
    delete process.env['FAKE_CUDA_KERNEL_US'];
    const second = await run(liveSpec('greedy', 1000, {drain: '0ms', replication: 1}), kept);
    expect(closed()).toBe(0);
    expect(second.launches.length).toBeGreaterThan(0);
    expect(second.launches[0]).toMatchObject({id: 0, beside: 0});
    expect(Math.min(...second.launches.map(({freeAt}) => freeAt))).toBeGreaterThan(0);
  });

  test('is lost with a device, and the next run opens another', async () => {
    const spec = liveSpec('greedy', 60);
    await run(spec, kept);
    process.env['FAKE_CUDA_LOSE'] = '20';
    await expect(run(spec, kept)).rejects.toThrow(DeviceError);
    delete process.env['FAKE_CUDA_LOSE'];
    expect(closed()).toBe(1);
    const {summary} = await run(spec, kept);
    expect(summary.completed).toBe(summary.arrived);
    expect(summary.completed).toBeGreaterThan(5);
    expect(closed()).toBe(1);
  });

  test('that cannot be opened is none, and the next run opens another', async () => {
    const spec = liveSpec('greedy', 60);
    process.env['FAKE_CUDA_FAIL'] = 'cuMemAlloc_v2=2@3';
    await expect(run(spec, kept)).rejects.toThrow(CannotRunError);
    delete process.env['FAKE_CUDA_FAIL'];
    const {summary} = await run(spec, kept);
    expect(summary.completed).toBe(summary.arrived);
  });

  test('is closed by a run that is stopped', async () => {
    let asked = 0;
    const {summary} = await run(liveSpec('greedy', 60), kept, () => ++asked > 200);
    expect(summary.ended).toBe('stopped');
    expect(closed()).toBe(1);
  });

  test('cannot be rewound where a run has formed batches that nobody had foreseen', async () => {
    const spec = liveSpec('greedy', 60);
    const prepared = await prepareRun(spec, profile);
    const recorder = new LaunchLog();
    const shouldStop = (): boolean => false;
    const host = await openLiveHost({run: prepared, spec, profile, ordinal: 0, recorder, shouldStop});
    try {
      host.run();
      await host.rest();
      expect(host.canRewind).toBe(true);
      prepared.workbench.tenants[0].program(3);
      expect(host.canRewind).toBe(false);
    } finally {
      await host.close();
    }
  });
});
