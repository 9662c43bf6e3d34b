// The device that is calibrated: which one, in what state, how much of its memory for operands.
import {deviceState, probe} from '../gpu/cuda.ts';
import type {CudaContext, CudaPaths, CudaProbe, DeviceProperties, DeviceState} from '../gpu/cuda.ts';
import type {Bench} from '../gpu/calibration/bench.ts';
import {OperandPool} from '../gpu/calibration/operandPool.ts';
import type {Work} from '../gpu/calibration/work.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {InputError, NoDeviceError} from '../scheduler/errors.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {profileNames, readProfile} from './profileFiles.ts';

/** The device with a CUDA ordinal. Throws a NoDeviceError where there is none to use. */
export function findDevice(paths: CudaPaths, ordinal: number): {device: DeviceProperties; found: CudaProbe} {
  const found = probe(paths);
  if (found.reason !== null) throw new NoDeviceError(`no GPU to use: ${found.reason}`);
  const device = found.devices[ordinal];
  if (device === undefined) {
    throw new InputError(
      `unknown device: cuda:${ordinal} (expected cuda:0 to cuda:${found.devices.length - 1})`,
    );
  }
  return {device, found};
}

/** Memory for operands: what was asked for, less where the device has less, and what the largest kernel needs at least. */
export function poolFor(context: CudaContext, kernels: readonly Kernel[], wanted: number): OperandPool {
  const {free} = context.memoryInfo();
  const bytes = Math.min(wanted, free / 4);
  const needs = kernels
    .map(OperandPool.needOf)
    .filter(({weights, activations}) => weights + activations < free / 2);
  const weights = Math.max(bytes, ...needs.map((need) => need.weights));
  const activations = Math.max(bytes, ...needs.map((need) => need.activations));
  return new OperandPool(context, weights, activations);
}

/** Clocks, power and temperature while the device works. */
export function loadedState(
  bench: Bench,
  work: Work | undefined,
  device: DeviceProperties,
): DeviceState | null {
  if (work !== undefined) bench.warmUp({...work, size: 1, method: 'single'}, 300e6);
  return deviceState(device);
}

/** In one line, for people. */
export function stateText(state: DeviceState | null): string {
  if (state === null) return 'no NVML';
  const {smClockMHz, memoryClockMHz, powerWatts, temperatureCelsius, throttleReasons} = state;
  return `${smClockMHz} MHz, memory ${memoryClockMHz} MHz, ${powerWatts.toFixed(0)} W, ${temperatureCelsius} C, throttle ${throttleReasons}`;
}

/** The profile whose numbers stand in for what was not measured: one of the same GPU, else the V100's. */
export function baseFor(device: DeviceProperties): DeviceProfile {
  for (const name of profileNames()) {
    const profile = readProfile(name);
    if (profile.hardware.gpu === device.name && profile.gemm.fp32 !== undefined) return profile;
  }
  return readProfile('v100');
}
