import {fitProfile} from '../fitProfile.ts';
import type {Measurement} from '../measurement.ts';
import type {DeviceProfile, GemmTerms} from '../profile.ts';
import {readDeepbench, readGemmTable} from '../readMeasurements.ts';
import {deviceProfile} from './device.ts';
import {modelLayers, oneHost} from './neusight.ts';
import type {Read} from './neusight.ts';
import {sources} from './sources.ts';
import {gemmTerms, grains, twoWarps} from './terms.ts';

/** The clock of the V100-PCIe under load (gpu-benches), at which NeuSight measured. */
const pcieMHz = 1380;
/** FP32 lanes of an SM. */
const fmaPerClock = 64;
/**
 * The SXM2 board boosts to 1530 MHz and falls to 1429..1509 under load at its 300 W (iGniter); DeepBench's products on
 * it run as the model predicts at about 1440.
 */
const sxm2MHz = 1440;

/**
 * NeuSight's first batched rows took 10 % longer than the model of all others says, whatever their shape, and within ten
 * rows no longer, among shapes of one kind: until then the GPU ran at a lower clock. The base clock of the board,
 * 1245 MHz, would make it 11 %.
 */
const lowClock = 'low clock';
const rowsAtLowClock = 1605;

/**
 * NeuSight's times of the V100 are of two more sessions. With the same tile, waves and size, aligned or not, single layers of
 * models ran 7 % faster than random shapes: at up to 99 % of the peak at the board's 1380 MHz, where random shapes reach
 * some 92 %. Neither is the truth about a V100, so both count. In the session of the random shapes batches slowed the
 * longer they took, as a GPU does that lowers its clock to stay within its power limit: the best of those below 1.5 ms reach
 * 96 % of the peak, of those above 12 ms 87 %. Layers did not: 64, 128 and 256 products of 2048x80x2048 take 4.34, 8.69
 * and 17.48 ms. So what random batches say of such a GPU is the source's and not the V100's. Layers that the table does
 * not hold are left for the check.
 */
function neusightSessions(read: Read): {seen: Measurement[]; unseen: Measurement[]} {
  const rows = readGemmTable(read('v100_gemm_fp32.csv')).filter(({source}) => source === 'neusight');
  const layers = modelLayers(read, 'Tesla V100-PCIE-32GB', {bmm: 36, linear: 54});
  const isLayer = new Set(layers.map(keyOf));
  const isSeen = new Set(rows.map(keyOf));
  const atLowClock = new Set(rows.filter(({method}) => method !== 'single').slice(0, rowsAtLowClock));
  const sessionOf = (row: Measurement): string | undefined => {
    if (isLayer.has(keyOf(row))) return 'layers';
    return atLowClock.has(row) ? lowClock : undefined;
  };
  const inSession = (row: Measurement): Measurement => {
    const session = sessionOf(row);
    return session === undefined ? row : {...row, session};
  };
  return {
    seen: rows.map(inSession),
    unseen: layers.filter((row) => !isSeen.has(keyOf(row))),
  };
}

const keyOf = ({batch, m, n, k}: Measurement): string => [batch, m, n, k].join();

/**
 * In batches the library takes 64x64 and 32x128 in turns, by waves of four blocks per SM, where it has the choice. What
 * rows along k cost that L1 loses rises up to a k of some 380 and then no further, as with a page of DRAM for each row; and
 * L1 loses them as it loses what comes around in turn. (On the A100 the latter made errors 0.4 points larger.)
 */
function withBatchesInTurns(terms: GemmTerms): GemmTerms {
  const {batched} = terms;
  return {
    ...terms,
    batched: {
      ...batched,
      memory: {...batched.memory, paged: true, l1_in_turn: true},
      alternation: {usual: '64x64', full: '32x128', wave: 4},
    },
  };
}

/**
 * `v100.json` stands for both boards: its clock is the middle of theirs, so that either is met within 2 %. The others
 * are one board each.
 */
