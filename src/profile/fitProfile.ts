// From published measurements to a profile's GEMM terms: fitted on one part of them, checked on the others.
import {median, quantile} from 'd3-array';
import type {DataType} from '../scheduler/kernel.ts';
import {fitGemm} from './fit.ts';
import type {FittedConditions} from './fit.ts';
import {factsOf, gemmModelOf} from './gemmModel.ts';
import {markHostFloors} from './hostFloors.ts';
import {conditionsOf, shownNs} from './conditions.ts';
import type {PublishedLaunch} from './conditions.ts';
import {launchKindOf, predictedNs} from './measurement.ts';
import type {Measurement} from './measurement.ts';
import type {DeviceProfile, ErrorSummary, Region, Throttle} from './profile.ts';

/**
 * Weights of the times of the tiles that ran beside those of the model's choice. Without them the constants drift up to
 * make good for a choice that is better than the library's, and shapes that fit their tiles come out too long. Of batches
 * the library is known not to take the fastest tile, so that they need more of it.
 */
const knownWeights = {single: 0.3, batched: 1, grouped: 0} as const;

/**
 * Sessions of one source that disagree say different things of the same GPU, and the larger is no truer: all have the
 * same weight, up to this many times that of a single measurement.
 */
const mostSessionWeight = 3;

/** Where the fit of a GPU that slows under load starts. */
const throttleStart = {share: 0.05, half_ns: 2e6} as const;

/** Where the fit of a session at a lower clock starts. */
const slowerStart = 0.05;

/** Options of `fitProfile`. */
export interface FitProfileOptions {
  readonly dtype: DataType;
  /** Absolute error of the measurements in ns. */
  readonly absoluteNs: number;
  /** SM clock by source, where it is not that of the terms. */
  readonly clockMHz?: Readonly<Record<string, number>>;
  /** Multiply-adds per clock of one SM; by default what the profile's peak comes to. No fitted tile does more. */
  readonly fmaPerClock?: number;
  /** Sources that take no part in the fit and show how it does on somebody else's measurements. */
  readonly unseenSources?: readonly string[];
  /**
   * Sources that share a host whose part in their times is fitted too, by launch, from the launches whose tile is known.
   * Of others it is what the profile says, or none.
   */
  readonly oneHost?: readonly string[];
  /**
   * Launches of sources whose GPU lowered its clock under load: by how much is fitted too. Not in sessions with a name of
   * their own.
   */
  readonly throttled?: Readonly<Record<string, readonly PublishedLaunch[]>>;
  /** Sessions of sources whose GPU ran at a lower clock throughout: by how much is fitted too. */
  readonly slower?: Readonly<Record<string, readonly string[]>>;
  /** Share of the shapes that are held back; default 0.2. */
  readonly testShare?: number;
  /** Most measurements to fit, a sample by shape. */
  readonly most?: number;
}

/**
 * The profile with its GEMM terms fitted: first every tile by the launches that are known to have used it, then all by
 * the model's own choice of tile. Shapes are held back by a hash of m, n and k, for all batches of them; the errors on both parts and on
 * unseen sources become the profile's `residuals`. Times on the host's floor take no part in either.
 */
