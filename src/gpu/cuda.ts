// CUDA for the rest of src/gpu: finds the libraries, opens a context on a device, and names what goes wrong.

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {DeviceError, InputError, NoDeviceError} from '../scheduler/errors.ts';
import type {DataType} from '../scheduler/kernel.ts';
import type {
  DeviceProperties,
  DeviceState,
  LibraryReport,
  NativeAddon,
  NativeContext,
} from './native/binding.ts';

export type {
  ClockReading,
  DeviceProperties,
  DeviceState,
  NativeContext as CudaContext,
} from './native/binding.ts';

/** A call into CUDA, cuBLAS or NVRTC that failed. */
export class CudaError extends DeviceError {
  override readonly code: string = 'CUDA';
  /** The function, e.g. `cublasGemmEx`; empty where the addon itself refused. */
  readonly call: string;
  /** The library's name for the failure, e.g. `CUDA_ERROR_INVALID_VALUE`, or the addon's, e.g. `RING_FULL`. */
  readonly status: string;

  constructor(message: string, call: string, status: string) {
    super(message);
    this.call = call;
    this.status = status;
  }
}

/** The device, or the host's page-locked memory, has no room for what was asked. The context is still good. */
export class OutOfMemoryError extends CudaError {
  override readonly code: string = 'OUT_OF_MEMORY';
}

/** A kernel broke the context, or the device is gone: every later call fails too. Destroy the context. */
export class DeviceLostError extends CudaError {
  override readonly code: string = 'DEVICE_LOST';
}

// cuda.h says of each: "this leaves the process in an inconsistent state and any further CUDA work will return the same
// error", or that the device or the MPS server is gone.
const lost = new Set([
  'CUDA_ERROR_DEVICE_UNAVAILABLE',
  'CUDA_ERROR_ECC_UNCORRECTABLE',
  'CUDA_ERROR_NVLINK_UNCORRECTABLE',
  'CUDA_ERROR_CONTAINED',
  'CUDA_ERROR_ILLEGAL_ADDRESS',
  'CUDA_ERROR_LAUNCH_TIMEOUT',
  'CUDA_ERROR_ASSERT',
  'CUDA_ERROR_HARDWARE_STACK_ERROR',
  'CUDA_ERROR_ILLEGAL_INSTRUCTION',
  'CUDA_ERROR_MISALIGNED_ADDRESS',
  'CUDA_ERROR_INVALID_ADDRESS_SPACE',
  'CUDA_ERROR_INVALID_PC',
  'CUDA_ERROR_LAUNCH_FAILED',
  'CUDA_ERROR_TENSOR_MEMORY_LEAK',
  'CUDA_ERROR_EXTERNAL_DEVICE',
  'CUDA_ERROR_MPS_RPC_FAILURE',
  'CUDA_ERROR_MPS_CLIENT_TERMINATED',
]);
const outOfMemory = new Set(['CUDA_ERROR_OUT_OF_MEMORY', 'CUBLAS_STATUS_ALLOC_FAILED']);
const noDevice = new Set([
  'CUDA_ERROR_NO_DEVICE',
  'CUDA_ERROR_STUB_LIBRARY',
  'CUDA_ERROR_SYSTEM_DRIVER_MISMATCH',
  'CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE',
]);

function errorOf(message: string, call: string, status: string): Error {
  if (outOfMemory.has(status)) return new OutOfMemoryError(message, call, status);
  if (lost.has(status)) return new DeviceLostError(message, call, status);
  if (noDevice.has(status)) return new NoDeviceError(message);
  return new CudaError(message, call, status);
}

const requireFrom = createRequire(import.meta.url);
/** The addon, and its clock as a function. */
export interface Addon extends NativeAddon {
  /** CLOCK_MONOTONIC in whole ns. */
  nowNs(): number;
}

let addon: Addon | undefined;

/** The nearest folder above this file with a package.json: the same from src/ and from dist/src/. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** The native addon: build/Release/gpu.node, else a prebuild. Throws a NoDeviceError where there is none. */
export function loadAddon(): Addon {
  if (addon) return addon;
  const load: (folder: string) => NativeAddon = requireFrom('node-gyp-build');
  let loaded: NativeAddon;
  try {
    loaded = load(packageRoot());
  } catch (cause) {
    throw new NoDeviceError(
      'missing GPU addon: build it with "npm run build:gpu" (needs g++, no CUDA toolkit)',
      {cause},
    );
  }
  loaded.setErrorFactory(errorOf);
  const {tick, clock} = loaded;
  const nowNs = (): number => {
    tick();
    return clock[0];
  };
  return (addon = {...loaded, nowNs});
}

