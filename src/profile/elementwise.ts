import type {DeviceProfile} from './profile.ts';

/** Time in ns of one memory-bound kernel that moves `bytes`: what fits the L2 cache moves at its speed. */
export function elementwiseNs(profile: DeviceProfile, bytes: number): number {
  const {launch_ns, gb_per_s, l2_gb_per_s} = profile.elementwise;
  const miss = missRate(profile, bytes);
  return launch_ns + bytes * (miss / gb_per_s + (1 - miss) / l2_gb_per_s);
}

/** Share (0 to 1] of the DRAM bandwidth that one memory-bound kernel takes alone. */
export function elementwiseBandwidthShare(profile: DeviceProfile, bytes: number): number {
  const moving = (missRate(profile, bytes) * bytes) / profile.elementwise.gb_per_s;
  return Math.min(1, moving / elementwiseNs(profile, bytes));
}

function missRate(profile: DeviceProfile, bytes: number): number {
  const relative = bytes / profile.hardware.l2_bytes.value;
  return (relative * relative) / (1 + relative * relative);
}
