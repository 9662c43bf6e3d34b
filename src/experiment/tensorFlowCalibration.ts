// A calibration through TensorFlow.js, from its library to the profile in a file.
import {existsSync, renameSync, rmSync} from 'node:fs';
import {cpus} from 'node:os';
import {Journal, partialOf} from '../gpu/calibration/journal.ts';
import {Session} from '../gpu/calibration/session.ts';
import {probe} from '../gpu/cuda.ts';
import type {DeviceProperties} from '../gpu/cuda.ts';
import type {Backend, LoadedTensorFlow} from '../gpu/tensorflow/library.ts';
import {loadTensorFlow} from '../gpu/tensorflow/library.ts';
import {measureTensorFlow} from '../gpu/tensorflow/measure.ts';
import type {TensorFlowMeasurements} from '../gpu/tensorflow/measure.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Elementwise} from '../scheduler/kernel.ts';
import type {Model} from '../workload/models/layer.ts';
import {baseFor} from './calibratedDevice.ts';
import {classesOf, usualExtent} from './calibrationPlan.ts';
import type {Extent} from './calibrationPlan.ts';
import {readProfile, writeProfile} from './profileFiles.ts';
import {tensorFlowProfile} from './tensorFlowProfile.ts';
import type {CalibrationRequest} from './calibrationRequest.ts';

export interface TensorFlowCalibrationOptions extends CalibrationRequest {
  readonly models: readonly Model[];
  /** Inputs in one request; default 1. */
  readonly batches?: readonly number[];
  readonly backend: Backend;
  /** A CUDA device such as `cuda:0`, or the profile that stands in for what is not measured, as `readProfile` takes it. */
  readonly device: string;
  /** Smaller for tests. */
  readonly extent?: Partial<Extent>;
  /** The library, if it is loaded already. */
  readonly loaded?: LoadedTensorFlow;
  /** Monotonic time in ns, by which operations are timed; the machine's by default. */
  readonly nowNs?: () => number;
  /** Time of a round of operations; see `timeOf`. */
  readonly roundNs?: number;
}

export interface TensorFlowCalibration {
  readonly profile: DeviceProfile;
  readonly measurements: TensorFlowMeasurements;
  readonly failed: ReadonlyMap<string, string>;
}

/** Passes from what fits any cache to what fits none, besides those of the models. */
const ladder = [18, 20, 22, 24, 26, 28].map((power) => 2 ** power);
/** Of the models' passes, so many that spread over their sizes. */
const mostPasses = 18;

/** A quarter of what a small GPU has. */
const mostBytes = 2 * 2 ** 30;

/**
 * Measures through TensorFlow.js and writes the profile. Throws a NoDeviceError where the library does not load,
 * CalibrationStopped when asked to stop; what was measured is gone on with by the next call.
 */
export async function calibrateTensorFlow(
  options: TensorFlowCalibrationOptions,
): Promise<TensorFlowCalibration> {
  const {models, batches = [1], output, backend, date, log} = options;
  const extent: Extent = {...usualExtent, generic: [], ...options.extent};
  const {tf, title} = options.loaded ?? (await loadTensorFlow(backend));
  const {device, base} = deviceAndBase(options.device, backend);
  const processor = cpus()[0]?.model ?? 'unknown';
  const gpu = backend === 'gpu' ? (device?.name ?? base.hardware.gpu) : `TensorFlow.js on ${processor}`;
  const partial = partialOf(output);
  if (options.restart === true && existsSync(partial)) rmSync(partial);
  const journal = new Journal(partial, {profiler: 'tfjs', title, gpu, format: 1});
  const nowNs = (): number => Number(process.hrtime.bigint());
  const session = new Session({
    journal,
    nowNs,
    budgetNs: options.budgetNs,
    log,
    ...(options.shouldStop === undefined ? {} : {shouldStop: options.shouldStop}),
  });
  log(`${gpu} through ${title}; what is not measured is that of ${base.name}`);
  if (journal.resumed > 0) log(`going on with ${journal.resumed} measurements in ${partial}`);
  const {classes, elementwise} = classesOf(models, batches, extent);
  const measurements = await measureTensorFlow(
    tf,
    {
      papers: extent.papers,
      kernels: classes.map(({kernel}) => kernel),
      sizes: sizesTo(extent.maxSize),
      elementwise: passesOf(elementwise, extent.poolBytes),
      mostBytes: Math.min(mostBytes, extent.poolBytes),
    },
    session,
    {nowNs: options.nowNs ?? nowNs, ...(options.roundNs === undefined ? {} : {roundNs: options.roundNs})},
  );
  if (measurements.left > 0) log(`the time was up: ${measurements.left} measurements were left out`);
  const profile = tensorFlowProfile(measurements, {
    name: options.name,
    gpu,
    device: backend === 'gpu' ? device : null,
    title,
    date,
    note: [
      "times of operations in a row, the end seen by reading one element; products row-major as B' A'",
      `host ${processor}, Node ${process.versions.node}`,
      `command: ${options.command}`,
    ].join('; '),
    base,
  });
  writeProfile(output, profile);
  renameSync(partial, `${output.replace(/\.json$/, '')}.measurements.jsonl`);
  return {profile, measurements, failed: journal.failed};
}

/** The GPU with a CUDA ordinal as far as the driver tells, and the profile of it or of the nearest that we have. */
function deviceAndBase(
  name: string,
  backend: Backend,
): {device: DeviceProperties | null; base: DeviceProfile} {
  const ordinal = /^(?:cuda:)?(\d+)$/.exec(name)?.[1];
  const device = backend === 'gpu' ? (probe().devices[Number(ordinal ?? 0)] ?? null) : null;
  if (ordinal === undefined) return {device, base: readProfile(name)};
  return {device, base: device === null ? readProfile('v100') : baseFor(device)};
}

/** 1, 2, 4, ... */
function sizesTo(most: number): number[] {
  const sizes = [];
  for (let size = 1; size <= most; size *= 2) sizes.push(size);
  return sizes;
}

function passesOf(ofModels: readonly Elementwise[], most: number): Elementwise[] {
  const sorted = [...new Set(ofModels.map(({bytes}) => bytes))].sort((a, b) => a - b);
  const step = Math.max(1, sorted.length / mostPasses);
  const chosen = Array.from(
    {length: Math.min(mostPasses, sorted.length)},
    (_, i) => sorted[Math.floor(i * step)],
  );
  const sizes = [...new Set([...ladder, ...chosen])].filter((bytes) => bytes <= most);
  return sizes.map((bytes) => ({op: 'elementwise', bytes, dtype: 'fp32'}));
}
