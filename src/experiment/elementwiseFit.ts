// The terms of memory-bound kernels from measured passes.
import {elementwiseNs} from '../profile/elementwise.ts';
import {leastSquares} from '../profile/leastSquares.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {elementwiseShares} from './measuredTables.ts';
import {deviceNs, measuredHere} from './measurements.ts';
import type {Measurements} from './measurements.ts';

/** Fits launch time and bandwidths; a profile with fewer than four passes stays as it is. */
export function withElementwise(profile: DeviceProfile, measurements: Measurements): DeviceProfile {
  const {elementwise, detectNs, shares: measured} = measurements;
  const rows = elementwise.map(({kernel, size, after}) => ({
    bytes: (kernel.op === 'elementwise' ? kernel.bytes : 0) * size,
    ns: deviceNs(after.p50, detectNs),
  }));
  if (rows.length < 4) return profile;
  const shares = elementwiseShares(measured);
  const at = (x: readonly number[]): DeviceProfile['elementwise'] => ({
    source: measuredHere,
    launch_ns: Math.exp(x[0]),
    gb_per_s: Math.exp(x[1]),
    l2_gb_per_s: Math.exp(x[2]),
  });
  const start = [
    Math.min(...rows.map(({ns}) => ns)),
    profile.hardware.dram_gb_per_s.value,
    profile.hardware.l2_gb_per_s.value,
  ];
  const {x} = leastSquares(
    (x, out) => {
      const tried = {...profile, elementwise: at(x)};
      rows.forEach(({bytes, ns}, i) => {
        out[i] = Math.log(elementwiseNs(tried, bytes) / ns);
      });
    },
    start.map(Math.log),
    rows.length,
    {
      outlier: 0.1,
      lower: start.map((value) => Math.log(value / 100)),
      upper: start.map((value) => Math.log(value * 100)),
    },
  );
  const fitted = at(x);
  const moved = rows.map(({bytes}) => bytes);
  const bytes: [number, number] = [Math.min(...moved), Math.max(...moved)];
  const rounded = Object.fromEntries(
    Object.entries(fitted).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(5)) : value,
    ]),
  ) as DeviceProfile['elementwise'];
  return {
    ...profile,
    elementwise: {...rounded, bytes, ...(shares.length === 0 ? {} : {shares})},
    hardware: {...profile.hardware, l2_gb_per_s: {value: rounded.l2_gb_per_s, source: measuredHere}},
  };
}
