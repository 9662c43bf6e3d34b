// The host's terms of a profile, measured anew: machines and moments differ in them, GPUs of one model hardly do.
import {Bench} from '../gpu/calibration/bench.ts';
import {measureCalls} from '../gpu/calibration/calls.ts';
import {Journal} from '../gpu/calibration/journal.ts';
import {OperandPool} from '../gpu/calibration/operandPool.ts';
import {measurePoint} from '../gpu/calibration/point.ts';
import {medianOf} from '../gpu/calibration/samples.ts';
import {Session} from '../gpu/calibration/session.ts';
import {workKey} from '../gpu/calibration/work.ts';
import {loadAddon, openContext} from '../gpu/cuda.ts';
import type {CudaPaths} from '../gpu/cuda.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile, MeasuredTable} from '../profile/profile.ts';
import {InputError} from '../scheduler/errors.ts';
import type {Gemm} from '../scheduler/kernel.ts';
import {findDevice} from './calibratedDevice.ts';
import {hostSource} from './calibratedProfile.ts';
import {paperShapes, ringSlots} from './calibrationPlan.ts';
import {reportHost} from './calibrationReport.ts';
import {profileMismatch} from './checkProfile.ts';
import {fitHost} from './hostFit.ts';
import {measureHostRuns, usualStages} from './hostRuns.ts';
import type {HostRun, HostStage} from './hostRuns.ts';
import {measuredHost} from './measurements.ts';

export interface HostOptions {
  /** Of the GPU at hand; the policies decide by it. */
  readonly profile: DeviceProfile;
  readonly ordinal?: number;
  readonly paths?: CudaPaths;
  /** ISO date of today. */
  readonly date: string;
  readonly log: (line: string) => void;
  readonly shouldStop?: () => boolean;
  /** Live runs to measure in. */
  readonly stages?: readonly HostStage[];
  /** Small kernels that detection shows in. */
  readonly shapes?: readonly Gemm[];
}

/** Bytes for the operands of small kernels. */
const poolBytes = 64 << 20;

/**
 * The profile with its host's terms as this machine has them now: submissions, further steps, wake-ups by policy, and
 * detection. Throws a NoDeviceError without a GPU, an InputError where the profile is of another one, and
 * CalibrationStopped when asked to stop.
 */
export async function measureHost(
  options: HostOptions,
): Promise<{profile: DeviceProfile; runs: HostRun[]; failed: ReadonlyMap<string, string>}> {
  const {profile, ordinal = 0, paths = {}, date, log, stages = usualStages, shapes = paperShapes} = options;
  const {device} = findDevice(paths, ordinal);
  const mismatch = profileMismatch(profile, device);
  if (mismatch !== null) throw new InputError(`profile ${profile.name} ${mismatch}`);
  const {nowNs} = loadAddon();
  const journal = new Journal(null, {});
  const session = new Session({
    journal,
    nowNs,
    budgetNs: Infinity,
    log,
    ...(options.shouldStop === undefined ? {} : {shouldStop: options.shouldStop}),
  });
  const maxMembers = 128;
  const context = openContext({...paths, device: ordinal, lanes: 1, maxMembers, ringSlots});
  try {
    const pool = new OperandPool(context, poolBytes, poolBytes);
    const cacheBytes = device.l2Bytes;
    const bench = new Bench({context, nowNs, pool, lanes: 1, maxMembers, ringSlots, cacheBytes});
    const calls = await session.part('calls', () => measureCalls(bench, session));
    const detectNs = await measureDetection(bench, profile, session, shapes);
    // The context stays open meanwhile, and with it what libraries have loaded.
    const runs =
      (await session.part('host', () => measureHostRuns(profile, session, {ordinal, stages}))) ?? [];
    const refreshed = {
      ...profile,
      host: fitHost(runs, calls, detectNs, profile.host, {measured: measuredHost, assumed: null}),
      sources: {...profile.sources, [measuredHost]: hostSource(date)},
    };
    reportHost(runs, refreshed, log);
    return {profile: refreshed, runs, failed: journal.failed};
  } finally {
    context.destroy();
  }
}

/**
 * What small kernels on an idle lane take now, from their submission until they are seen, beyond what the profile says
 * that the device needs. Null where the profile holds none of them.
 */
async function measureDetection(
  bench: Bench,
  profile: DeviceProfile,
  session: Session,
  shapes: readonly Gemm[],
): Promise<number | null> {
  const model = costModel(profile);
  const beyond: number[] = [];
  for (const kernel of shapes) {
    if (!profile.measured?.some((table) => isOf(table, kernel))) continue;
    const work = {kernel, size: 1, method: 'single'} as const;
    const point = await session.measure(`detection ${workKey(work)}`, () => {
      bench.warmUp(work, 20e6);
      return measurePoint(bench, work, {repeats: {least: 20, most: 300, forNs: 20e6}});
    });
    if (point !== null) beyond.push(point.after.p50 - model.durationNs(kernel, 1, 'single'));
  }
  return beyond.length === 0 ? null : Math.max(0, medianOf(beyond));
}

const isOf = ({m, n, k, count, dtype, method}: MeasuredTable, kernel: Gemm): boolean =>
  method === 'single' &&
  m === kernel.m &&
  n === kernel.n &&
  k === kernel.k &&
  count === kernel.count &&
  dtype === kernel.dtype;
