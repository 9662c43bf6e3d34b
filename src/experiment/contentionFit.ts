// How much of the device launches take, and how they slow each other: the profile's terms from lanes side by side.
import {medianOf} from '../gpu/calibration/samples.ts';
import {costModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {fitInterference} from './laneFit.ts';
import {measuredHere} from './measurements.ts';
import type {Measurements} from './measurements.ts';

/** How the model's shares compare with the measured ones, and whether one factor on all mends them. */
export interface ShareErrors {
  readonly rows: number;
  /** Median of measured / modelled. */
  readonly scale: number;
  /** Median relative error of the model as it is, and of the model times the scale of all other classes. */
  readonly median: number;
  readonly scaledMedian: number;
}

/** Leaves each class out in turn: its shares are predicted by the model times the median ratio of the other classes. */
export function shareErrors(profile: DeviceProfile, {shares}: Measurements): ShareErrors | null {
  const model = costModel(profile, {corrected: false});
  const rows = shares.flatMap(({work: {kernel, size, method}, share}) =>
    kernel.op !== 'gemm'
      ? []
      : [{key: kernelKey(kernel), share, modelled: model.smShare(kernel, size, method)}],
  );
  const keys = [...new Set(rows.map(({key}) => key))];
  if (keys.length < 5) return null;
  const ratio = ({share, modelled}: (typeof rows)[number]): number => share / modelled;
  const scaled = keys.flatMap((key) => {
    const scale = medianOf(rows.filter((row) => row.key !== key).map(ratio));
    return rows
      .filter((row) => row.key === key)
      .map(({share, modelled}) => Math.abs(Math.min(1, scale * modelled) / share - 1));
  });
  return {
    rows: rows.length,
    scale: medianOf(rows.map(ratio)),
    median: medianOf(rows.map(({share, modelled}) => Math.abs(modelled / share - 1))),
    scaledMedian: medianOf(scaled),
  };
}

/** A scale has to take away this part of the error before it is used. */
const worthwhile = 0.1;

/** Scale of modelled shares, and interference by the shares that the profile then has; do this again after a fit. */
export function withContention(profile: DeviceProfile, measurements: Measurements): DeviceProfile {
  const {share_scale: _, ...kept} = profile.contention;
  const errors = shareErrors(profile, measurements);
  const isScaled = errors !== null && errors.scaledMedian < (1 - worthwhile) * errors.median;
  const scale = isScaled ? {share_scale: {value: Number(errors.scale.toFixed(4)), source: measuredHere}} : {};
  const scaled: DeviceProfile = {
    ...profile,
    contention: {...kept, ...scale},
  };
  const found = fitInterference(costModel(scaled), measurements.lanes);
  if (found === null) return scaled;
  const value = Number(found.toFixed(4));
  return {...scaled, contention: {...scaled.contention, interference: {value, source: measuredHere}}};
}