/** Where to find libraries other than by the usual search; a file, or a folder that holds it. */
export interface CudaPaths {
  /** `libcuda.so.1`. It comes with the driver, so only a stand-in lies elsewhere. */
  readonly driver?: string;
  readonly cublas?: string;
  readonly nvrtc?: string;
}

const libraryKinds = {driver: 0, cublas: 1, nvrtc: 2, nvml: 3};
const libraryNames: Record<number, {cublas: string; nvrtc: readonly string[]}> = {
  13: {cublas: 'libcublas.so.13', nvrtc: ['libnvrtc.so.13']},
  12: {cublas: 'libcublas.so.12', nvrtc: ['libnvrtc.so.12']},
  11: {cublas: 'libcublas.so.11', nvrtc: ['libnvrtc.so.11.2', 'libnvrtc.so.11.1']},
};

/** File names to try, in order: as given, else by the loader's own search, then where toolkits usually lie. */
function candidates(names: readonly string[], given: string | undefined): string[] {
  if (given) return given.includes('.so') ? [given] : names.map((name) => join(given, name));
  const home = process.env['CUDA_HOME'] ?? process.env['CUDA_PATH'];
  const target = process.arch === 'arm64' ? 'sbsa-linux' : 'x86_64-linux';
  const folders = ['/usr/local/cuda/lib64', `/usr/local/cuda/targets/${target}/lib`];
  if (home) folders.unshift(join(home, 'lib64'));
  return names.flatMap((name) => [name, ...folders.map((folder) => join(folder, name))]);
}

/**
 * The CUDA majors whose libraries can run here. A driver runs libraries of its own major and older ones; CUDA 13 dropped
 * every GPU before compute capability 7.5, the V100 among them.
 */
function usableMajors(driverVersion: string, devices: readonly DeviceProperties[]): number[] {
  const newest = Number.parseInt(driverVersion, 10);
  const before75 = devices.some((device) => device.computeMajor * 10 + device.computeMinor < 75);
  return [13, 12, 11].filter((major) => !(major > newest) && !(major === 13 && before75));
}

/** What a machine has for live runs. `reason` says in one clause why there is nothing to run on, or is null. */
export interface CudaProbe {
  readonly driver: LibraryReport | null;
  readonly cublas: LibraryReport | null;
  readonly nvrtc: LibraryReport | null;
  readonly nvml: LibraryReport | null;
  readonly devices: readonly DeviceProperties[];
  readonly reason: string | null;
}

const nothing: CudaProbe = {driver: null, cublas: null, nvrtc: null, nvml: null, devices: [], reason: null};

/** Looks for the addon, the driver, devices and libraries. Never throws. */
export function probe(paths: CudaPaths = {}): CudaProbe {
  let devices: DeviceProperties[] = [];
  let driver: LibraryReport | null = null;
  try {
    const native = loadAddon();
    const opened = native.open(libraryKinds.driver, [paths.driver ?? 'libcuda.so.1']);
    if (!opened.path) return {...nothing, reason: `CUDA driver not found (${opened.reasons[0]})`};
    driver = opened;
    devices = native.devices();
    const majors = usableMajors(driver.version, devices);
    const names = majors.map((major) => libraryNames[major]);
    const cublas = native.open(
      libraryKinds.cublas,
      candidates(
        names.map((name) => name.cublas),
        paths.cublas ?? process.env['SUPERKERNEL_CUBLAS'],
      ),
    );
    const nvrtc = native.open(
      libraryKinds.nvrtc,
      candidates(
        names.flatMap((name) => name.nvrtc),
        paths.nvrtc ?? process.env['SUPERKERNEL_NVRTC'],
      ),
    );
    const nvml = native.open(libraryKinds.nvml, ['libnvidia-ml.so.1']);
    const reason =
      devices.length === 0 ? 'the CUDA driver reports no device' : cublas.path ? null : missingCublas(cublas);
    return {driver, cublas: found(cublas), nvrtc: found(nvrtc), nvml: found(nvml), devices, reason};
  } catch (error) {
    return {...nothing, driver, devices, reason: error instanceof Error ? error.message : String(error)};
  }
}

function found(report: LibraryReport): LibraryReport | null {
  return report.path ? report : null;
}

