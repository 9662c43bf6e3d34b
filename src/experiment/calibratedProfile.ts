// From measurements to a device profile. What was not measured is taken from a base profile and marked as an assumption.
import type {DeviceProperties} from '../gpu/cuda.ts';
import type {ContextCosts} from '../gpu/calibration/contexts.ts';
import type {HostCosts} from '../gpu/calibration/host.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import type {Repetition} from '../gpu/calibration/noise.ts';
import type {Point} from '../gpu/calibration/point.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
import {affineFit, medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import {elementwiseNs} from '../profile/elementwise.ts';
import {fitGemm} from '../profile/fit.ts';
import {leastSquares} from '../profile/leastSquares.ts';
import type {Measurement} from '../profile/measurement.ts';
import {parseProfile} from '../profile/profile.ts';
import type {DeviceProfile, GemmTerms, MeasuredShares, MeasuredTable} from '../profile/profile.ts';
import {costModel} from '../profile/costModel.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Gemm, Method} from '../scheduler/kernel.ts';
import {fitInterference} from './laneFit.ts';

/** Everything that a calibration has measured. */
export interface Measurements {
  readonly name: string;
  readonly device: DeviceProperties;
  /** SM clock under load in MHz; NaN where unknown. */
  readonly clockMHz: number;
  readonly cublas: string;
  /** ISO date, e.g. 2026-01-31. */
  readonly date: string;
  /** Driver, clocks, power, temperature, command: for people. */
  readonly note: string;
  readonly host: HostCosts | null;
  readonly detectNs: number;
  readonly decideNs: number | null;
  readonly points: readonly Point[];
  readonly elementwise: readonly Point[];
  readonly lanes: readonly LaneRun[];
  readonly shares: readonly MeasuredShare[];
  readonly noise: readonly Repetition[];
  readonly contexts: ContextCosts | null;
}

const measuredHere = 'calibration';
const assumed = 'assumption';

/** The device cannot do anything in less: a kernel's launch takes longer. */
const leastNs = 500;

/** FP32 lanes of a multiprocessor by compute capability (CUDA C++ programming guide, arithmetic instructions). */
const fp32Lanes = (major: number, minor: number): number =>
  major < 8 || (major === 8 && minor === 0) ? 64 : 128;

/** The profile without a fit of the GEMM model: measured tables on the terms of `base`. */
export function assembleProfile(measurements: Measurements, base: DeviceProfile): DeviceProfile {
  const {device, points, detectNs, contexts, clockMHz} = measurements;
  const known = (value: number | null | undefined, source: string, otherwise: number) =>
    value !== null && value !== undefined && value > 0 && Number.isFinite(value)
      ? {value, source}
      : {value: otherwise, source: assumed};
  const from = base.hardware;
  const clock = known(
    clockMHz,
    measuredHere,
    device.clockKHz > 0 ? device.clockKHz / 1000 : from.clock_mhz.value,
  );
  const {computeMajor, computeMinor, multiprocessors} = device;
  const lanes = fp32Lanes(computeMajor, computeMinor);
  const busGBs = (2 * device.memoryClockKHz * device.memoryBusBits) / 8e6;
  const gaps = gapsOf(points, detectNs);
  const gemm = base.gemm.fp32!;
  const raw = {
    ...base,
    name: measurements.name,
    summary: `${device.name}, FP32 without tensor cores; calibrated ${measurements.date}`,
    sources: sourcesOf(measurements, clock.value),
    hardware: {
      gpu: device.name,
      sms: {value: multiprocessors, source: 'driver'},
      clock_mhz: clock,
      memory_bytes: {value: device.memoryBytes, source: 'driver'},
      dram_gb_per_s: known(busGBs, 'driver', from.dram_gb_per_s.value),
      l2_bytes: known(device.l2Bytes, 'driver', from.l2_bytes.value),
      l2_gb_per_s: {value: from.l2_gb_per_s.value, source: assumed},
      shared_memory_per_sm_bytes: known(
        device.sharedMemoryPerMultiprocessor,
        'driver',
        from.shared_memory_per_sm_bytes.value,
      ),
      // The same from compute capability 3.7 to 12.
      registers_per_sm: {value: 65_536, source: 'computed'},
      warps_per_sm: known(device.threadsPerMultiprocessor / 32, 'driver', from.warps_per_sm.value),
      peak_tflops: {fp32: {value: (2 * multiprocessors * lanes * clock.value) / 1e6, source: 'computed'}},
    },
    gemm: {
      fp32: {
        ...gemm,
        source: [assumed],
        clock_mhz: clock.value,
        pointers_ns: pointersNs(points) ?? gemm.pointers_ns,
      },
    },
    elementwise: {...base.elementwise, source: assumed},
    launch: {
      gap_ns:
        gaps.single === null
          ? {value: base.launch.gap_ns.value, source: assumed}
          : {value: Math.round(gaps.single), source: measuredHere},
      ...(gaps.pointers === null
        ? {}
        : {
            pointer_copy_ns: {
              value: Math.round(Math.max(0, gaps.pointers - (gaps.single ?? base.launch.gap_ns.value))),
              source: measuredHere,
            },
          }),
    },
    host: hostOf(measurements, base),
    contention: {
      interference: {value: base.contention.interference.value, source: assumed},
      max_concurrent: {value: base.contention.max_concurrent.value, source: assumed},
    },
    sharing: {
      time_slice_ns: known(contexts?.slicing?.sliceNs, measuredHere, base.sharing.time_slice_ns.value),
      switch_ns: known(contexts?.slicing?.switchNs, measuredHere, base.sharing.switch_ns.value),
      context_bytes: known(contexts?.contextBytes, measuredHere, base.sharing.context_bytes.value),
      mps_spread: {value: base.sharing.mps_spread.value, source: assumed},
    },
    noise: noiseOf(measurements, base),
    measured: tablesOf(points, detectNs),
    ...sharesIn(measurements),
  };
  delete (raw.gemm.fp32 as {residuals?: unknown}).residuals;
  delete (raw.elementwise as {shares?: unknown}).shares;
  let profile = parseProfile(raw, 'calibration');
  profile = withElementwise(profile, measurements);
  return withContention(profile, measurements);
}

/** Fits the GEMM model's terms to the measured launches; the tables stay. */
export function fitProfile(
  profile: DeviceProfile,
  {points, detectNs}: Measurements,
  {rows: most = 1500, iterations = 40} = {},
): DeviceProfile {
  const all = measurementsOf(points, detectNs);
  const step = Math.max(1, all.length / most);
  const rows = Array.from({length: Math.min(most, all.length)}, (_, i) => all[Math.floor(i * step)]);
  const {sms, dram_gb_per_s, l2_bytes} = profile.hardware;
  const facts = {
    sms: sms.value,
    clockRatio: 1,
    dramBytesPerNs: dram_gb_per_s.value,
    l2Bytes: l2_bytes.value,
  };
  const kinds = (['single', 'batched', 'grouped'] as const).filter((kind) =>
    rows.some(({method}) => method === kind),
  );
  const fitted = fitGemm(rows, profile.gemm.fp32!, {
    facts,
    absoluteNs: 1000,
    knownTiles: false,
    kinds,
    iterations,
    leastLaunchNs: 300,
  });
  const range = (key: 'm' | 'n' | 'k' | 'batch'): [number, number] => [
    Math.min(...all.map((row) => row[key])),
    Math.max(...all.map((row) => row[key])),
  ];
  const gemm: GemmTerms = {
    ...fitted,
    source: [measuredHere],
    region: {m: range('m'), n: range('n'), k: range('k'), batch: range('batch')},
  };
  return {...profile, gemm: {...profile.gemm, fp32: gemm}};
}

/** Relative errors of the model without the measured tables, by method. */
export function modelErrors(
  profile: DeviceProfile,
  {points, detectNs}: Measurements,
): Record<string, {rows: number; median: number; p90: number; bias: number}> {
  const model = costModel(profile, {corrected: false});
  const errors: Record<string, number[]> = {};
  for (const {kernel, size, method, after} of points) {
    if (method === 'single' && size > 1) continue;
    const measured = Math.max(leastNs, after.p50 - detectNs);
    (errors[method] ??= []).push(model.durationNs(kernel, size, method) / measured - 1);
  }
  return Object.fromEntries(
    Object.entries(errors).map(([method, values]) => {
      const absolute = quantilesOf(values.map(Math.abs), 10);
      return [method, {rows: values.length, median: absolute[5], p90: absolute[9], bias: medianOf(values)}];
    }),
  );
}

function sourcesOf({device, cublas, date, note}: Measurements, clockMHz: number): DeviceProfile['sources'] {
  return {
    [measuredHere]: {
      title: `superkernel calibrate on ${device.name}`,
      licence: 'none',
      date,
      clock_mhz: clockMHz,
      library: `cuBLAS ${cublas}`,
      note,
    },
    driver: {title: 'as the CUDA driver reports', licence: 'none', date},
    computed: {title: 'computed from compute capability, multiprocessors and clock', licence: 'none'},
    [assumed]: {title: 'assumption: not measured here', licence: 'none'},
  };
}

function hostOf(
  {host, points, detectNs, decideNs}: Measurements,
  base: DeviceProfile,
): DeviceProfile['host'] {
  const affine = (method: Method): DeviceProfile['host']['submit'][Method] => {
    const measured: [number, number][] = points
      .filter((point) => point.method === method && point.kernel.op === 'gemm' && point.kernel.count === 1)
      .map(({size, submit}) => [size, submit.p50]);
    for (const cost of host?.submit ?? []) {
      // Classes of models submit with the kernels that they use; the small product fills in what they leave out.
      if (cost.method === method && !measured.some(([size]) => size === cost.size)) {
        measured.push([cost.size, cost.idle.p50]);
      }
    }
    if (measured.length === 0) return {...base.host.submit[method], source: assumed};
    const {a, b} = affineFit(measured);
    return {fixed_ns: Math.round(a), per_member_ns: Number(b.toFixed(2)), source: measuredHere};
  };
  const batched = affine('batched');
  return {
    submit: {
      single: affine('single'),
      batched,
      strided: affine('strided'),
      grouped: affine('grouped'),
      padded: batched,
    },
    detect_ns: {value: Math.round(detectNs), source: measuredHere},
    decide_ns:
      decideNs === null
        ? {value: base.host.decide_ns.value, source: assumed}
        : {value: Math.round(decideNs), source: measuredHere},
  };
}

function noiseOf({noise, detectNs}: Measurements, base: DeviceProfile): DeviceProfile['noise'] {
  const ratios = noise.flatMap(({medians, differences}) => {
    const typical = Math.max(leastNs, medianOf(medians) - detectNs);
    return differences.map((ns) => Math.max(0.05, 1 + ns / typical));
  });
  if (ratios.length === 0) return {...base.noise, source: assumed};
  const quantiles = quantilesOf(ratios, 100);
  // The last step reaches to the largest of all: cut it so that the mean of the tail stays what it was.
  const tail = ratios.filter((ratio) => ratio >= quantiles[99]);
  const mean = tail.reduce((sum, ratio) => sum + ratio, 0) / tail.length;
  quantiles[100] = Math.max(quantiles[99], 2 * mean - quantiles[99]);
  return {source: measuredHere, quantiles: quantiles.map((value) => Number(value.toFixed(5)))};
}

/** [R, ns] by shape and method. */
export function tablesOf(points: readonly Point[], detectNs: number): MeasuredTable[] {
  const tables = new Map<string, MeasuredTable>();
  for (const {kernel, size, method, after} of points) {
    if (kernel.op !== 'gemm' || (method === 'single' && size > 1) || method === 'strided') continue;
    const key = `${kernelKey(kernel)} ${method}`;
    const {m, n, k, count, dtype} = kernel;
    let table = tables.get(key);
    if (table === undefined)
      tables.set(key, (table = {source: measuredHere, m, n, k, count, dtype, method, points: []}));
    table.points.push([size, Math.round(Math.max(leastNs, after.p50 - detectNs))]);
  }
  for (const {points} of tables.values()) points.sort((a, b) => a[0] - b[0]);
  return [...tables.values()];
}

function measurementsOf(points: readonly Point[], detectNs: number): Measurement[] {
  const isUsable = (point: Point): point is Point & {kernel: Gemm} =>
    point.kernel.op === 'gemm' &&
    point.kernel.dtype === 'fp32' &&
    (point.method === 'single' ? point.size === 1 && point.kernel.count === 1 : point.method !== 'strided');
  return points.filter(isUsable).map(({kernel: {m, n, k, count, dtype}, size, method, after}) => ({
    source: measuredHere,
    kind: method,
    method,
    dtype,
    batch: size * count,
    m,
    n,
    k,
    ns: Math.max(leastNs, after.p50 - detectNs),
  }));
}

/** What pointers cost over equal distances, where both were measured. */
function pointersNs(points: readonly Point[]): number | null {
  const key = ({kernel, size}: Point): string => `${kernelKey(kernel)} ${size}`;
  const batched = new Map(
    points.filter(({method}) => method === 'batched').map((point) => [key(point), point]),
  );
  const differences = points
    .filter((point) => point.method === 'strided' && batched.has(key(point)))
    .map((point) => batched.get(key(point))!.after.p50 - point.after.p50);
  return differences.length === 0 ? null : Math.max(0, Math.round(medianOf(differences)));
}

function withElementwise(profile: DeviceProfile, measurements: Measurements): DeviceProfile {
  const {elementwise, detectNs, shares: measured} = measurements;
  const rows = elementwise.map(({kernel, size, after}) => ({
    bytes: (kernel.op === 'elementwise' ? kernel.bytes : 0) * size,
    ns: Math.max(leastNs, after.p50 - detectNs),
  }));
  if (rows.length < 4) return profile;
  const shares = elementwiseShares(measured);
  const at = (x: readonly number[]): DeviceProfile['elementwise'] => ({
    source: measuredHere,
    launch_ns: Math.exp(x[0]),
    gb_per_s: Math.exp(x[1]),
    l2_gb_per_s: Math.exp(x[2]),
  });
  const start = [
    Math.min(...rows.map(({ns}) => ns)),
    profile.hardware.dram_gb_per_s.value,
    profile.hardware.l2_gb_per_s.value,
  ];
  const {x} = leastSquares(
    (x, out) => {
      const tried = {...profile, elementwise: at(x)};
      rows.forEach(({bytes, ns}, i) => {
        out[i] = Math.log(elementwiseNs(tried, bytes) / ns);
      });
    },
    start.map(Math.log),
    rows.length,
    {
      outlier: 0.1,
      lower: start.map((value) => Math.log(value / 100)),
      upper: start.map((value) => Math.log(value * 100)),
    },
  );
  const fitted = at(x);
  const rounded = Object.fromEntries(
    Object.entries(fitted).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(5)) : value,
    ]),
  ) as DeviceProfile['elementwise'];
  return {
    ...profile,
    elementwise: shares.length === 0 ? rounded : {...rounded, shares},
    hardware: {...profile.hardware, l2_gb_per_s: {value: rounded.l2_gb_per_s, source: measuredHere}},
  };
}

