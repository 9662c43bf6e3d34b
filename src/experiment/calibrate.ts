// Measures a GPU and writes its device profile: the plan of a calibration, its order and its share of time.
import {existsSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {deviceState, loadAddon, openContext, probe} from '../gpu/cuda.ts';
import type {ContextOptions, CudaContext, CudaPaths, DeviceProperties, DeviceState} from '../gpu/cuda.ts';
import {Bench} from '../gpu/calibration/bench.ts';
import type {Work} from '../gpu/calibration/bench.ts';
import {checkPredictions, drawUnseen} from '../gpu/calibration/check.ts';
import type {CheckErrors, CheckRow} from '../gpu/calibration/check.ts';
import {
  batchedSizes,
  genericSizes,
  groupedSizes,
  measureSizes,
  refine,
} from '../gpu/calibration/coalesced.ts';
import type {SizeTable} from '../gpu/calibration/coalesced.ts';
import {measureContexts} from '../gpu/calibration/contexts.ts';
import {measureElementwise} from '../gpu/calibration/elementwise.ts';
import {measureEquivalence} from '../gpu/calibration/equivalence.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import {measureHost} from '../gpu/calibration/host.ts';
import {Journal} from '../gpu/calibration/journal.ts';
import {measureLanes} from '../gpu/calibration/lanes.ts';
import {measureNoise} from '../gpu/calibration/noise.ts';
import {OperandPool} from '../gpu/calibration/operandPool.ts';
import type {Point} from '../gpu/calibration/point.ts';
import {Session} from '../gpu/calibration/session.ts';
import {measureShares, shareBytes} from '../gpu/calibration/shares.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
import {detectionOf, genericShapes, measureSolo, sharesOf} from '../gpu/calibration/solo.ts';
import type {ShapeClass} from '../gpu/calibration/solo.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {InputError, NoDeviceError} from '../scheduler/errors.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Elementwise, Gemm, Kernel} from '../scheduler/kernel.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import type {Model} from '../workload/models/layer.ts';
import {assembleProfile, fitProfile, modelErrors, withContention} from './calibratedProfile.ts';
import type {Measurements} from './calibratedProfile.ts';
import {measureDecide} from './decideCost.ts';
import {checkRecord, durationErrors, percent, report, roundTripErrors, us} from './calibrationReport.ts';
import {profileNames, readProfile, writeProfile} from './profileFiles.ts';

/** The shapes of the papers: recurrent, small and square. They are measured whatever the models. */
export const paperShapes: readonly Gemm[] = [
  {op: 'gemm', m: 512, n: 1, k: 512, count: 1, dtype: 'fp32'},
  {op: 'gemm', m: 128, n: 256, k: 1152, count: 1, dtype: 'fp32'},
  {op: 'gemm', m: 256, n: 256, k: 256, count: 1, dtype: 'fp32'},
];

/** Calibrated for where nothing else is asked for. */
export const usualModels = ['resnet-50', 'resnet-18', 'mobilenet-v2', 'bert-base-128', 'lstm-1024', 'vgg-16'];

export interface CalibrationOptions {
  readonly models: readonly Model[];
  /** Inputs in one request: batch sizes to calibrate for. Default 1. */
  readonly batches?: readonly number[];
  readonly output: string;
  /** The profile's name. */
  readonly name: string;
  readonly budgetNs: number;
  readonly ordinal?: number;
  /** Where to find libraries, e.g. a stand-in for CUDA in tests. */
  readonly paths?: CudaPaths;
  /** ISO date of today. */
  readonly date: string;
  /** The command line, for provenance. */
  readonly command: string;
  readonly log: (line: string) => void;
  readonly shouldStop?: () => boolean;
  /** Forget an interrupted calibration instead of going on with it. */
  readonly restart?: boolean;
  /** Smaller for tests: shapes, sizes and memory that a stand-in on the CPU can work through. */
  readonly extent?: Partial<Extent>;
}

/** How much of everything is measured. */
export interface Extent {
  readonly generic: readonly Gemm[];
  readonly papers: readonly Gemm[];
  readonly maxSize: number;
  readonly lanes: number;
  readonly maxMembers: number;
  readonly poolBytes: number;
  /** Unseen pairs that the profile is checked with. */
  readonly checks: number;
  readonly slicing: {kernel?: Gemm; forNs?: number};
  /** How long the host's time for a decision is measured; as `measureDecide` does by default. */
  readonly deciding: {warmUpNs?: number; slices?: number};
}

