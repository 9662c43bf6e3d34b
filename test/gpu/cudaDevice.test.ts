// The live device on the stand-in for CUDA: the device contract, and what only a real library does.
import {afterEach, describe} from 'vitest';
import {loadAddon} from '../../src/gpu/cuda.ts';
import type {CudaContext} from '../../src/gpu/cuda.ts';
import {CudaDevice} from '../../src/gpu/cudaDevice.ts';
import {WallClock} from '../../src/gpu/wallClock.ts';
import {deviceContract} from '../contracts/device.ts';
import type {DeviceRig, DeviceWorld} from '../contracts/device.ts';
import {destroyAll, openStandIn, unavailable, withFaults} from '../fake-cuda/standIn.ts';

/** FAKE_CUDA_KERNEL_US holds from the enqueuing on, so it stays set while the rig is open. */
function makeRig(world: DeviceWorld, kernelNs: number, opened: CudaContext, graphs: boolean): DeviceRig {
  const before = opened.memoryInfo().free;
  const clock = new WallClock(loadAddon().nowNs);
  const device = new CudaDevice({
    context: opened,
    clock,
    kernels: world.classes.kernels,
    tenants: world.tenants,
    lanes: world.lanes,
    depth: world.depth,
    maxMembers: 32,
    maxSize: world.maxSize,
    graphs,
  });
  const {attach} = device;
  // Warming up need not take the time that the test asks for.
  device.attach = (run) => {
    attach.call(device, run);
    if (kernelNs > 0) process.env['FAKE_CUDA_KERNEL_US'] = String(kernelNs / 1e3);
  };
  return {
    device,
    clock,
    failing: (submit) => withFaults({FAIL: graphs ? 'cuGraphLaunch=1@2' : 'cublasGemmEx=14@2'}, submit),
    close() {
      delete process.env['FAKE_CUDA_KERNEL_US'];
      device.close();
      const left = before - opened.memoryInfo().free;
      opened.destroy();
      return left;
    },
  };
}

describe.skipIf(unavailable)('on the stand-in', () => {
  afterEach(destroyAll);

  for (const [name, options, graphs] of [
    ['CudaDevice with graphs', {}, true],
    ['CudaDevice with calls and copied pointers', {pointers: 'copy'}, false],
    ['CudaDevice with calls and mapped pointers', {pointers: 'mapped'}, false],
  ] as const) {
    deviceContract(
      name,
      (world, kernelNs) =>
        makeRig(world, kernelNs, openStandIn({lanes: world.lanes, ringSlots: 64, ...options}), graphs),
      {hasChosenTimes: true},
    );
  }
});
