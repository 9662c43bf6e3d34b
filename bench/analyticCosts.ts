import {bytesOf, flopsOf, trafficOf} from '../src/scheduler/kernel.ts';
import type {Kernel, Method} from '../src/scheduler/kernel.ts';
import type {CostModel} from '../src/profile/costModel.ts';

/** What `CostTable` asks of a cost model. */
export type AnalyticCosts = Omit<CostModel, 'profile' | 'isExtrapolated'>;

const sms = 80;
const flopsPerNs = 15_700;
const bytesPerNs = 800;
const launchNs = 2000;
const tile = 64;

/**
 * A V100 in one formula: waves of 64 x 64 tiles against memory traffic. For benchmarks that must not change with the
 * calibration; it predicts no GPU.
 */
export const analyticCosts: AnalyticCosts = {
  detectNs: 1500,
  decideNs: 1000,
  gapNs: 1000,
  durationNs(kernel, size, method) {
    if (method === 'single') return Math.round(size * alone(kernel, 1));
    return Math.round(alone(kernel, size) + (method === 'grouped' ? 3000 : 1000));
  },
  groupedNs(kernels) {
    return Math.round(kernels.reduce((sum, kernel) => sum + alone(kernel, 1) - launchNs, launchNs + 3000));
  },
  smShare: (kernel, size, method) => Math.min(1, blocksOf(kernel, members(size, method)) / (2 * sms)),
  bandwidthShare: (kernel, size, method) =>
    Math.min(
      1,
      (trafficOf(kernel) * members(size, method)) / alone(kernel, members(size, method)) / bytesPerNs,
    ),
  submitNs: (method, size) =>
    method === 'single' ? 5500 * size : (method === 'grouped' ? 9000 : 6500) + 10 * size,
};

const members = (size: number, method: Method): number => (method === 'single' ? 1 : size);

function alone(kernel: Kernel, size: number): number {
  const memoryNs = (trafficOf(kernel) * size) / bytesPerNs;
  if (kernel.op === 'elementwise') return launchNs + memoryNs;
  const waves = Math.ceil(blocksOf(kernel, size) / sms);
  const tileFlops = (2 * tile * tile * kernel.k * bytesOf[kernel.dtype]) / 4;
  const computeNs = Math.max((waves * tileFlops * sms) / flopsPerNs, (flopsOf(kernel) * size) / flopsPerNs);
  return launchNs + Math.max(computeNs, memoryNs);
}

function blocksOf(kernel: Kernel, size: number): number {
  if (kernel.op === 'elementwise') return 2 * sms;
  return size * kernel.count * Math.ceil(kernel.m / tile) * Math.ceil(kernel.n / tile);
}
