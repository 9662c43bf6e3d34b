import type {DeviceProperties} from '../gpu/cuda.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {InputError} from '../scheduler/errors.ts';

/** Drivers and instances keep some memory to themselves; products that share a name differ by more. */
const memoryTolerance = 0.1;

/** What tells the GPU of a profile from the one at hand, in one clause; null where they match. */
export function profileMismatch({hardware}: DeviceProfile, device: DeviceProperties): string | null {
  const {gpu, sms, memory_bytes} = hardware;
  if (plain(gpu) !== plain(device.name)) return `is of another GPU: ${gpu} (found ${device.name})`;
  if (sms.value !== device.multiprocessors) {
    return `is of a GPU with ${sms.value} SMs (found ${device.multiprocessors})`;
  }
  if (Math.abs(device.memoryBytes / memory_bytes.value - 1) > memoryTolerance) {
    const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(0)} GB`;
    return `is of a GPU with ${gb(memory_bytes.value)} (found ${gb(device.memoryBytes)})`;
  }
  return null;
}

/** Throws an InputError unless the profile is of this device: its predictions would steer policies wrongly. */
export function checkProfileMatches(profile: DeviceProfile, device: DeviceProperties): void {
  const mismatch = profileMismatch(profile, device);
  if (mismatch !== null) {
    throw new InputError(
      `profile ${profile.name} ${mismatch}; measure this one with "superkernel calibrate", or give --force`,
    );
  }
}

/**
 * As `checkProfileMatches`; where forced, only warns: policies decide by the profile, and of another GPU they decide by
 * wrong predictions.
 */
export function profileOnDevice(
  profile: DeviceProfile,
  device: DeviceProperties,
  {force, warn}: {readonly force: boolean; readonly warn: (sentence: string) => void},
): void {
  if (!force) {
    checkProfileMatches(profile, device);
    return;
  }
  const mismatch = profileMismatch(profile, device);
  if (mismatch !== null) {
    warn(`profile ${profile.name} ${mismatch}; measure this one with "superkernel calibrate"`);
  }
}

/** `NVIDIA Tesla V100-SXM2-16GB` and `Tesla V100-SXM2-16GB` are one product. */
const plain = (name: string): string =>
  name
    .replace(/^NVIDIA\s+/i, '')
    .trim()
    .toLowerCase();