function missingCublas(report: LibraryReport): string {
  // The bare names fail alike; a reason with "symbol" or a version in it is the one that tells.
  const telling = report.reasons.find(
    (reason) => !reason.includes('cannot open shared object file: No such file'),
  );
  const tried = telling ?? report.reasons[0] ?? 'no version fits the driver';
  return `cuBLAS not found (${tried}); name it with SUPERKERNEL_CUBLAS`;
}

/** How a context is made. Every default is a choice that a benchmark may overturn. */
export interface ContextOptions extends CudaPaths {
  /** CUDA ordinal. Default 0. */
  readonly device?: number;
  /** In-order execution slots, each a stream with its own cuBLAS handle. Default 4. */
  readonly lanes?: number;
  /** cuBLAS workspace of a lane; 0 leaves it to cuBLAS. Default 32 MiB from compute capability 9.0 on, else 4 MiB. */
  readonly workspaceBytes?: number;
  /** Products of one launch at most. Default 256. */
  readonly maxMembers?: number;
  /** Launches with operand pointers, and launches timed, that a lane may hold in flight. Default 64. */
  readonly ringSlots?: number;
  /** The device's primary context, or one of our own (to time-slice contexts in one process). Default primary. */
  readonly context?: 'primary' | 'own';
  /** Stream priorities by lane, lower is more urgent; lanes beyond have 0. */
  readonly priorities?: readonly number[];
  /** How device times are taken: event pairs, or a kernel of ours that reads %globaltimer. Default none. */
  readonly timing?: 'none' | 'events' | 'globaltimer';
  /** How completion flags are written. Default by the stream itself, where the driver can. */
  readonly completion?: 'writeValue' | 'memset';
  /** Operand pointers are copied to the device in the stream, or read from page-locked memory. Default copy. */
  readonly pointers?: 'copy' | 'mapped';
}

const timings = ['none', 'events', 'globaltimer'];
// What NVIDIA recommends in the documentation of cublasSetWorkspace.
const hopperWorkspace = 32 << 20;
const earlierWorkspace = 4 << 20;

function wholeNumber(name: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new InputError(`invalid ${name}: ${value} (expected a whole number from ${low} to ${high})`);
}

/** Throws a NoDeviceError, with the reason, where there is no GPU to use. */
export function requireDevice(paths: CudaPaths = {}): readonly DeviceProperties[] {
  const {reason, devices} = probe(paths);
  if (reason !== null) throw new NoDeviceError(`no GPU to use: ${reason}`);
  return devices;
}

/** Opens a context on a device. Throws a NoDeviceError, with the reason, where there is none to use. */
export function openContext(options: ContextOptions = {}): NativeContext {
  const devices = requireDevice(options);
  const ordinal = wholeNumber('device', options.device ?? 0, 0, devices.length - 1);
  const timing = timings.indexOf(options.timing ?? 'none');
  if (timing < 0) throw new InputError(`unknown timing: ${options.timing} (known: ${timings.join(', ')})`);
  const workspace = devices[ordinal].computeMajor >= 9 ? hopperWorkspace : earlierWorkspace;
  return new (loadAddon().Context)(ordinal, {
    lanes: wholeNumber('lanes', options.lanes ?? 4, 1, 1024),
    workspaceBytes: wholeNumber('workspaceBytes', options.workspaceBytes ?? workspace, 0, 2 ** 32),
    maxMembers: wholeNumber('maxMembers', options.maxMembers ?? 256, 1, 65_536),
    ringSlots: wholeNumber('ringSlots', options.ringSlots ?? 64, 1, 65_536),
    ownContext: options.context === 'own',
    priorities: Int32Array.from(options.priorities ?? []),
    timing,
    memsetFlags: options.completion === 'memset',
    mappedPointers: options.pointers === 'mapped',
  });
}

/** Clocks, power and temperature of a device now, or null where NVML is missing or refuses. */
export function deviceState(device: DeviceProperties): DeviceState | null {
  const native = loadAddon();
  if (!native.open(libraryKinds.nvml, ['libnvidia-ml.so.1']).path) return null;
  try {
    return native.nvml(device.busId);
  } catch (error) {
    if (error instanceof CudaError) return null;
    throw error;
  }
}

const dataTypeCodes: Record<DataType, number> = {fp32: 0, tf32: 1, fp16: 2, bf16: 3};

/** The addon's code of a data type. */
export function dataTypeCode(dtype: DataType): number {
  return dataTypeCodes[dtype];
}
