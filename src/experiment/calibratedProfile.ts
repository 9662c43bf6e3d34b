// From measurements to a device profile. What was not measured is taken from a base profile and marked as an assumption.
import {cpus} from 'node:os';
import {costModel} from '../profile/costModel.ts';
import {parseProfile} from '../profile/parseProfile.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {withContention} from './contentionFit.ts';
import {withElementwise} from './elementwiseFit.ts';
import {fitHost} from './hostFit.ts';
import {launchTerms, pointersNs} from './launchGaps.ts';
import {shareTablesOf, tablesOf} from './measuredTables.ts';
import {assumed, measuredHere, measuredHost} from './measurements.ts';
import type {Measurements} from './measurements.ts';
import {noiseOf} from './noiseFit.ts';

/** FP32 lanes of a multiprocessor by compute capability (CUDA C++ programming guide, arithmetic instructions). */
const fp32Lanes = (major: number, minor: number): number =>
  major < 8 || (major === 8 && minor === 0) ? 64 : 128;

/** The profile without a fit of the GEMM model: measured tables on the terms of `base`. */
export function assembleProfile(measurements: Measurements, base: DeviceProfile): DeviceProfile {
  const {device, points, detectNs, contexts, clockMHz} = measurements;
  const known = (value: number | null | undefined, source: string, otherwise: number) =>
    value !== null && value !== undefined && value > 0 && Number.isFinite(value)
      ? {value, source}
      : {value: otherwise, source: assumed};
  const from = base.hardware;
  const clock = known(
    clockMHz,
    measuredHere,
    device.clockKHz > 0 ? device.clockKHz / 1000 : from.clock_mhz.value,
  );
  const {computeMajor, computeMinor, multiprocessors} = device;
  const lanes = fp32Lanes(computeMajor, computeMinor);
  const busGBs = (2 * device.memoryClockKHz * device.memoryBusBits) / 8e6;
  const gemm = base.gemm.fp32!;
  const raw = {
    ...base,
    name: measurements.name,
    summary: `${device.name}, FP32 without tensor cores; calibrated ${measurements.date}`,
    sources: sourcesOf(measurements, clock.value),
    hardware: {
      gpu: device.name,
      sms: {value: multiprocessors, source: 'driver'},
      clock_mhz: clock,
      memory_bytes: {value: device.memoryBytes, source: 'driver'},
      dram_gb_per_s: known(busGBs, 'driver', from.dram_gb_per_s.value),
      l2_bytes: known(device.l2Bytes, 'driver', from.l2_bytes.value),
      l2_gb_per_s: {value: from.l2_gb_per_s.value, source: assumed},
      shared_memory_per_sm_bytes: known(
        device.sharedMemoryPerMultiprocessor,
        'driver',
        from.shared_memory_per_sm_bytes.value,
      ),
      // The same from compute capability 3.7 to 12.
      registers_per_sm: {value: 65_536, source: 'computed'},
      warps_per_sm: known(device.threadsPerMultiprocessor / 32, 'driver', from.warps_per_sm.value),
      peak_tflops: {fp32: {value: (2 * multiprocessors * lanes * clock.value) / 1e6, source: 'computed'}},
    },
    gemm: {
      fp32: {
        ...gemm,
        source: [assumed],
        clock_mhz: clock.value,
        pointers_ns: pointersNs(points) ?? gemm.pointers_ns,
      },
    },
    elementwise: {...base.elementwise, source: assumed},
    launch: launchTerms(measurements, base.launch),
    host: fitHost(measurements.hostRuns, measurements.calls, detectNs, base.host, {
      measured: measuredHost,
      assumed,
    }),
    contention: {
      interference: {value: base.contention.interference.value, source: assumed},
      ...assumedTerm('crowding', base),
      ...assumedTerm('crowded_interference', base),
      ...assumedTerm('mixing', base),
      ...assumedTerm('coalesced', base),
      max_concurrent: {value: base.contention.max_concurrent.value, source: assumed},
    },
    sharing: {
      time_slice_ns: known(contexts?.slicing?.sliceNs, measuredHere, base.sharing.time_slice_ns.value),
      switch_ns: known(contexts?.slicing?.switchNs, measuredHere, base.sharing.switch_ns.value),
      ...yieldOf(contexts),
      context_bytes: known(contexts?.contextBytes, measuredHere, base.sharing.context_bytes.value),
      mps_spread: {value: base.sharing.mps_spread.value, source: assumed},
    },
    noise: noiseOf(measurements, base),
    measured: tablesOf(points, detectNs),
  };
  delete (raw.gemm.fp32 as {residuals?: unknown}).residuals;
  delete (raw.elementwise as {shares?: unknown}).shares;
  delete (raw.elementwise as {bytes?: unknown}).bytes;
  let profile = parseProfile(raw, 'calibration');
  profile = {...profile, ...shareTablesOf(measurements.shares, measurements.lanes, costModel(profile))};
  profile = withElementwise(profile, measurements);
  return withContention(profile, measurements);
}

function sourcesOf({device, cublas, date, note}: Measurements, clockMHz: number): DeviceProfile['sources'] {
  return {
    [measuredHere]: {
      title: `superkernel calibrate on ${device.name}`,
      licence: 'none',
      date,
      clock_mhz: clockMHz,
      library: `cuBLAS ${cublas}`,
      note,
    },
    [measuredHost]: hostSource(date),
    driver: {title: 'as the CUDA driver reports', licence: 'none', date},
    computed: {title: 'computed from compute capability, multiprocessors and clock', licence: 'none'},
    [assumed]: {title: 'assumption: not measured here', licence: 'none'},
  };
}

/** Where the host's terms come from. */
export function hostSource(date: string): DeviceProfile['sources'][string] {
  return {
    title: `superkernel calibrate: host ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
    licence: 'none',
    date,
  };
}

/** A term of sharing that the base has and nobody has measured here. */
function assumedTerm(
  name: 'crowding' | 'crowded_interference' | 'mixing' | 'coalesced',
  {contention}: DeviceProfile,
): Partial<DeviceProfile['contention']> {
  const term = contention[name];
  return term === undefined ? {} : {[name]: {value: term.value, source: assumed}};
}

function yieldOf(contexts: Measurements['contexts']): Pick<DeviceProfile['sharing'], 'yield_ns'> {
  const ns = contexts?.yielding?.queuedNs ?? null;
  return ns === null ? {} : {yield_ns: {value: Math.round(ns), source: measuredHere}};
}
