import type {DeviceProfile} from '../../profile/profile.ts';
import {simulateRun} from '../simulate.ts';
import {kernelChoices} from './kernelChoice.ts';
import {RunSource} from './runSource.ts';
import type {Source} from './source.ts';
import type {Change} from './variations.ts';

/** Answers from the simulator on a profile, which `change` alters to see what a part of the model contributes. */
export function simulatedSource(
  original: DeviceProfile,
  {change, shouldStop}: {readonly change?: Change; readonly shouldStop?: () => boolean} = {},
): Source {
  const profile = change?.profile?.(original) ?? original;
  return new RunSource({
    label: `${profile.name}, simulated`,
    profile,
    run: (spec, profile) => simulateRun(spec, {profile, ...(shouldStop === undefined ? {} : {shouldStop})}),
    // Some hundred launches even of the largest superkernels, ten requests even of the slowest sharing.
    gemmWindow: {warmup: '5ms', duration: '105ms'},
    modelWindow: {warmup: '200ms', duration: '1s'},
    ...(change?.settings === undefined ? {} : {settings: change.settings}),
    kernels: () => kernelChoices(profile),
  });
}
