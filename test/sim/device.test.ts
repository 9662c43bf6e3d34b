import {methods} from '../../src/scheduler/kernel.ts';
import {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../src/sim/virtualClock.ts';
import {deviceContract} from '../contracts/device.ts';
import {constantCosts, quietSharing} from '../support/constantCosts.ts';

const SINGLE = methods.indexOf('single');

for (const scheme of ['one-context', 'mps', 'dedicated'] as const) {
  deviceContract(
    `SimulatedDevice, ${scheme},`,
    ({lanes, depth}, kernelNs) => {
      const clock = new VirtualClock();
      const device = new SimulatedDevice({
        clock,
        model: constantCosts(Math.max(1, kernelNs), {
          calls: (size, method) => (method === SINGLE ? size : 1),
          followNs: 5000,
        }),
        lanes,
        depth,
        sharing: {...quietSharing, scheme},
        host: {
          threads: scheme === 'one-context' ? 'shared' : 'per-lane',
          detectNs: 1500,
          decideNs: 500,
          decideMemberNs: 12.5,
        },
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
