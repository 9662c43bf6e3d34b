import {fitProfile} from '../fitProfile.ts';
import type {DeviceProfile} from '../profile.ts';
import {deviceProfile} from './device.ts';
import {modelLayers, oneHost, randomShapes, withNeusight} from './neusight.ts';
import type {Read} from './neusight.ts';
import {gemmTerms, grains} from './terms.ts';

export function p100Profile(read: Read): DeviceProfile {
  const gpu = 'Tesla P100-PCIE-16GB';
  const arithmetic = {fmaPerClock: 64, clockMHz: 1303};
  const base = deviceProfile({
    name: 'p100',
    summary: 'NVIDIA P100-PCIe, FP32',
    gpu,
    sms: [56, 'nvidia'],
    clockMHz: [1303, 'nvidia'],
    memoryBytes: [16 * 2 ** 30, 'nvidia'],
    dramGBs: [0.9 * 732, 'assumption'],
    l2Bytes: [4_194_304, 'nvidia'],
    l2GBs: [1600, 'assumption'],
    sharedMemoryPerSm: [65_536, 'nvidia'],
    warpsPerSm: [64, 'nvidia'],
    peakTflops: {fp32: [9.34, 'computed']},
    elementwise: {gbPerS: 600, launchNs: 3500, source: 'assumption'},
    gapNs: [1000, 'assumption'],
    gemm: {
      fp32: gemmTerms(['neusight'], arithmetic, {
        single: ['32x128', '64x64', '128x32'],
        batched: ['128x64'],
        fixed: {'32x128': {far: 0.5}, '64x64': {far: 0.5}},
        ...grains,
      }),
    },
  });
  const host = {bmm: 48, linear: 88};
  return fitProfile(withNeusight(base), [...randomShapes(read, gpu, host), ...modelLayers(read, gpu, host)], {
    dtype: 'fp32',
    absoluteNs: 4000,
    unseenSources: ['neusight-models'],
    oneHost,
  });
}
