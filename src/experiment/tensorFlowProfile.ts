// From times of TensorFlow.js to a device profile: what it measured on the terms of a base profile.
import {relativeSums} from '../gpu/calibration/samples.ts';
import type {DeviceProperties} from '../gpu/cuda.ts';
import type {HostFloors, PassTime, ProductTime, TensorFlowMeasurements} from '../gpu/tensorflow/measure.ts';
import {parseProfile} from '../profile/parseProfile.ts';
import type {DeviceProfile, MeasuredTable} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';

/** Sources: measured through TensorFlow.js, told by the driver, and not measured at all. */
const measuredHere = 'tfjs';
const toldByDriver = 'driver';
const assumed = 'assumption';

/**
 * Operations that take no more than this many times the host's floor may have taken the device any time below: they tell
 * the host's time and not the device's.
 */
const aboveFloor = 1.25;

export interface TensorFlowProfileOptions {
  readonly name: string;
  /** What was measured, e.g. `NVIDIA H200`, or the CPU where TensorFlow ran there. */
  readonly gpu: string;
  /** As the CUDA driver tells, where there is one. */
  readonly device: DeviceProperties | null;
  /** The library, its version and backend. */
  readonly title: string;
  /** ISO date, e.g. 2026-01-31. */
  readonly date: string;
  /** Command, machine: for people. */
  readonly note: string;
  /** Stands in for what is not measured. */
  readonly base: DeviceProfile;
}

/**
 * The profile. Measured are durations of products, and the host's time of an operation; what is in neither is the base's
 * and marked as an assumption.
 */
export function tensorFlowProfile(
  {floors, products, passes}: TensorFlowMeasurements,
  options: TensorFlowProfileOptions,
): DeviceProfile {
  const {name, gpu, device, title, date, note, base} = options;
  const {measured: _tables, measured_shares: _shares, ...rest} = asAssumed(base) as DeviceProfile;
  const {residuals: _residuals, ...fp32} = rest.gemm.fp32!;
  const {shares: _elementwiseShares, bytes: _bytes, ...pass} = rest.elementwise;
  const told = (value: number) => ({value, source: toldByDriver});
  return parseProfile(
    {
      ...rest,
      name,
      summary: `${gpu}, FP32, measured through TensorFlow.js ${date}; what is not measured is that of ${base.name}`,
      sources: {
        [measuredHere]: {
          title: `superkernel calibrate --profiler tfjs: ${title}`,
          licence: 'none',
          date,
          note,
        },
        ...(device === null
          ? {}
          : {[toldByDriver]: {title: 'as the CUDA driver reports', licence: 'none', date}}),
        [assumed]: {
          title: `assumption: that of the profile ${base.name}, not measured here`,
          licence: 'none',
        },
      },
      hardware: {
        ...rest.hardware,
        gpu,
        ...(device === null
          ? {}
          : {sms: told(device.multiprocessors), memory_bytes: told(device.memoryBytes)}),
      },
      gemm: {fp32},
      elementwise: elementwiseOf(passes, floors, pass),
      host: {...rest.host, submit: submitOf(floors, rest.host.submit)},
      measured: tablesOf(products, floors),
    },
    `profile ${name}`,
  );
}

/** The same with every source an assumption. */
function asAssumed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asAssumed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      if (key !== 'source') return [key, asAssumed(child)];
      return [key, Array.isArray(child) ? [assumed] : assumed];
    }),
  );
}

/** What the host takes at least: TensorFlow.js hands over one operation after another, whatever it holds. */
function submitOf(
  floors: HostFloors,
  base: DeviceProfile['host']['submit'],
): DeviceProfile['host']['submit'] {
  const floor = (ns: number) => ({fixed_ns: Math.max(0, ns), per_member_ns: 0, source: measuredHere});
  return {
    ...base,
    single: floor(floors.single),
    strided: floor(floors.strided),
    elementwise: floor(floors.elementwise),
  };
}

/** Products that took longer than the host's part of them. */
function tablesOf(products: readonly ProductTime[], floors: HostFloors): MeasuredTable[] {
  const tables = new Map<string, MeasuredTable>();
  for (const {kernel, size, ns} of products.toSorted((a, b) => a.size - b.size)) {
    const {m, n, k, count, dtype} = kernel;
    const floor = size * count === 1 ? floors.single : floors.strided;
    if (ns <= aboveFloor * floor) continue;
    const method = size === 1 ? 'single' : 'strided';
    const key = `${kernelKey(kernel)} ${method}`;
    let table = tables.get(key);
    if (table === undefined) {
      tables.set(key, (table = {source: measuredHere, m, n, k, count, dtype, method, points: []}));
    }
    table.points.push([size, Math.round(ns)]);
  }
  return [...tables.values()];
}

/** Fewest passes that a line is fitted through. */
const fewestPasses = 3;

/** The DRAM bandwidth and the time of a launch from the passes that show the device; the base's where too few do. */
function elementwiseOf(
  passes: readonly PassTime[],
  floors: HostFloors,
  base: DeviceProfile['elementwise'],
): DeviceProfile['elementwise'] {
  const shown = passes.filter(({ns}) => ns > aboveFloor * floors.elementwise);
  const line = fitLine(shown.map(({bytes, ns}) => [bytes, ns]));
  if (line === null) return base;
  const gbPerS = 1 / line.slope;
  return {
    source: measuredHere,
    launch_ns: Math.max(1, line.intercept),
    gb_per_s: gbPerS,
    // Too small passes to stay in the cache are below the floor: no slower than DRAM is all that is known.
    l2_gb_per_s: Math.max(gbPerS, base.l2_gb_per_s),
  };
}

/** Least squares of the relative errors; null for fewer points than tell, or a line that falls. */
function fitLine(
  points: readonly (readonly [x: number, y: number])[],
): {slope: number; intercept: number} | null {
  if (points.length < fewestPasses) return null;
  const {w, wx, wy, wxx, wxy} = relativeSums(points);
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return slope > 0 && Number.isFinite(slope) ? {slope, intercept: (wy - slope * wx) / w} : null;
}
