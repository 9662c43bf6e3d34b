// What goes wrong on the device in the middle of a live run: the run goes on where it can, and ends with a sentence where not.
import {afterAll, describe} from 'vitest';
import {survivesFaults} from '../contracts/liveFaults.ts';
import {standInPlace, unavailable} from './standInPlace.ts';

describe.skipIf(unavailable)('on the stand-in', () => {
  const place = standInPlace();
  afterAll(() => place.remove());

  survivesFaults({
    place,
    scenario: 'tiny.yaml',
    tenants: 4,
    straggling: {rate: 150, env: {FAKE_CUDA_KERNEL_US: '300'}},
    // Launches are recorded graphs, which the driver runs; without them, cuBLAS calls.
    refusing: [
      {
        name: 'a recorded launch',
        args: ['--policy', 'greedy', '--set', 'duration=1s'],
        env: {FAKE_CUDA_FAIL: 'cuGraphLaunch=1@run+10,cuGraphLaunch=1@run+30,cuGraphLaunch=1@run+50'},
        launches: 3,
      },
      {
        name: 'a launch that is not recorded',
        args: ['--policy', 'greedy', '--set', 'graphs=false', '--set', 'duration=1s'],
        env: {
          FAKE_CUDA_FAIL:
            'cublasGemmEx=14@run+10,cublasGemmEx=14@run+20,cublasGemmStridedBatchedEx=14@run+10',
        },
        launches: 3,
      },
    ],
    memoryInUse: () => null,
  });
});
