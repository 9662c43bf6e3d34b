import {fitProfile} from '../fitProfile.ts';
import type {DeviceProfile} from '../profile.ts';
import {readDeepbench} from '../readMeasurements.ts';
import {deviceProfile} from './device.ts';
import {modelLayers, oneHost, randomShapes, withNeusight} from './neusight.ts';
import type {Read} from './neusight.ts';
import {gemmTerms, grains, twoWarps} from './terms.ts';

/**
 * The T4 throttles: the same product takes a third longer after tens of ms of load, and NeuSight's times mix both. What
 * is fitted is a clock in between.
 */
export function t4Profile(read: Read): DeviceProfile {
  const gpu = 'Tesla T4';
  const arithmetic = {fmaPerClock: 64, clockMHz: 1100};
  const base = deviceProfile({
    name: 't4',
    summary: 'NVIDIA T4, FP32 without tensor cores; far below its boost clock at 70 W',
    gpu,
    sms: [40, 'nvidia'],
    clockMHz: [1100, 'assumption'],
    memoryBytes: [16 * 2 ** 30, 'nvidia'],
    dramGBs: [0.85 * 320, 'assumption'],
    l2Bytes: [4_194_304, 'nvidia'],
    l2GBs: [1200, 'assumption'],
    sharedMemoryPerSm: [65_536, 'nvidia'],
    warpsPerSm: [32, 'nvidia'],
    peakTflops: {fp32: [8.1, 'nvidia'], fp16: [65, 'nvidia']},
    elementwise: {gbPerS: 240, launchNs: 3000, source: 'assumption'},
    gapNs: [1000, 'assumption'],
    gemm: {
      fp32: gemmTerms(['neusight'], arithmetic, {
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
        batched: ['64x64', '128x64', '128x32', '32x128'],
        fixed: {'batched 64x64': twoWarps},
        ...grains,
      }),
    },
  });
  const host = {bmm: 29, linear: 48};
  const unseen = readDeepbench(read('deepbench/train_T4__Results_FP32__Dense_Matrix_Multiplication.csv'));
  return fitProfile(
    withNeusight(base),
    [...randomShapes(read, gpu, host), ...modelLayers(read, gpu, host), ...unseen],
    {
      dtype: 'fp32',
      absoluteNs: 4000,
      unseenSources: ['neusight-models', 'deepbench'],
      oneHost,
    },
  );
}
