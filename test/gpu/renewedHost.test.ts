// A host that is kept for further runs: what one run leaves undone is nothing to the next one.
import {afterEach, describe, expect, test} from 'vitest';
import {openLiveHost} from '../../src/experiment/liveHost.ts';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {prepareRun} from '../../src/experiment/simulate.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {probe} from '../../src/gpu/cuda.ts';
import {paths, unavailable} from '../fake-cuda/standIn.ts';
import {liveSpec} from './liveSpec.ts';

/** Counts what happens in a run. */
function counter() {
  const seen = {arrived: 0, completed: 0, running: 0, firstLaunch: -1};
  const recorder: Recorder = {
    arrived: () => seen.arrived++,
    completed: () => seen.completed++,
    dropped: () => {},
    launched: ({id}) => {
      if (seen.firstLaunch < 0) seen.firstLaunch = id;
      seen.running++;
    },
    finished: () => seen.running--,
  };
  return {seen, recorder};
}

describe.skipIf(unavailable)('a kept host on the stand-in', () => {
  afterEach(() => delete process.env['FAKE_CUDA_KERNEL_US']);

  const profile = readProfile('v100');
  const shouldStop = (): boolean => false;
  test.for(['ooo', 'greedy', 'streams:host-threads=shared'])(
    'under %s serves a run after one that was cut off',
    async (policy) => {
      probe(paths);
      process.env['FAKE_CUDA_KERNEL_US'] = '3000';
      const first = counter();
      const spec = liveSpec(policy, 1000, {drain: '0ms'});
      const run = await prepareRun(spec, profile);
      const {recorder} = first;
      const host = await openLiveHost({run, spec, profile, ordinal: 0, recorder, shouldStop});
      try {
        expect(host.run().ended).toBe('limit');
        expect(first.seen.completed).toBeLessThan(first.seen.arrived);
        const second = counter();
        const next = await prepareRun(liveSpec(policy, 60, {replication: 1}), profile);
        await host.renew({run: next, recorder: second.recorder});
        const before = {...first.seen};
        expect(host.run().ended).toBe('done');
        const {seen} = second;
        expect(seen.arrived).toBeGreaterThan(8);
        expect(seen.arrived).toBeLessThan(60);
        expect(seen).toMatchObject({completed: seen.arrived, running: 0, firstLaunch: 0});
        expect(first.seen).toEqual(before);
      } finally {
        const times = await host.close();
        expect(times.decisions).toBeGreaterThan(0);
      }
    },
  );
});
