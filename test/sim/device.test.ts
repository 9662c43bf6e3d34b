import {methods} from '../../src/scheduler/kernel.ts';
import {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import type {DeviceModel} from '../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../src/sim/virtualClock.ts';
import {deviceContract} from '../contracts/device.ts';

const SINGLE = methods.indexOf('single');

/** Every call of the library takes `kernelNs`; shares are small, so lanes do not slow each other. */
const model = (kernelNs: number): DeviceModel => {
  const durationNs = (_cls: number, size: number, method: number): number =>
    Math.max(1, kernelNs) * (method === SINGLE ? size : 1);
  return {
    durationNs,
    bestMethod: () => SINGLE,
    bestNs: (cls, size) => durationNs(cls, size, SINGLE),
    mixedNs: () => Math.max(1, kernelNs),
    submitNs: () => 5000,
    followNs: () => 5000,
    stepGapNs: () => 1000,
    interference: 0,
    smShare: () => 0.1,
    bandwidthShare: () => 0.1,
  };
};

for (const scheme of ['one-context', 'mps', 'dedicated'] as const) {
  deviceContract(
    `SimulatedDevice, ${scheme},`,
    ({lanes, depth}, kernelNs) => {
      const clock = new VirtualClock();
      const device = new SimulatedDevice({
        clock,
        model: model(kernelNs),
        lanes,
        depth,
        sharing: {
          scheme,
          sliceNs: 2e6,
          switchNs: 0,
          yieldNs: 0,
          interference: 0,
          crowding: 1,
          maxConcurrent: 128,
        },
        host: {threads: scheme === 'one-context' ? 'shared' : 'per-lane', detectNs: 1500, decideNs: 500},
        gapNs: 1000,
      });
      return {device, clock, close: () => undefined};
    },
    {
      hasChosenTimes: true,
      skip: [
        {
          test: 'a launch that fails is marked, and completes in its turn like any other',
          reason: 'simulated launches do not fail',
        },
      ],
    },
  );
}