export function fitProfile(
  profile: DeviceProfile,
  rows: readonly Measurement[],
  options: FitProfileOptions,
): DeviceProfile {
  const {
    dtype,
    absoluteNs,
    unseenSources = [],
    oneHost = [],
    throttled = {},
    slower = {},
    testShare = 0.2,
    most = 6000,
  } = options;
  const usable = markHostFloors(rows).filter((row) => row.dtype === dtype && row.isUpperBound !== true);
  const seen = usable.filter((row) => !unseenSources.includes(row.source));
  const train = seen.filter((row) => shapeHash(row) >= testShare);
  const part = testShare + (1 - testShare) * Math.min(1, most / train.length);
  const sample = train.filter((row) => shapeHash(row) < part);
  const clock = profile.gemm[dtype]!.clock_mhz;
  const facts = factsOf(profile, dtype, clock);
  const {fmaPerClock = peakFmaPerClock(profile, dtype)} = options;
  const weightOf = sessionWeights(sample);
  const hosts = {single: {ns: 0}, batched: {ns: 0}, grouped: {ns: 0, isKnown: true}};
  const tflops = fmaPerClock === Infinity ? undefined : (2 * fmaPerClock * facts.sms * clock) / 1e6;
  const throttles = mapValues(throttled, (launches) =>
    Object.fromEntries(launches.map((launch) => [launch, {...throttleStart, tflops}])),
  );
  const slowSessions = mapValues(slower, (sessions) =>
    Object.fromEntries(sessions.map((session) => [session, {share: slowerStart}])),
  );
  const conditions = (row: Measurement): FittedConditions => {
    const {source, session} = row;
    const kind = launchKindOf(row.method);
    const throttle = session === undefined ? throttles[source]?.[kind] : undefined;
    const slow = session === undefined ? undefined : slowSessions[source]?.[session];
    const host = oneHost.includes(source) ? hosts[kind] : {...conditionsOf(profile, row).host, isKnown: true};
    return {host, throttle, slower: slow};
  };
  const common = {
    facts,
    absoluteNs,
    fmaPerNs: (fmaPerClock * clock) / 1000,
    weightOf,
    conditionsOf: conditions,
  };
  // Launch and host are told apart from the rest where the tile is known. A choice of tile that is better than the
  // library's would make both longer.
  const fitLaunch = oneHost.length === 0;
  // One way of launching after the other, as nothing that is fitted belongs to both.
  let terms = profile.gemm[dtype]!;
  for (const kinds of [['single'], ['batched']] as const) {
    const known = fitGemm(sample, terms, {...common, kinds, knownTiles: true, fitConditions: true});
    terms = fitGemm(sample, known, {...common, kinds, knownTiles: false, knownWeights, fitLaunch});
  }
  const host_ns = {single: hosts.single.ns, batched: hosts.batched.ns};
  const fittedSource = (source: Source, id: string): Source => ({
    ...source,
    ...(oneHost.includes(id) ? {host_ns} : {}),
    ...(id in throttles ? {throttle: mapValues(throttles[id], roundedThrottle)} : {}),
    ...(id in slowSessions ? {slower: mapValues(slowSessions[id], ({share}) => rounded(share))} : {}),
  });
  const fitted = {
    ...profile,
    sources: mapValues(profile.sources, fittedSource),
    gemm: {...profile.gemm, [dtype]: {...terms, region: regionOf(sample)}},
  };
  const predict = (row: Measurement): number => {
    const model = gemmModelOf(fitted, dtype, options.clockMHz?.[row.source] ?? clock);
    return shownNs(predictedNs(model, row), conditionsOf(fitted, row), row);
  };
  const parts: [string, Measurement[]][] = [
    ['train', sample],
    ['test', seen.filter((row) => shapeHash(row) < testShare)],
    ['unseen', usable.filter((row) => unseenSources.includes(row.source))],
  ];
  const residuals: Record<string, ErrorSummary> = {};
  for (const [name, members] of parts) {
    for (const key of new Set(members.map(groupOf))) {
      const group = members.filter((row) => groupOf(row) === key);
      residuals[`${name} ${key}`] = summarise(group.map((row) => predict(row) / row.ns - 1));
    }
  }
  return {...fitted, gemm: {...fitted.gemm, [dtype]: {...fitted.gemm[dtype]!, residuals}}};
}

type Source = DeviceProfile['sources'][string];

/** As precise as a fit knows. */
const rounded = (value: number): number => Number(value.toPrecision(3));

function roundedThrottle({share, half_ns, tflops}: Throttle): Throttle {
  return {
    share: rounded(share),
    half_ns: rounded(half_ns),
    ...(tflops === undefined ? {} : {tflops: Number(tflops.toPrecision(4))}),
  };
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  of: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value, key)]));
}

/** What the profile's peak comes to at the clock of its device, per SM. */
function peakFmaPerClock({hardware: {peak_tflops, sms, clock_mhz}}: DeviceProfile, dtype: DataType): number {
  const peak = peak_tflops[dtype];
  return peak === undefined ? Infinity : (1e6 * peak.value) / (2 * sms.value * clock_mhz.value);
}

function sessionWeights(rows: readonly Measurement[]): (row: Measurement) => number {
  const sizes = new Map<string, number>();
  for (const row of rows) sizes.set(groupOf(row), (sizes.get(groupOf(row)) ?? 0) + 1);
  const largest = new Map<string, number>();
  for (const row of rows) {
    const all = sourceAndKind(row);
    largest.set(all, Math.max(largest.get(all) ?? 0, sizes.get(groupOf(row))!));
  }
  return (row) => Math.min(mostSessionWeight, largest.get(sourceAndKind(row))! / sizes.get(groupOf(row))!);
}

const sourceAndKind = ({source, method}: Measurement): string => `${source} ${launchKindOf(method)}`;

/** By source, session and launch, e.g. `neusight layers single`. */
function groupOf({source, session, method}: Measurement): string {
  return [source, ...(session === undefined ? [] : [session]), launchKindOf(method)].join(' ');
}

/** Median and 90th percentile of the absolute relative errors, and the median of the signed ones. */
export function summarise(errors: readonly number[]): ErrorSummary {
  const absolute = errors.map(Math.abs);
  const round = (value: number | undefined): number => Number((value ?? 0).toFixed(4));
  return {
    rows: errors.length,
    median: round(median(absolute)),
    p90: round(quantile(absolute, 0.9)),
    bias: round(median(errors)),
  };
}

/**
 * A number in [0, 1) that depends on the product alone, not on how many of it there are (FNV-1a, then the finaliser of
 * MurmurHash3): what is held back is held back for every batch.
 */
export function shapeHash({m, n, k}: {m: number; n: number; k: number}): number {
  let hash = 2_166_136_261;
  for (const character of `blind ${m} ${n} ${k}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function regionOf(rows: readonly Measurement[]): Region {
  const range = (key: 'm' | 'n' | 'k' | 'batch'): [number, number] => {
    let low = Infinity;
    let high = 0;
    for (const row of rows) {
      low = Math.min(low, row[key]);
      high = Math.max(high, row[key]);
    }
    return [low, high];
  };
  return {m: range('m'), n: range('n'), k: range('k'), batch: range('batch')};
}
