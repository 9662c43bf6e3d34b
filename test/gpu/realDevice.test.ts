// The live device on this machine's GPU, where there is one: apart from the stand-in's tests, as a process opens one driver.
import {describe} from 'vitest';
import {loadAddon, openContext, probe} from '../../src/gpu/cuda.ts';
import {CudaDevice} from '../../src/gpu/cudaDevice.ts';
import {WallClock} from '../../src/gpu/wallClock.ts';
import {deviceContract} from '../contracts/device.ts';

const {reason} = probe();

describe.skipIf(reason !== null)(`on this GPU${reason === null ? '' : ` (${reason})`}`, () => {
  for (const graphs of [true, false]) {
    deviceContract(
      graphs ? 'CudaDevice with graphs' : 'CudaDevice with calls',
      ({classes, tenants, lanes, depth, maxSize}) => {
        const context = openContext({lanes, maxMembers: 32, ringSlots: 64});
        const clock = new WallClock(loadAddon().nowNs);
        const {kernels} = classes;
        const device = new CudaDevice({
          context,
          clock,
          kernels,
          tenants,
          lanes,
          depth,
          maxMembers: 32,
          maxSize,
          graphs,
        });
        return {
          device,
          clock,
          close() {
            device.close();
            context.destroy();
            return undefined;
          },
        };
      },
      {
        hasChosenTimes: false,
        skip: [
          {
            test: 'a launch that fails is marked, and completes in its turn like any other',
            reason: 'a real library fails when it likes',
          },
        ],
      },
    );
  }
});
