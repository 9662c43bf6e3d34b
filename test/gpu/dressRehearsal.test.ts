// What is rehearsed on the device leaves nothing behind in the run.
import {afterEach, describe, expect, test, vi} from 'vitest';
import {liveRun} from '../../src/experiment/live.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {probe} from '../../src/gpu/cuda.ts';
import {CudaDevice} from '../../src/gpu/cudaDevice.ts';
import {paths, unavailable} from '../fake-cuda/standIn.ts';
import {liveSpec} from './liveSpec.ts';

describe.skipIf(unavailable)('a rehearsal on the stand-in', () => {
  afterEach(() => delete process.env['FAKE_CUDA_KERNEL_US']);

  test.for(['ooo', 'greedy', 'streams:host-threads=shared'])(
    'of %s takes none of the run’s requests, and adds none',
    async (policy) => {
      probe(paths);
      const seen = {arrived: [] as number[], completed: 0, live: 0};
      const {arrived, completed, unfinished} = await liveRun(liveSpec(policy, 300), readProfile('v100'), {
        recorder: {
          arrived: (_, at) => seen.arrived.push(at),
          completed: () => seen.completed++,
          dropped: () => {},
          launched: () => {},
          finished: () => {},
        },
      });
      expect(seen.completed).toBe(seen.arrived.length);
      expect(arrived).toBeGreaterThan(60);
      expect([completed, unfinished]).toEqual([arrived, 0]);
      expect(arrived).toBe(seen.arrived.length);
      // Those of the run, in its time.
      expect(Math.max(...seen.arrived)).toBeLessThan(200e6);
      expect(seen.arrived).toEqual(seen.arrived.toSorted((a, b) => a - b));
    },
  );

  test('of few requests has many more of them, so that what they run is compiled', async () => {
    probe(paths);
    const submit = vi.spyOn(CudaDevice.prototype, 'submit');
    let rehearsed = 0;
    try {
      const {arrived} = await liveRun(liveSpec('greedy', 40), readProfile('v100'), {
        recorder: {
          arrived: () => (rehearsed ||= submit.mock.calls.length),
          completed: () => {},
          dropped: () => {},
          launched: () => {},
          finished: () => {},
        },
      });
      // As many as arrive in the run make that many launches at most, of three kernels each.
      expect(rehearsed).toBeGreaterThan(10 * arrived);
    } finally {
      submit.mockRestore();
    }
  });

  test('that cannot be finished is cut off: the run begins with nothing in flight', async () => {
    probe(paths);
    // 16 requests a second in place of the 120 that come.
    process.env['FAKE_CUDA_KERNEL_US'] = '30000';
    const launches: number[] = [];
    let running = 0;
    const run = await liveRun(liveSpec('streams:host-threads=shared', 60), readProfile('v100'), {
      recorder: {
        arrived: () => {},
        completed: () => {},
        dropped: () => {},
        launched: ({id}) => {
          launches.push(id);
          running++;
        },
        finished: () => running--,
      },
    });
    expect(run.completed).toBe(run.arrived);
    expect(run.arrived).toBeGreaterThan(10);
    expect(launches.slice(0, 2)).toEqual([0, 1]);
    expect(running).toBe(0);
  });
});
