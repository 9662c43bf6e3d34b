// The live device on this machine's GPU, where there is one: apart from the stand-in's tests, as a process opens one driver.
import {describe} from 'vitest';
import {dataTypeCode, loadAddon, openContext, probe} from '../../src/gpu/cuda.ts';
import type {CudaContext} from '../../src/gpu/cuda.ts';
import {CudaDevice} from '../../src/gpu/cudaDevice.ts';
import {WallClock} from '../../src/gpu/wallClock.ts';
import {deviceContract} from '../contracts/device.ts';

const {reason} = probe();

/** Meanwhile the library is asked for a product of a negative size, which it refuses; the GPU does not see it. */
function whileRefused(context: CudaContext, submit: () => void): void {
  const refused = (lane: number, ticket: number): void =>
    context.submitGemm(lane, ticket, dataTypeCode('fp32'), -1, 1, 1, 0, 0, 0);
  const calls = ['launchGraphs', 'submitSequence'];
  for (const call of calls) Object.defineProperty(context, call, {value: refused, configurable: true});
  try {
    submit();
  } finally {
    // The addon's own again.
    for (const call of calls) Reflect.deleteProperty(context, call);
  }
}

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
          failing: (submit) => whileRefused(context, submit),
          close() {
            device.close();
            context.destroy();
            return undefined;
          },
        };
      },
      {hasChosenTimes: false},
    );
  }
});