export function v100Profiles(read: Read): DeviceProfile[] {
  const base = deviceProfile({
    name: 'v100',
    summary: 'NVIDIA V100, FP32 without tensor cores; clock between that of the PCIe and the SXM2 board',
    gpu: 'Tesla V100-SXM2-16GB',
    sms: [80, 'igniter'],
    clockMHz: [(pcieMHz + sxm2MHz) / 2, 'deepbench'],
    memoryBytes: [16 * 2 ** 30, 'nvidia'],
    dramGBs: [866, 'gpu-benches'],
    l2Bytes: [6_291_456, 'igniter'],
    l2GBs: [2400, 'gpu-benches'],
    sharedMemoryPerSm: [98_304, 'igniter'],
    warpsPerSm: [64, 'igniter'],
    peakTflops: {fp32: [15.67, 'computed'], fp16: [125, 'nvidia']},
    usdPerHour: [3.06, 'assumption'],
    elementwise: {gbPerS: 802, launchNs: 3130, source: 'gpu-benches'},
    gapNs: [770, 'igniter'],
    gemm: {
      fp32: withBatchesInTurns(
        gemmTerms(
          ['neusight'],
          {fmaPerClock, clockMHz: pcieMHz},
          {
            single: ['128x64', '128x128', '32x128', '128x32', '64x32_sliced1x4', '32x32_sliced1x4'],
            batched: ['64x64', '32x128', '128x32'],
            fixed: {
              '128x128': {far: 0.2},
              // The fewer warps an SM holds, the less they hide of what lines take that caches lose.
              'batched 64x64': {...twoWarps, exposed_lines: 0.3},
              // The library takes 128x32 in 96 % of the batches that give no SM more than one block of it, in 6 of 10 that
              // give a quarter of them two, and hardly beyond.
              'batched 128x32': {blocks_per_sm: 4, taken_up_to: 1.25},
            },
            ...grains,
          },
        ),
      ),
    },
  });
  const {seen, unseen: layers} = neusightSessions(read);
  const deepbench = readDeepbench(
    read('deepbench/train_V100__Results_FP32__Dense_Matrix_Multiplication.csv'),
  );
  const withClocks = {
    ...base,
    sources: {
      ...base.sources,
      neusight: {...sources['neusight'], clock_mhz: pcieMHz},
      'neusight-models': {...sources['neusight-models'], clock_mhz: pcieMHz},
      deepbench: {...sources['deepbench'], clock_mhz: sxm2MHz},
    },
  };
  const fitted = fitProfile(withClocks, [...seen, ...layers, ...deepbench], {
    dtype: 'fp32',
    absoluteNs: 3000,
    fmaPerClock,
    clockMHz: {deepbench: sxm2MHz},
    unseenSources: ['deepbench', 'neusight-models'],
    oneHost,
    throttled: {neusight: ['batched']},
    slower: {neusight: [lowClock]},
    most: 20_000,
  });
  const board = (
    name: string,
    summary: string,
    gpu: string,
    clockMHz: number,
    gigabytes: number,
    source: string,
  ): DeviceProfile => ({
    ...fitted,
    name,
    summary,
    hardware: {
      ...fitted.hardware,
      gpu,
      clock_mhz: {value: clockMHz, source},
      memory_bytes: {value: gigabytes * 2 ** 30, source: 'nvidia'},
      peak_tflops: {
        ...fitted.hardware.peak_tflops,
        fp32: {value: Number(((80 * 128 * clockMHz) / 1e6).toFixed(2)), source: 'computed'},
      },
    },
  });
  return [
    fitted,
    board(
      'v100-sxm2',
      'NVIDIA V100-SXM2, FP32 without tensor cores; clock under load',
      'Tesla V100-SXM2-16GB',
      sxm2MHz,
      16,
      'deepbench',
    ),
    board(
      'v100-pcie',
      'NVIDIA V100-PCIe, FP32 without tensor cores',
      'Tesla V100-PCIE-32GB',
      pcieMHz,
      32,
      'gpu-benches',
    ),
  ];
}
