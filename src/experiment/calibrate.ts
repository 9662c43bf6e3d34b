// Measures a GPU and writes its device profile: the parts of a calibration and their order.
import {createHash} from 'node:crypto';
import {existsSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {Bench} from '../gpu/calibration/bench.ts';
import {measureCalls} from '../gpu/calibration/calls.ts';
import type {CheckErrors} from '../gpu/calibration/check.ts';
import {refine} from '../gpu/calibration/coalesced.ts';
import type {SizeTable} from '../gpu/calibration/coalesced.ts';
import {measureContexts} from '../gpu/calibration/contexts.ts';
import {measureElementwise} from '../gpu/calibration/elementwise.ts';
import {measureEquivalence} from '../gpu/calibration/equivalence.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import {Journal, partialOf} from '../gpu/calibration/journal.ts';
import {measureLanes} from '../gpu/calibration/lanes.ts';
import {measureNoise} from '../gpu/calibration/noise.ts';
import {Session} from '../gpu/calibration/session.ts';
import {detectionOf, measureSolo, sharesOf} from '../gpu/calibration/solo.ts';
import {measureStarts} from '../gpu/calibration/starts.ts';
import {deviceState, loadAddon, openContext} from '../gpu/cuda.ts';
import type {ContextOptions, CudaContext, CudaPaths} from '../gpu/cuda.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Model} from '../workload/models/layer.ts';
import {baseFor, findDevice, loadedState, poolFor, stateText} from './calibratedDevice.ts';
import {assembleProfile} from './calibratedProfile.ts';
import {measureCoRuns} from './calibrationCoRuns.ts';
import {checkUnseen} from './calibrationCheck.ts';
import {measureAllShares, measureGrid, measureStrided} from './calibrationParts.ts';
import {
  classesOf,
  classesOfRequests,
  isUsed,
  ringSlots,
  typicalWorks,
  until,
  usualExtent,
} from './calibrationPlan.ts';
import type {Extent} from './calibrationPlan.ts';
import {checkRecord, durationErrors, roundTripErrors} from './calibrationRecord.ts';
import {percent, report, reportSharing, us} from './calibrationReport.ts';
import {withContention} from './contentionFit.ts';
import {measureHostRuns} from './hostRuns.ts';
import type {Measurements} from './measurements.ts';
import {fitProfile, modelErrors} from './modelFit.ts';
import {writeProfile} from './profileFiles.ts';
import {fitSharing, withoutRuns} from './sharingFit.ts';
import type {CalibrationRequest} from './calibrationRequest.ts';
import type {Scenario} from './scenario.ts';

export interface CalibrationOptions extends CalibrationRequest {
  /** By the names that the scenario's tenants have for them, if there is one. */
  readonly models: ReadonlyMap<string, Model>;
  /** Its tenants run beside each other, to show how launches slow each other. None: some of each of the models. */
  readonly scenario?: Scenario;
  /** Inputs in one request: batch sizes to calibrate for. Default 1. */
  readonly batches?: readonly number[];
  readonly ordinal?: number;
  /** Where to find libraries, e.g. a stand-in for CUDA in tests. */
  readonly paths?: CudaPaths;
  /** Smaller for tests: shapes, sizes and memory that a stand-in on the CPU can work through. */
  readonly extent?: Partial<Extent>;
}

/** What a calibration found; the profile is written too. */
export interface Calibration {
  readonly profile: DeviceProfile;
  /** Predicted against measured durations, and round trips, of pairs that the profile has not seen. */
  readonly durations: CheckErrors | null;
  readonly roundTrips: CheckErrors | null;
  readonly equivalence: readonly Equivalence[];
  /** Where the single measurements are. */
  readonly records: string;
  /** Where a summary of the check is, as small as to be kept beside the profile. */
  readonly check: string;
  readonly failed: ReadonlyMap<string, string>;
}

/** Measures and writes the profile. Throws a NoDeviceError where there is no GPU, CalibrationStopped when asked to stop. */
export async function calibrate(options: CalibrationOptions): Promise<Calibration> {
  const extent = {...usualExtent, ...options.extent};
  const {output, log, paths = {}, ordinal = 0} = options;
  const models = [...options.models.values()];
  const {device, found} = findDevice(paths, ordinal);
  const cublas = found.cublas?.version ?? 'unknown';
  const partial = partialOf(output);
  const records = `${output.replace(/\.json$/, '')}.measurements.jsonl`;
  if (options.restart === true && existsSync(partial)) rmSync(partial);
  const journal = new Journal(partial, {
    gpu: device.name,
    driver: found.driver?.version,
    cublas,
    // Co-runs hold launches by their place in a model: one that has changed since is another.
    models: Object.fromEntries([...options.models].map(([name, {layers}]) => [name, digestOf(layers)])),
    batches: options.batches ?? [1],
    tenants: options.scenario?.tenants ?? null,
    // What a record holds has changed since the first version.
    format: 8,
  });
  const {nowNs} = loadAddon();
  const session = new Session({
    journal,
    nowNs,
    budgetNs: options.budgetNs,
    log,
    ...(options.shouldStop === undefined ? {} : {shouldStop: options.shouldStop}),
  });
  const before = deviceState(device);
  log(`${device.name}, driver ${found.driver?.version}, cuBLAS ${cublas}; ${stateText(before)}`);
  if (journal.resumed > 0) log(`going on with ${journal.resumed} measurements in ${partial}`);

  const open = (more: ContextOptions): CudaContext => openContext({...paths, device: ordinal, ...more});
  const {lanes, maxMembers} = extent;
  const context = open({lanes, maxMembers, ringSlots});
  try {
    const {classes, elementwise} = classesOf(models, options.batches ?? [1], extent);
    const together = classesOfRequests(models, options.batches ?? [1], extent.requests, classes);
    const kernels = [...classes, ...together].map(({kernel}) => kernel);
    const pool = poolFor(context, [...kernels, ...elementwise], extent.poolBytes);
    const cacheBytes = extent.cacheBytes ?? device.l2Bytes;
    const bench = new Bench({context, nowNs, pool, lanes, maxMembers, ringSlots, cacheBytes});
    log(
      `${classes.length} GEMM classes (${classes.filter(isUsed).length} of models), ${elementwise.length} element-wise`,
    );

    const calls = await session.part('calls', () => measureCalls(bench, session));
    const solo = (await session.part('single kernels', () => measureSolo(bench, classes, session))) ?? [];
    const detectNs = detectionOf(solo);
    const shares = sharesOf(classes, solo);
    log(
      `  detection ${us(detectNs)} us; empty launch ${us(calls?.empty?.after.p50)} us after its submission`,
    );
    const ofRequests =
      (await session.part('several requests together', () => measureSolo(bench, together, session))) ?? [];
    const tables: SizeTable[] = [];
    await session.part('superkernels', () => measureGrid(bench, classes, shares, extent, session, tables));
    const strided = (await session.part('strided', () => measureStrided(bench, extent, session))) ?? [];
    const passes =
      (await session.part('element-wise', () =>
        measureElementwise(bench, elementwise, session, until.elementwise),
      )) ?? [];
    const works = typicalWorks(classes, shares, extent);
    const lanesRuns =
      (await session.part('lanes', () => measureLanes(bench, works, session, until.lanes))) ?? [];
    const laneShares =
      (await session.part('shares', () =>
        measureAllShares(
          bench,
          classes,
          shares,
          [...solo, ...tables.flatMap(({points}) => points)],
          extent,
          session,
        ),
      )) ?? [];
    const starts = await session.part('starts', () => measureStarts(bench, session));
    const noise = (await session.part('noise', () => measureNoise(bench, works, session))) ?? [];
    const equivalence =
      (await session.part('equivalence', () =>
        measureEquivalence(bench, extent.papers, [2, Math.min(16, extent.maxSize)], session),
      )) ?? [];
    const contexts = await session.part('contexts', () =>
      measureContexts(open, () => context.memoryInfo().free, nowNs, session, extent.slicing),
    );
    const underLoad = await session.measure(`state ${journal.resumed}`, () =>
      loadedState(bench, works[0], device),
    );
    const added = await session.part('refinement', () =>
      refine(bench, tables, session, until.refine, extent.tolerance),
    );
    log(`  ${added ?? 0} points added`);

    const points = [...solo, ...ofRequests, ...strided, ...tables.flatMap((table) => table.points)];
    let measurements: Measurements = {
      name: options.name,
      device,
      clockMHz: underLoad?.smClockMHz ?? NaN,
      cublas,
      date: options.date,
      note: [
        `driver ${before?.driverVersion ?? found.driver?.version}, CUDA ${found.driver?.version}`,
        `before: ${stateText(before)}`,
        `under load: ${stateText(underLoad)}`,
        `after: ${stateText(deviceState(device))}`,
        `command: ${options.command}`,
      ].join('; '),
      calls,
      hostRuns: [],
      detectNs,
      points,
      elementwise: passes,
      lanes: lanesRuns,
      shares: laneShares,
      starts,
      noise,
      contexts,
    };
    const base = baseFor(device);
    // Policies decide by the profile, so that it comes first.
    const unhosted = assembleProfile(measurements, base);
    const coRuns =
      (await session.part('co-runs', () =>
        measureCoRuns(unhosted, session, {
          models: options.models,
          batch: options.batches?.[0] ?? 1,
          ...(options.scenario === undefined ? {} : {scenario: options.scenario}),
          stage: extent.coRuns,
          ordinal,
          freeBytes: () => context.memoryInfo().free,
          until: until.coRuns,
        }),
      )) ?? [];
    const hostRuns =
      (await session.part('host', () =>
        measureHostRuns(unhosted, session, {ordinal, stages: extent.hosting}),
      )) ?? [];
    // Hosts are now faster and now slower: the more is seen of them, the better.
    const seen = [...hostRuns, ...coRuns.flatMap(({host}) => host ?? [])];
    measurements = {...measurements, hostRuns: seen};
    let profile = assembleProfile(measurements, base);
    writeProfile(output, profile);
    log(`wrote ${output}: ${profile.measured?.length} tables; fitting the model of unmeasured shapes`);
    profile = (await session.part('fit', async () => fit(profile, measurements, log))) ?? profile;
    // By shares and durations as they now are; without co-runs the terms stay as lanes of kernels say.
    const sharing = await session.part('sharing', async () => fitSharing(profile, coRuns, options.models));
    if (sharing !== null) profile = sharing.profile;
    writeProfile(output, profile);

    const model = costModel(profile);
    const rows =
      (await session.part('check', () =>
        checkUnseen(
          bench,
          costModel(withoutRuns(profile)),
          classes,
          shares,
          points,
          detectNs,
          extent,
          session,
        ),
      )) ?? [];
    const durations = rows.length > 0 ? durationErrors(rows) : null;
    const roundTrips = rows.length > 0 ? roundTripErrors(rows) : null;
    report(rows, measurements, model, equivalence, log);
    if (sharing !== null) reportSharing(sharing.fit, log);
    if (durations !== null) {
      const gemm = profile.gemm.fp32!;
      profile = {
        ...profile,
        gemm: {
          ...profile.gemm,
          fp32: {...gemm, residuals: {...gemm.residuals, 'check of unseen sizes': durations}},
        },
      };
      writeProfile(output, profile);
    }
    const check = output.replace(/\.json$/, '.check.json');
    const record = checkRecord(rows, measurements, costModel(profile), equivalence, sharing?.fit ?? null);
    writeFileSync(check, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(partial, records);
    const {failed} = journal;
    log(`${failed.size} measurements failed; ${(session.elapsedNs / 1e9).toFixed(0)} s in all`);
    return {profile, durations, roundTrips, equivalence, records, check, failed};
  } finally {
    context.destroy();
  }
}

const digestOf = (layers: Model['layers']): string =>
  createHash('sha256').update(JSON.stringify(layers)).digest('hex').slice(0, 12);

function fit(profile: DeviceProfile, measurements: Measurements, log: (line: string) => void): DeviceProfile {
  const fitted = withContention(fitProfile(profile, measurements), measurements);
  const residuals = modelErrors(fitted, measurements);
  for (const [method, {rows, median, p90, bias}] of Object.entries(residuals)) {
    log(
      `  model alone, ${method}: ${rows} rows, median ${percent(median)}, p90 ${percent(p90)}, bias ${percent(bias)}`,
    );
  }
  return {...fitted, gemm: {...fitted.gemm, fp32: {...fitted.gemm.fp32!, residuals}}};
}