/** A launch this many times longer than its submission was timed in a plain queue of such launches; see measurePoint. */
const timesHost = 3;

/**
 * What a launch takes longer in a full lane than on an idle one: the flag of the launch before, and for those that take
 * arrays of pointers the copy of them, which an idle lane does while the host submits. In ns; null where unknown.
 */
function gapsOf(
  points: readonly Point[],
  detectNs: number,
): {single: number | null; pointers: number | null} {
  const gapOf = (isCounted: (point: Point) => boolean): number | null => {
    const beyond = points.flatMap((point) => {
      const {kernel, queuedNs, after, submit} = point;
      const isQueue = kernel.op === 'gemm' && queuedNs !== null && after.p50 > timesHost * submit.p50;
      return isQueue && isCounted(point) ? [queuedNs - (after.p50 - detectNs)] : [];
    });
    return beyond.length < 5 ? null : Math.max(0, medianOf(beyond));
  };
  return {
    single: gapOf(({method, size}) => method === 'single' && size === 1),
    pointers: gapOf(({method}) => method === 'batched' || method === 'grouped'),
  };
}

const rounded = (share: number): number => Number(share.toFixed(4));

/** [R, share] by shape and method. */
function sharesIn({shares}: Measurements): {measured_shares?: MeasuredShares[]} {
  const tables = new Map<string, MeasuredShares>();
  for (const {work, share} of shares) {
    const {kernel, size, method} = work;
    if (kernel.op !== 'gemm') continue;
    const key = `${kernelKey(kernel)} ${method}`;
    const {m, n, k, count, dtype} = kernel;
    let table = tables.get(key);
    if (table === undefined)
      tables.set(key, (table = {source: measuredHere, m, n, k, count, dtype, method, points: []}));
    table.points.push([size, rounded(share)]);
  }
  for (const {points} of tables.values()) points.sort((a, b) => a[0] - b[0]);
  return tables.size === 0 ? {} : {measured_shares: [...tables.values()]};
}

