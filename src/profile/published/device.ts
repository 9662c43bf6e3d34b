import {parseProfile} from '../parseProfile.ts';
import type {DeviceProfile, GemmTerms} from '../profile.ts';
import type {DataType} from '../../scheduler/kernel.ts';
import {sources} from './sources.ts';

/** A number and the id of its source. */
type Fact = readonly [value: number, source: string];

/** What differs from GPU to GPU. */
export interface DeviceFactSheet {
  readonly name: string;
  readonly summary: string;
  readonly gpu: string;
  readonly sms: Fact;
  readonly clockMHz: Fact;
  readonly memoryBytes: Fact;
  /** As a kernel can read. */
  readonly dramGBs: Fact;
  readonly l2Bytes: Fact;
  readonly l2GBs: Fact;
  readonly sharedMemoryPerSm: Fact;
  readonly warpsPerSm: Fact;
  readonly peakTflops: Partial<Record<DataType, Fact>>;
  readonly usdPerHour?: Fact;
  /** Bandwidth of a kernel that reads and writes, and least time of a kernel in ns. */
  readonly elementwise: {readonly gbPerS: number; readonly launchNs: number; readonly source: string};
  readonly gapNs: Fact;
  readonly gemm: Partial<Record<DataType, GemmTerms>>;
}

/**
 * Least time between the starts of two kernels, whoever launches them. Nobody has published it for the GPUs here: it is
 * carried over from an H200, where 10 to 14 processes under MPS start 365,000 to 393,000 kernels of 512x1x512 a second and
 * 8 streams with a thread each hardly fewer. (iGniter's delay of 5.1 us more for every further MPS client of a V100 is
 * another thing: its kernels take tens of us, so that far fewer start in a second.)
 */
const startIntervalNs = 2500;

/**
 * How launches slow each other down, as three calibrations of an H200 had it that were fitted to live launches of whole models
 * with pressure as 1 over exposure. calibration/h200.json now tells them apart by kind, and its shared terms mean little
 * without those. No public measurement tells any of them of the GPUs here.
 */
const sharingTerms = {interference: 1.25, crowding: 0.1, coalesced: 0.6} as const;

const quantity = ([value, source]: Fact): {value: number; source: string} => ({value, source});
const perMember = (fixed: number, member: number, source: string) => ({
  fixed_ns: fixed,
  per_member_ns: member,
  source,
});

/** A profile from published facts. What nobody has published is assumed, and says so. */
export function deviceProfile(sheet: DeviceFactSheet): DeviceProfile {
  const profile = {
    schema_version: 1,
    name: sheet.name,
    summary: sheet.summary,
    sources: {},
    hardware: {
      gpu: sheet.gpu,
      sms: quantity(sheet.sms),
      clock_mhz: quantity(sheet.clockMHz),
      memory_bytes: quantity(sheet.memoryBytes),
      dram_gb_per_s: quantity(sheet.dramGBs),
      l2_bytes: quantity(sheet.l2Bytes),
      l2_gb_per_s: quantity(sheet.l2GBs),
      shared_memory_per_sm_bytes: quantity(sheet.sharedMemoryPerSm),
      registers_per_sm: {value: 65_536, source: 'nvidia'},
      warps_per_sm: quantity(sheet.warpsPerSm),
      peak_tflops: Object.fromEntries(
        Object.entries(sheet.peakTflops).map(([dtype, fact]) => [dtype, quantity(fact)]),
      ),
      ...(sheet.usdPerHour === undefined ? {} : {usd_per_hour: quantity(sheet.usdPerHour)}),
    },
    gemm: sheet.gemm,
    elementwise: {
      source: sheet.elementwise.source,
      launch_ns: sheet.elementwise.launchNs,
      gb_per_s: sheet.elementwise.gbPerS,
      l2_gb_per_s: sheet.l2GBs[0],
    },
    launch: {
      gap_ns: quantity(sheet.gapNs),
      start_interval_ns: {value: startIntervalNs, source: 'assumption'},
    },
    host: {
      submit: {
        // One took 5.5 us in the probe; the part that further kernels of a launch are spared, the flag and the
        // bookkeeping, is 41 % of it in the calibration of an H200 (4.6 of 11.1 us).
        single: perMember(2260, 3240, 'probe'),
        // Three pointers a member into a pinned ring, one copy, one launch.
        batched: perMember(6500, 10, 'probe'),
        strided: perMember(5500, 0, 'assumption'),
        grouped: perMember(9000, 50, 'assumption'),
        padded: perMember(6500, 10, 'assumption'),
      },
      detect_ns: {value: 1500, source: 'probe'},
      decide_ns: {value: 1000, source: 'assumption'},
    },
    contention: {
      interference: {value: sharingTerms.interference, source: 'assumption'},
      crowding: {value: sharingTerms.crowding, source: 'assumption'},
      coalesced: {value: sharingTerms.coalesced, source: 'assumption'},
      max_concurrent: {value: 128, source: 'nvidia'},
    },
    sharing: {
      time_slice_ns: {value: 2_000_000, source: 'compute-policy'},
      switch_ns: {value: 50_000, source: 'assumption'},
      context_bytes: {value: 450_000_000, source: 'assumption'},
      mps_spread: {value: 0.1, source: 'assumption'},
    },
    noise: {source: 'assumption', quantiles: [0.97, 0.985, 0.99, 0.995, 1, 1.005, 1.01, 1.02, 1.05]},
  };
  return parseProfile(withSources(profile), sheet.name);
}

/** Only the sources that a profile names. */
function withSources<T extends object>(profile: T): T & Pick<DeviceProfile, 'sources'> {
  const named = new Set(
    [...JSON.stringify(profile).matchAll(/"source":(\[[^\]]*\]|"[^"]*")/g)].flatMap(([, ids]) =>
      JSON.parse(ids),
    ),
  );
  return {...profile, sources: Object.fromEntries(Object.entries(sources).filter(([id]) => named.has(id)))};
}
