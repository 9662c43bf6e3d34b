import {fitProfile} from '../fitProfile.ts';
import type {Measurement} from '../measurement.ts';
import type {DeviceProfile, GemmTerms, LaunchTerms} from '../profile.ts';

/** Tiles of tensor-core kernels; Vidur does not say which ones ran. */
export const tensorCoreTiles = {
  single: ['256x128', '128x256', '128x128', '128x64', '64x128', '64x64'],
  batched: ['128x128', '64x64'],
};

/**
 * Fits FP16 to single launches. Nobody has published batched ones: assumed are the same tiles with k in one part. BF16
 * is assumed to take as long as FP16.
 */
export function withHalfPrecision(profile: DeviceProfile, rows: readonly Measurement[]): DeviceProfile {
  const fitted = fitProfile(profile, rows, {dtype: 'fp16', absoluteNs: 1000});
  const terms = fitted.gemm.fp16!;
  const {single} = terms;
  const batched: LaunchTerms = {...single, tiles: single.tiles.map((tile) => ({...tile, max_splits: 1}))};
  const fp16: GemmTerms = {...terms, batched};
  return {...fitted, gemm: {...fitted.gemm, fp16, bf16: {...fp16, residuals: {}}}};
}
