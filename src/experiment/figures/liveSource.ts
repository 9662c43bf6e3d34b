import type {DeviceProfile} from '../../profile/profile.ts';
import {liveRun} from '../live.ts';
import type {LiveOptions} from '../live.ts';
import {RunSource} from './runSource.ts';
import type {Source} from './source.ts';

/**
 * Answers from a GPU: the same scenarios, for long enough that the host's noise averages out. Policies decide by
 * `profile`, which should be the GPU's own. Memory is that of the profile; the library cannot be told its kernels. A run
 * that fails is told to `warn` and leaves a gap.
 */
export function liveSource(profile: DeviceProfile, options: LiveOptions = {}): Source {
  return new RunSource({
    label: `${profile.name}, live`,
    profile,
    run: (spec, profile) => liveRun(spec, profile, options),
    gemmWindow: {warmup: '200ms', duration: '1s'},
    modelWindow: {warmup: '500ms', duration: '3s'},
    ...(options.warn === undefined ? {} : {onFailure: options.warn}),
  });
}
