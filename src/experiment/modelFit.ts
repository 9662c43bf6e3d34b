// The GEMM model's terms from measured launches.
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import type {Point} from '../gpu/calibration/point.ts';
import {costModel} from '../profile/costModel.ts';
import {fitGemm} from '../profile/fit.ts';
import type {Measurement} from '../profile/measurement.ts';
import type {DeviceProfile, GemmTerms} from '../profile/profile.ts';
import type {Gemm} from '../scheduler/kernel.ts';
import {deviceNs, measuredHere} from './measurements.ts';
import type {Measurements} from './measurements.ts';

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
    const measured = deviceNs(after.p50, detectNs);
    (errors[method] ??= []).push(model.durationNs(kernel, size, method) / measured - 1);
  }
  return Object.fromEntries(
    Object.entries(errors).map(([method, values]) => {
      const absolute = quantilesOf(values.map(Math.abs), 10);
      return [method, {rows: values.length, median: absolute[5], p90: absolute[9], bias: medianOf(values)}];
    }),
  );
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
    ns: deviceNs(after.p50, detectNs),
  }));
}
