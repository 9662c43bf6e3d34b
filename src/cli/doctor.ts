import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';
import {NoDeviceError} from '../scheduler/errors.ts';
import type {CudaProbe, DeviceState} from '../gpu/cuda.ts';
import {text} from './command.ts';
import type {Command} from './command.ts';

/** One thing that live runs need or can use. */
interface Finding {
  readonly name: string;
  readonly found: boolean;
  /** Without it there are no live runs at all. */
  readonly isNeeded: boolean;
  readonly detail: string;
  /** How to get it; empty where it is there. */
  readonly remedy: string;
}

/** Says what the machine has for live runs, and what is missing. */
export const doctor: Command = {
  positionals: {},
  options: {
    format: text('Form of the output', {choices: ['table', 'json'], default: 'table'}),
    cublas: text('libcublas.so, or the folder that holds it'),
    nvrtc: text('libnvrtc.so, or the folder that holds it'),
  },
  examples: [['$0 doctor', 'exit code 4: no GPU to use']],
  async run({format, cublas, nvrtc}, io) {
    const {deviceState, probe} = await import('../gpu/cuda.ts');
    const found = probe({
      ...(typeof cublas === 'string' ? {cublas} : {}),
      ...(typeof nvrtc === 'string' ? {nvrtc} : {}),
    });
    const states = found.devices.map((device) => deviceState(device));
    const findings = [...requirementsOf(found, states), mpsControl(io.env['PATH'] ?? ''), await tensorFlow()];
    if (format === 'json') {
      const devices = found.devices.map((device, i) => ({...device, state: states[i]}));
      io.stdout.write(
        `${JSON.stringify({usable: found.reason === null, reason: found.reason, devices, findings}, null, 2)}\n`,
      );
    } else {
      for (const {name, found: there, isNeeded, detail, remedy} of findings) {
        const mark = there ? 'ok     ' : isNeeded ? 'missing' : 'absent ';
        io.stdout.write(`${mark}  ${name.padEnd(14)}  ${detail}\n`);
        if (remedy !== '') io.stdout.write(`${' '.repeat(25)}${remedy}\n`);
      }
    }
    if (found.reason !== null) throw new NoDeviceError(`no GPU to use: ${found.reason}`);
  },
};

function requirementsOf(found: CudaProbe, states: readonly (DeviceState | null)[]): Finding[] {
  const {driver, devices, cublas, nvrtc, nvml, reason} = found;
  const hasAddon = reason === null || !reason.startsWith('missing GPU addon');
  const needed = (name: string, detail: string | null, why: string, remedy: string): Finding => ({
    name,
    found: detail !== null,
    isNeeded: true,
    detail: detail ?? why,
    remedy: detail === null ? remedy : '',
  });
  const library = (report: {path: string; version: string} | null): string | null =>
    report === null ? null : [report.version, `(${report.path})`].join(' ').trim();
  const unknown = 'not looked for: what is above comes first';
  return [
    needed(
      'GPU addon',
      hasAddon ? 'loaded' : null,
      'not built',
      'npm run build:gpu (needs g++, no CUDA toolkit)',
    ),
    needed(
      'CUDA driver',
      library(driver),
      hasAddon ? (reason ?? '') : unknown,
      'install the NVIDIA driver; in a container, start it with --gpus all',
    ),
    needed(
      'GPU',
      devices.length > 0 ? devices.map((device, i) => deviceText(device, states[i])).join('; ') : null,
      driver === null ? unknown : (reason ?? ''),
      'check nvidia-smi and CUDA_VISIBLE_DEVICES',
    ),
    needed(
      'cuBLAS',
      library(cublas),
      devices.length === 0 ? unknown : (reason ?? ''),
      'pip install nvidia-cublas-cu12 (or a CUDA toolkit), and set SUPERKERNEL_CUBLAS to the folder with libcublas.so',
    ),
    needed(
      'NVRTC',
      library(nvrtc),
      'not found: no element-wise kernels, no random operands, no device times',
      'pip install nvidia-cuda-nvrtc-cu12 (or a CUDA toolkit), and set SUPERKERNEL_NVRTC to the folder with libnvrtc.so',
    ),
    {
      ...needed(
        'NVML',
        library(nvml),
        'not found: clocks, power and temperature stay unknown',
        'it comes with the driver',
      ),
      isNeeded: false,
    },
  ];
}

/** NVML's bits for clocks that are lower than they could be; an idle GPU sets others. */
const throttles: readonly (readonly [number, string])[] = [
  [4, 'its power cap'],
  [8, 'hardware'],
  [32, 'its temperature'],
  [64, 'its temperature, in hardware'],
  [128, 'the power supply'],
];

function deviceText(
  {name, multiprocessors, memoryBytes, computeMajor, computeMinor, computeMode}: CudaProbe['devices'][number],
  state: DeviceState | null,
): string {
  const facts = [
    `${multiprocessors} SMs`,
    `${(memoryBytes / 1e9).toFixed(1)} GB`,
    `compute ${computeMajor}.${computeMinor}`,
  ];
  if (state !== null) {
    const readings: [number, string][] = [
      [state.smClockMHz, 'MHz'],
      [state.memoryClockMHz, 'MHz memory'],
      [Math.round(state.powerWatts), 'W'],
      [state.temperatureCelsius, 'C'],
    ];
    for (const [value, unit] of readings) if (!Number.isNaN(value)) facts.push(`${value} ${unit}`);
    const throttled = throttles.filter(([bit]) => (state.throttleReasons & bit) !== 0).map(([, why]) => why);
    if (throttled.length > 0) facts.push(`throttled by ${throttled.join(', ')}`);
  }
  if (computeMode === 2) facts.push('compute mode prohibited: nvidia-smi -c 0 allows contexts');
  if (computeMode === 3) facts.push('compute mode exclusive: one process at a time');
  return `${name}, ${facts.join(', ')}`;
}

/** Only the policies of the papers' baseline that share the GPU through MPS need it. */
function mpsControl(path: string): Finding {
  const name = 'nvidia-cuda-mps-control';
  const file = path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  return {
    name: 'MPS',
    found: file !== undefined,
    isNeeded: false,
    detail: file ?? `${name} not found on PATH: no live runs of the mps policy`,
    remedy: file === undefined ? 'it comes with the driver (nvidia-compute-utils on Debian and Ubuntu)' : '',
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Only `calibrate --profiler tfjs` needs it. */
async function tensorFlow(): Promise<Finding> {
  const {tensorFlowStatus} = await import('../gpu/tensorflow/library.ts');
  const {version, reason, remedy} = await tensorFlowStatus();
  const name = `@tensorflow/tfjs-node-gpu${version === null ? '' : ` ${version}`}`;
  return {
    name: 'TensorFlow.js',
    found: reason === null,
    isNeeded: false,
    detail:
      reason === null ? name : `${name} does not load: ${reason} (only calibrate --profiler tfjs needs it)`,
    remedy,
  };
}