function elementwiseShares(shares: readonly MeasuredShare[]): [bytes: number, share: number][] {
  return shares
    .flatMap(({work: {kernel, size}, share}): [number, number][] =>
      kernel.op === 'elementwise' ? [[kernel.bytes * size, rounded(share)]] : [],
    )
    .sort((a, b) => a[0] - b[0]);
}

/** How the model's shares compare with the measured ones, and whether one factor on all mends them. */
export interface ShareErrors {
  readonly rows: number;
  /** Median of measured / modelled. */
  readonly scale: number;
  /** Median relative error of the model as it is, and of the model times the scale of all other classes. */
  readonly median: number;
  readonly scaledMedian: number;
}

/** Leaves each class out in turn: its shares are predicted by the model times the median ratio of the other classes. */
export function shareErrors(profile: DeviceProfile, {shares}: Measurements): ShareErrors | null {
  const model = costModel(profile, {corrected: false});
  const rows = shares.flatMap(({work: {kernel, size, method}, share}) =>
    kernel.op !== 'gemm'
      ? []
      : [{key: kernelKey(kernel), share, modelled: model.smShare(kernel, size, method)}],
  );
  const keys = [...new Set(rows.map(({key}) => key))];
  if (keys.length < 5) return null;
  const ratio = ({share, modelled}: (typeof rows)[number]): number => share / modelled;
  const scaled = keys.flatMap((key) => {
    const scale = medianOf(rows.filter((row) => row.key !== key).map(ratio));
    return rows
      .filter((row) => row.key === key)
      .map(({share, modelled}) => Math.abs(Math.min(1, scale * modelled) / share - 1));
  });
  return {
    rows: rows.length,
    scale: medianOf(rows.map(ratio)),
    median: medianOf(rows.map(({share, modelled}) => Math.abs(modelled / share - 1))),
    scaledMedian: medianOf(scaled),
  };
}

/** A scale has to take away this part of the error before it is used. */
const worthwhile = 0.1;

/** Scale of modelled shares, and interference by the shares that the profile then has; do this again after a fit. */
export function withContention(profile: DeviceProfile, measurements: Measurements): DeviceProfile {
  const {interference, max_concurrent} = profile.contention;
  const errors = shareErrors(profile, measurements);
  const isScaled = errors !== null && errors.scaledMedian < (1 - worthwhile) * errors.median;
  const scale = isScaled ? {share_scale: {value: Number(errors.scale.toFixed(4)), source: measuredHere}} : {};
  const scaled: DeviceProfile = {...profile, contention: {interference, max_concurrent, ...scale}};
  const fit = fitInterference(costModel(scaled), measurements.lanes);
  if (fit === null) return scaled;
  const value = Number(fit.interference.toFixed(4));
  return {...scaled, contention: {...scaled.contention, interference: {value, source: measuredHere}}};
}