const usualExtent: Extent = {
  generic: genericShapes(),
  papers: paperShapes,
  maxSize: 128,
  lanes: 16,
  // As live runs open their context.
  maxMembers: 16_384,
  // Many times what a cache of today holds.
  poolBytes: 8 * 2 ** 30,
  checks: 120,
  slicing: {},
  deciding: {},
};

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

/** Launches that a lane may hold: a few captured or queued ones. */
const ringSlots = 16;

/** By when, as a share of the budget, each part has to leave the time to the next. */
const until = {grid: 0.4, lanes: 0.5, shares: 0.7, refine: 0.87, check: 0.97};
/** The most of the budget that shares of the device may take, whatever time the parts before them left. */
const mostForShares = 0.3;

/** Measures and writes the profile. Throws a NoDeviceError where there is no GPU, CalibrationStopped when asked to stop. */
export async function calibrate(options: CalibrationOptions): Promise<Calibration> {
  const extent = {...usualExtent, ...options.extent};
  const {output, log, paths = {}, ordinal = 0} = options;
  const found = probe(paths);
  if (found.reason !== null) throw new NoDeviceError(`no GPU to use: ${found.reason}`);
  const device = found.devices[ordinal];
  if (device === undefined) {
    throw new InputError(
      `unknown device: cuda:${ordinal} (expected cuda:0 to cuda:${found.devices.length - 1})`,
    );
  }
  const cublas = found.cublas?.version ?? 'unknown';
  const partial = `${output.replace(/\.json$/, '')}.partial.jsonl`;
  const records = `${output.replace(/\.json$/, '')}.measurements.jsonl`;
  if (options.restart === true && existsSync(partial)) rmSync(partial);
  const journal = new Journal(partial, {
    gpu: device.name,
    driver: found.driver?.version,
    cublas,
    models: options.models.map(({name}) => name),
    batches: options.batches ?? [1],
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
    const {classes, elementwise} = classesOf(options.models, options.batches ?? [1], extent);
    const pool = poolFor(context, [...classes.map(({kernel}) => kernel), ...elementwise], extent.poolBytes);
    const bench = new Bench({context, nowNs, pool, lanes, maxMembers, ringSlots});
    log(
      `${classes.length} GEMM classes (${classes.filter(isUsed).length} of models), ${elementwise.length} element-wise`,
    );

    const host = await session.part('host', () => measureHost(bench, session));
    const solo = (await session.part('single kernels', () => measureSolo(bench, classes, session))) ?? [];
    const detectNs = detectionOf(solo);
    const shares = sharesOf(classes, solo);
    log(`  detection ${us(detectNs)} us; empty launch ${us(host?.empty?.after.p50)} us after its submission`);
    const tables: SizeTable[] = [];
    await session.part('superkernels', () => measureGrid(bench, classes, shares, extent, session, tables));
    const strided = (await session.part('strided', () => measureStrided(bench, extent, session))) ?? [];
    const passes =
      (await session.part('element-wise', () => measureElementwise(bench, elementwise, session))) ?? [];
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
    const added = await session.part('refinement', () => refine(bench, tables, session, until.refine));
    log(`  ${added ?? 0} points added`);

    const points = [...solo, ...strided, ...tables.flatMap((table) => table.points)];
    const measurements: Measurements = {
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
      host,
      detectNs,
      decideNs: null,
      points,
      elementwise: passes,
      lanes: lanesRuns,
      shares: laneShares,
      noise,
      contexts,
    };
    let profile = assembleProfile(measurements, baseFor(device));
    const decideNs = await session.part('deciding', () => measureDecide(profile, nowNs, extent.deciding));
    const simplestNs = await session.part('deciding in order of arrival', () =>
      measureDecide(profile, nowNs, {...extent.deciding, policy: 'streams'}),
    );
    log(`  a wake-up under ooo ${us(decideNs ?? NaN)} us, under streams ${us(simplestNs ?? NaN)} us`);
    if (decideNs !== null) profile = assembleProfile({...measurements, decideNs}, baseFor(device));
    writeProfile(output, profile);
    log(`wrote ${output}: ${profile.measured?.length} tables; fitting the model of unmeasured shapes`);
    profile = (await session.part('fit', async () => fit(profile, measurements, log))) ?? profile;
    writeProfile(output, profile);

    const model = costModel(profile);
    const rows =
      (await session.part('check', () =>
        checkProfile(bench, model, classes, shares, points, extent, session),
      )) ?? [];
    const durations = rows.length > 0 ? durationErrors(rows) : null;
    const roundTrips = rows.length > 0 ? roundTripErrors(rows) : null;
    report(rows, measurements, model, equivalence, log);
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
    const record = checkRecord(rows, measurements, costModel(profile), equivalence);
    writeFileSync(check, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(partial, records);
    const {failed} = journal;
    log(`${failed.size} measurements failed; ${(session.elapsedNs / 1e9).toFixed(0)} s in all`);
    return {profile, durations, roundTrips, equivalence, records, check, failed};
  } finally {
    context.destroy();
  }
}

const isUsed = ({uses}: ShapeClass): boolean => Object.keys(uses).length > 0;

/** The shape classes of the models, of the papers and generic ones, each once; and the models' element-wise kernels. */
function classesOf(
  models: readonly Model[],
  batches: readonly number[],
  extent: Extent,
): {classes: ShapeClass[]; elementwise: Elementwise[]} {
  const uses = new Map<string, {kernel: Gemm; uses: Record<string, number>}>();
  const elementwise = new Map<string, Elementwise>();
  const add = (kernel: Kernel, user: string | null): void => {
    const key = kernelKey(kernel);
    if (kernel.op === 'elementwise') {
      elementwise.set(key, kernel);
      return;
    }
    let known = uses.get(key);
    if (known === undefined) uses.set(key, (known = {kernel, uses: {}}));
    if (user !== null) known.uses[user] = (known.uses[user] ?? 0) + 1;
  };
  for (const kernel of extent.papers) add(kernel, 'papers');
  for (const model of models) {
    for (const batch of batches) {
      for (const kernel of kernelsOf(model, {batch, dtype: 'fp32', elementwise: true}))
        add(kernel, model.name);
    }
  }
  for (const kernel of extent.generic) add(kernel, null);
  return {classes: [...uses.values()], elementwise: [...elementwise.values()]};
}

/** Memory for operands: what was asked for, less where the device has less, and what the largest kernel needs at least. */
function poolFor(context: CudaContext, kernels: readonly Kernel[], wanted: number): OperandPool {
  const {free} = context.memoryInfo();
  const bytes = Math.min(wanted, free / 4);
  const needs = kernels
    .map(OperandPool.needOf)
    .filter(({weights, activations}) => weights + activations < free / 2);
  const weights = Math.max(bytes, ...needs.map((need) => need.weights));
  const activations = Math.max(bytes, ...needs.map((need) => need.activations));
  return new OperandPool(context, weights, activations);
}

/** Batched and grouped launches of every class, those that matter most first. */
async function measureGrid(
  bench: Bench,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  {maxSize}: Extent,
  session: Session,
  tables: SizeTable[],
): Promise<void> {
  const shareOf = ({kernel}: ShapeClass): number => shares.get(kernelKey(kernel)) ?? 0;
  const ordered = [...classes].sort((a, b) => shareOf(b) - shareOf(a));
  const run = async (
    each: ShapeClass,
    method: 'batched' | 'grouped',
    sizes: readonly number[],
  ): Promise<void> => {
    // Grouped launches seldom pay, so that their errors weigh less.
    const table = {kernel: each.kernel, method, share: shareOf(each) * (method === 'grouped' ? 0.3 : 1)};
    if (session.used > until.grid) return;
    tables.push(await measureSizes(bench, table, sizes, session, maxSize));
  };
  for (const each of ordered) await run(each, 'batched', isUsed(each) ? batchedSizes : genericSizes);
  for (const each of ordered) if (each.kernel.count === 1) await run(each, 'grouped', groupedSizes);
  if (session.used > until.grid) session.log('  out of time: some classes have no table');
}

/** Shares of the device of the models' classes, those that take most time first, and of element-wise kernels. */
function measureAllShares(
  bench: Bench,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  points: readonly Point[],
  {maxSize}: Extent,
  session: Session,
): Promise<MeasuredShare[]> {
  const shareOf = ({kernel}: ShapeClass): number => shares.get(kernelKey(kernel)) ?? 0;
  const passes = shareBytes.map((bytes): Elementwise => ({op: 'elementwise', bytes, dtype: 'fp32'}));
  const gemms = classes
    .filter(isUsed)
    .sort((a, b) => shareOf(b) - shareOf(a))
    .map(({kernel}) => kernel);
  const end = Math.min(until.shares, session.used + mostForShares);
  return measureShares(bench, [...passes, ...gemms], points, session, {until: end, maxSize});
}

/** Operands at equal distances, beside pointers to them. */
async function measureStrided(bench: Bench, {papers, maxSize}: Extent, session: Session): Promise<Point[]> {
  const points: Point[] = [];
  for (const kernel of papers) {
    const table = await measureSizes(
      bench,
      {kernel, method: 'strided', share: 0},
      [2, 8, 32, 128],
      session,
      maxSize,
    );
    points.push(...table.points);
  }
  return points;
}

/** A few kinds of launches that stand for the rest: the papers' shapes, the classes that take most time, and superkernels. */
function typicalWorks(
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  {papers, maxSize}: Extent,
): Work[] {
  const heavy = classes
    .filter((each) => isUsed(each) && !papers.includes(each.kernel))
    .sort((a, b) => (shares.get(kernelKey(b.kernel)) ?? 0) - (shares.get(kernelKey(a.kernel)) ?? 0))
    .slice(0, 3);
  const works: Work[] = [...papers, ...heavy.map(({kernel}) => kernel)].map((kernel) => ({
    kernel,
    size: 1,
    method: 'single',
  }));
  for (const kernel of papers) {
    for (const size of [8, 32]) if (size <= maxSize) works.push({kernel, size, method: 'batched'});
  }
  return works;
}

/** Clocks, power and temperature while the device works. */
function loadedState(bench: Bench, work: Work | undefined, device: DeviceProperties): DeviceState | null {
  if (work !== undefined) bench.warmUp({...work, size: 1, method: 'single'}, 300e6);
  return deviceState(device);
}

function stateText(state: DeviceState | null): string {
  if (state === null) return 'no NVML';
  const {smClockMHz, memoryClockMHz, powerWatts, temperatureCelsius, throttleReasons} = state;
  return `${smClockMHz} MHz, memory ${memoryClockMHz} MHz, ${powerWatts.toFixed(0)} W, ${temperatureCelsius} C, throttle ${throttleReasons}`;
}

/** The profile whose numbers stand in for what was not measured: one of the same GPU, else the V100's. */
function baseFor(device: DeviceProperties): DeviceProfile {
  for (const name of profileNames()) {
    const profile = readProfile(name);
    if (profile.hardware.gpu === device.name && profile.gemm.fp32 !== undefined) return profile;
  }
  return readProfile('v100');
}

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

async function checkProfile(
  bench: Bench,
  model: CostModel,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  points: readonly Point[],
  {maxSize, checks}: Extent,
  session: Session,
): Promise<CheckRow[]> {
  const key = (kernel: Kernel, size: number, method: string): string =>
    `${kernelKey(kernel)} ${method} ${size}`;
  const seen = new Set(points.map(({kernel, size, method}) => key(kernel, size, method)));
  const candidates = classes
    .filter(isUsed)
    .map(({kernel}) => ({kernel, share: shares.get(kernelKey(kernel)) ?? 0}));
  const choose = (kernel: Gemm, size: number): Work => {
    const batched = {kernel, size, method: 'batched'} as const;
    const grouped = {kernel, size, method: 'grouped'} as const;
    if (!bench.isPossible(grouped)) return batched;
    return model.durationNs(kernel, size, 'grouped') < model.durationNs(kernel, size, 'batched')
      ? grouped
      : batched;
  };
  const works = drawUnseen(
    candidates,
    ({kernel, size, method}) => seen.has(key(kernel, size, method)),
    choose,
    {
      count: checks,
      maxSize,
      seed: 'check',
    },
  );
  const rows: CheckRow[] = [];
  for (const work of works) {
    if (session.used > until.check && rows.length > 0) break;
    rows.push(
      ...(await checkPredictions(
        bench,
        [work],
        ({kernel, size, method}) => ({
          durationNs: model.durationNs(kernel, size, method),
          submitNs: model.submitNs(kernel, size, method),
          detectNs: model.detectNs,
        }),
        session,
      )),
    );
  }
  return rows;
}
