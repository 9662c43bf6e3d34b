import {fitProfile} from '../fitProfile.ts';
import type {DeviceProfile} from '../profile.ts';
import {deviceProfile} from './device.ts';
import {modelLayers} from './neusight.ts';
import type {Read} from './neusight.ts';
import {gemmTerms} from './terms.ts';

/** NeuSight's L4 ran at two speeds a third and more apart, whatever the shape: errors of that size are in the data. */
export function l4Profile(read: Read): DeviceProfile {
  const gpu = 'NVIDIA L4';
  const clockMHz = 1600;
  const base = deviceProfile({
    name: 'l4',
    summary: 'NVIDIA L4, FP32 without TF32; below its boost clock at 72 W',
    gpu,
    sms: [58, 'nvidia'],
    clockMHz: [clockMHz, 'assumption'],
    memoryBytes: [24 * 2 ** 30, 'nvidia'],
    dramGBs: [0.9 * 300, 'assumption'],
    l2Bytes: [48 * 2 ** 20, 'nvidia'],
    l2GBs: [1700, 'assumption'],
    sharedMemoryPerSm: [102_400, 'nvidia'],
    warpsPerSm: [48, 'nvidia'],
    peakTflops: {fp32: [30.3, 'nvidia'], fp16: [121, 'nvidia']},
    elementwise: {gbPerS: 250, launchNs: 2500, source: 'assumption'},
    gapNs: [1000, 'assumption'],
    gemm: {
      fp32: gemmTerms(
        ['neusight-models'],
        {fmaPerClock: 128, clockMHz},
        {
          single: ['128x64', '128x128', '64x64', '64x32_sliced1x4', '128x256', '256x128'],
          batched: ['128x128'],
        },
      ),
    },
  });
  return fitProfile(base, modelLayers(read, gpu, {bmm: 28, linear: 48}), {dtype: 'fp32', absoluteNs: 4000});
}
