// How far a profile's predictions are from measurements, by who measured and by what was measured.
import {conditionsOf, shownNs} from './conditions.ts';
import {launchKindOf, predictedNs} from './measurement.ts';
import type {Measurement} from './measurement.ts';
import {costModel} from './costModel.ts';
import {gemmModelOf} from './gemmModel.ts';
import type {GemmModel} from './gemmModel.ts';
import {summarise} from './fitProfile.ts';
import {findHostFloors, markHostFloors} from './hostFloors.ts';
import type {HostFloor} from './hostFloors.ts';
import type {DeviceProfile, ErrorSummary} from './profile.ts';

/** A measurement and what the profile predicts of it. */
export interface Comparison {
  readonly measurement: Measurement;
  /** As the source would have shown it, where the profile knows its conditions: the host's part, a GPU that slowed. */
  readonly predictedNs: number;
  /** predicted / measured - 1. */
  readonly error: number;
  /** Whether the shape lies outside what the profile was fitted on. */
  readonly isExtrapolated: boolean;
}

/** Errors of a group of measurements, e.g. `neusight batched` or `time 20..60 us`. */
export interface GroupErrors extends ErrorSummary {
  readonly group: string;
}

export interface ProfileCheck {
  readonly profile: string;
  readonly overall: ErrorSummary;
  readonly bySource: readonly GroupErrors[];
  readonly byRegion: readonly GroupErrors[];
  /** The ten largest errors, as factors either way. */
  readonly worst: readonly Comparison[];
  /** Measurements that are upper bounds only, those on the host's floors among them, and how many the prediction exceeds. */
  readonly upperBounds: {readonly rows: number; readonly exceeded: number};
  /** Where measurements show the host's speed and not the kernel's, by source. */
  readonly hostFloors: readonly HostFloor[];
  /** Measurements of data types that the profile does not hold. */
  readonly skipped: number;
  readonly comparisons: readonly Comparison[];
}

/**
 * Predicts every measurement and says how well. A source whose clock the profile knows is predicted at that clock, not
 * at the device's own, and with what the profile knows of its host's part in the times and of its GPU under load.
 */
export function checkProfile(profile: DeviceProfile, rows: readonly Measurement[]): ProfileCheck {
  const models = new Map<string, GemmModel>();
  const modelOf = ({dtype, source}: Measurement): GemmModel => {
    const key = `${dtype} ${source}`;
    let model = models.get(key);
    if (model === undefined) {
      models.set(key, (model = gemmModelOf(profile, dtype, profile.sources[source]?.clock_mhz)));
    }
    return model;
  };
  const costs = costModel(profile);
  const hasTables = (profile.measured ?? []).length > 0;
  const compare = (measurement: Measurement): Comparison => {
    const {m, n, k, batch, dtype, method} = measurement;
    const kernel = {op: 'gemm', m, n, k, count: 1, dtype} as const;
    const kernelNs = hasTables
      ? costs.durationNs(kernel, batch, method)
      : predictedNs(modelOf(measurement), measurement);
    const ns = shownNs(kernelNs, conditionsOf(profile, measurement), measurement);
    return {
      measurement,
      predictedNs: ns,
      error: ns / measurement.ns - 1,
      isExtrapolated: costs.isExtrapolated(kernel, batch, method),
    };
  };
  const hostFloors = findHostFloors(rows);
  const known = markHostFloors(rows, hostFloors).filter(({dtype}) => profile.gemm[dtype] !== undefined);
  const bounds = known.filter(({isUpperBound}) => isUpperBound === true).map(compare);
  const comparisons = known.filter(({isUpperBound}) => isUpperBound !== true).map(compare);
  const factor = ({error}: Comparison): number => Math.abs(Math.log(1 + error));
  return {
    profile: profile.name,
    overall: summarise(comparisons.map(({error}) => error)),
    bySource: grouped(comparisons, ({measurement: {source, method}}) => [
      `${source} ${launchKindOf(method)}`,
    ]),
    byRegion: grouped(comparisons, regionsOf),
    worst: comparisons.toSorted((a, b) => factor(b) - factor(a)).slice(0, 10),
    upperBounds: {rows: bounds.length, exceeded: bounds.filter(({error}) => error > 0).length},
    hostFloors,
    skipped: rows.length - known.length,
    comparisons,
  };
}

/** Bounds between the groups of `byRegion`. */
const timesUs = [20, 60, 200, 1000];
const batches = [1, 4, 16, 64, 256];
const lengths = [64, 256, 1024, 4096];

function regionsOf({measurement: {ns, batch, m, n, k}, isExtrapolated}: Comparison): string[] {
  const regions = [
    `time ${bin(ns / 1000, timesUs)} us`,
    `batch ${bin(batch, batches)}`,
    `k ${bin(k, lengths)}`,
    `smaller of m and n ${bin(Math.min(m, n), lengths)}`,
  ];
  if (isExtrapolated) regions.push('outside the fitted region');
  return regions;
}

/** The range between two bounds that a value lies in, e.g. `20..60`; a bound belongs to the range below it. */
function bin(value: number, bounds: readonly number[]): string {
  const above = bounds.findIndex((bound) => value <= bound);
  if (above === 0) return `up to ${bounds[0]}`;
  return above === -1 ? `above ${bounds[bounds.length - 1]}` : `${bounds[above - 1]}..${bounds[above]}`;
}

function grouped(
  comparisons: readonly Comparison[],
  groupsOf: (comparison: Comparison) => string[],
): GroupErrors[] {
  const groups = new Map<string, number[]>();
  for (const comparison of comparisons) {
    for (const group of groupsOf(comparison)) {
      const errors = groups.get(group);
      if (errors === undefined) groups.set(group, [comparison.error]);
      else errors.push(comparison.error);
    }
  }
  const names = [...groups.keys()].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
  return names.map((group) => ({group, ...summarise(groups.get(group)!)}));
}
