// The library's kernels one by one: what an auto-tuner chooses among.
import type {DeviceProfile, LaunchTerms} from '../../profile/profile.ts';
import {InputError} from '../../scheduler/errors.ts';
import type {KernelChoice} from './source.ts';

/** Every FP32 tile of the profile, with the powers of two up to its most parts of k. */
export function kernelChoices({gemm}: DeviceProfile): KernelChoice[] {
  const {fp32} = gemm;
  if (fp32 === undefined) return [];
  return (['single', 'batched'] as const).flatMap((launch) =>
    fp32[launch].tiles.flatMap(({name: tile, max_splits}) =>
      powersOfTwo(max_splits).map((splits) => ({launch, tile, splits})),
    ),
  );
}

/** The profile of a device whose library has this kernel only. */
export function withKernel(profile: DeviceProfile, {launch, tile, splits}: KernelChoice): DeviceProfile {
  const {fp32} = profile.gemm;
  const found = fp32?.[launch].tiles.find(({name}) => name === tile);
  if (fp32 === undefined || found === undefined)
    throw new InputError(`unknown tile of ${profile.name}: ${tile} (expected one of its ${launch} kernels)`);
  const only: LaunchTerms = {...fp32[launch], tiles: [{...found, max_splits: splits}]};
  return {...profile, gemm: {...profile.gemm, fp32: {...fp32, single: only, batched: only}}, measured: []};
}

function powersOfTwo(most: number): number[] {
  const powers = [];
  for (let power = 1; power <= most; power *= 2) powers.push(power);
  return powers;
}
