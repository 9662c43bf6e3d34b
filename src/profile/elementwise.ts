import type {DeviceProfile} from './profile.ts';

/** Time in ns of one memory-bound kernel that moves `bytes`: what fits the L2 cache moves at its speed. */
export function elementwiseNs(profile: DeviceProfile, bytes: number): number {
  const {launch_ns, gb_per_s, l2_gb_per_s} = profile.elementwise;
  const relative = bytes / profile.hardware.l2_bytes.value;
  const miss = (relative * relative) / (1 + relative * relative);
  return launch_ns + bytes * (miss / gb_per_s + (1 - miss) / l2_gb_per_s);
}
