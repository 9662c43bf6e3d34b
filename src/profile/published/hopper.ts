import {fitProfile} from '../fitProfile.ts';
import {parseProfile} from '../profile.ts';
import type {DeviceProfile} from '../profile.ts';
import {readVidur} from '../readMeasurements.ts';
import {deviceProfile, withSources} from './device.ts';
import {tensorCoreTiles, withHalfPrecision} from './halfPrecision.ts';
import {modelLayers} from './neusight.ts';
import type {Read} from './neusight.ts';
import {gemmTerms} from './terms.ts';

const hopperSingle = [
  'xmma_128x128',
  'xmma_256x64',
  'xmma_64x64',
  'xmma_128x64',
  'xmma_64x128',
  'xmma_128x32',
  '128x256',
  '256x128',
];
const hopperBatched = [
  'xmma_128x128',
  'xmma_64x64',
  'xmma_64x128',
  'xmma_128x64',
  'xmma_128x32',
  'xmma_32x32',
  'xmma_64x256',
  'xmma_256x64',
  '256x128',
];

/** What H100 and H200 share. */
const hopper = {
  sms: [132, 'nvidia'],
  l2GBs: [5500, 'gpu-benches'],
  sharedMemoryPerSm: [233_472, 'nvidia'],
  warpsPerSm: [64, 'nvidia'],
  gapNs: [1000, 'assumption'],
} as const;

export function h100Profile(read: Read): DeviceProfile {
  const gpu = 'NVIDIA H100 80GB HBM3';
  const clockMHz = 1755;
  const base = deviceProfile({
    ...hopper,
    name: 'h100',
    summary: 'NVIDIA H100 SXM 80 GB, FP32 without TF32; FP16 with tensor cores',
    gpu,
    clockMHz: [clockMHz, 'assumption'],
    memoryBytes: [80 * 2 ** 30, 'nvidia'],
    dramGBs: [0.9 * 3352, 'assumption'],
    l2Bytes: [50 * 2 ** 20, 'nvidia'],
    peakTflops: {fp32: [66.9, 'nvidia'], tf32: [495, 'nvidia'], fp16: [989, 'nvidia'], bf16: [989, 'nvidia']},
    elementwise: {gbPerS: 2700, launchNs: 2500, source: 'assumption'},
    gemm: {
      fp32: gemmTerms(
        ['neusight-models'],
        {fmaPerClock: 128, clockMHz},
        {single: hopperSingle, batched: hopperBatched},
      ),
      fp16: gemmTerms(['vidur', 'assumption'], {fmaPerClock: 2048, clockMHz}, tensorCoreTiles),
    },
  });
  const fp32 = fitProfile(base, modelLayers(read, gpu, {bmm: 19, linear: 45}), {
    dtype: 'fp32',
    absoluteNs: 4000,
  });
  return withHalfPrecision(fp32, readVidur(read('vidur/gemm_fp16.csv'), 'h100'));
}

/**
 * Nobody has published times of products on an H200. It is an H100 with faster and larger memory: its terms are the
 * H100's, until the GPU is calibrated.
 */
export function h200Profile(h100: DeviceProfile): DeviceProfile {
  const base = deviceProfile({
    ...hopper,
    name: 'h200',
    summary:
      'NVIDIA H200 141 GB, provisional: the terms of an H100 with the memory of an H200; calibrate to replace',
    gpu: 'NVIDIA H200',
    clockMHz: [h100.hardware.clock_mhz.value, 'assumption'],
    memoryBytes: [141e9, 'nvidia'],
    dramGBs: [3888, 'gpu-benches'],
    l2Bytes: [50 * 2 ** 20, 'nvidia'],
    peakTflops: {fp32: [66.9, 'nvidia'], tf32: [495, 'nvidia'], fp16: [989, 'nvidia'], bf16: [989, 'nvidia']},
    elementwise: {gbPerS: 3165, launchNs: 2500, source: 'gpu-benches'},
    gemm: {},
  });
  const gemm: DeviceProfile['gemm'] = {};
  for (const dtype of ['fp32', 'fp16', 'bf16'] as const) {
    const terms = h100.gemm[dtype]!;
    gemm[dtype] = {...terms, source: [...new Set([...terms.source, 'assumption'])], residuals: {}};
  }
  return parseProfile(withSources({...base, gemm}), base.name);
}
