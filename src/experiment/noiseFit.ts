// The distribution of measured over typical durations.
import {medianOf, quantilesOf} from '../gpu/calibration/samples.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {assumed, deviceNs, measuredHere} from './measurements.ts';
import type {Measurements} from './measurements.ts';

/** The profile's `noise`. */
export function noiseOf(
  {noise, detectNs}: Pick<Measurements, 'noise' | 'detectNs'>,
  base: DeviceProfile,
): DeviceProfile['noise'] {
  const ratios = noise.flatMap(({medians, differences}) => {
    const typical = deviceNs(medianOf(medians), detectNs);
    return differences.map((ns) => Math.max(0.05, 1 + ns / typical));
  });
  if (ratios.length === 0) return {...base.noise, source: assumed};
  const quantiles = quantilesOf(ratios, 100);
  // The last step reaches to the largest of all: cut it so that the mean of the tail stays what it was.
  const tail = ratios.filter((ratio) => ratio >= quantiles[99]);
  const mean = tail.reduce((sum, ratio) => sum + ratio, 0) / tail.length;
  quantiles[100] = Math.max(quantiles[99], 2 * mean - quantiles[99]);
  return {source: measuredHere, quantiles: quantiles.map((value) => Number(value.toFixed(5)))};
}
