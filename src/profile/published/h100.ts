import {fitProfile} from '../fitProfile.ts';
import type {DeviceProfile} from '../profile.ts';
import {readVidur} from '../readMeasurements.ts';
import {deviceProfile} from './device.ts';
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

export function h100Profile(read: Read): DeviceProfile {
  const gpu = 'NVIDIA H100 80GB HBM3';
  const clockMHz = 1755;
  const base = deviceProfile({
    name: 'h100',
    summary: 'NVIDIA H100 SXM 80 GB, FP32 without TF32; FP16 with tensor cores',
    gpu,
    sms: [132, 'nvidia'],
    clockMHz: [clockMHz, 'assumption'],
    memoryBytes: [80 * 2 ** 30, 'nvidia'],
    dramGBs: [0.9 * 3352, 'assumption'],
    l2Bytes: [50 * 2 ** 20, 'nvidia'],
    l2GBs: [5500, 'gpu-benches'],
    sharedMemoryPerSm: [233_472, 'nvidia'],
    warpsPerSm: [64, 'nvidia'],
    gapNs: [1000, 'assumption'],
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
