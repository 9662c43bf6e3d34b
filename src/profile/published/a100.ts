import {fitProfile} from '../fitProfile.ts';
import type {DeviceProfile} from '../profile.ts';
import {readVidur} from '../readMeasurements.ts';
import {deviceProfile} from './device.ts';
import {tensorCoreTiles, withHalfPrecision} from './halfPrecision.ts';
import {modelLayers, oneHost, randomShapes, withNeusight} from './neusight.ts';
import type {Read} from './neusight.ts';
import {gemmTerms, grains} from './terms.ts';

export function a100Profile(read: Read): DeviceProfile {
  const gpu = 'NVIDIA A100-PCIE-40GB';
  const base = deviceProfile({
    name: 'a100',
    summary: 'NVIDIA A100-PCIe 40 GB, FP32 without TF32; FP16 with tensor cores as on an 80 GB board',
    gpu,
    sms: [108, 'nvidia'],
    clockMHz: [1410, 'nvidia'],
    memoryBytes: [40 * 2 ** 30, 'nvidia'],
    dramGBs: [0.91 * 1555, 'assumption'],
    l2Bytes: [40 * 2 ** 20, 'nvidia'],
    l2GBs: [4500, 'gpu-benches'],
    sharedMemoryPerSm: [167_936, 'nvidia'],
    warpsPerSm: [64, 'nvidia'],
    peakTflops: {
      fp32: [19.49, 'computed'],
      tf32: [156, 'nvidia'],
      fp16: [312, 'nvidia'],
      bf16: [312, 'nvidia'],
    },
    elementwise: {gbPerS: 1330, launchNs: 2800, source: 'assumption'},
    gapNs: [1000, 'assumption'],
    gemm: {
      fp32: gemmTerms(
        ['neusight'],
        {fmaPerClock: 64, clockMHz: 1410},
        {
          single: [
            '128x64',
            '128x128',
            '64x64',
            '32x128',
            '128x32',
            '128x32_sliced1x4',
            '64x32_sliced1x4',
            '32x32_sliced1x4',
          ],
          batched: ['128x128', '32x32_sliced1x4'],
          fixed: {'128x128': {far: 0.2}},
          ...grains,
        },
      ),
      fp16: gemmTerms(['vidur', 'assumption'], {fmaPerClock: 1024, clockMHz: 1410}, tensorCoreTiles),
    },
  });
  const host = {bmm: 28, linear: 49};
  const fp32 = fitProfile(
    withNeusight(base),
    [...randomShapes(read, gpu, host), ...modelLayers(read, gpu, host)],
    {
      dtype: 'fp32',
      absoluteNs: 4000,
      unseenSources: ['neusight-models'],
      oneHost,
    },
  );
  return withHalfPrecision(fp32, readVidur(read('vidur/gemm_fp16.csv'), 'a100'));
}
