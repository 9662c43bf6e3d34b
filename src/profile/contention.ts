import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import type {DeviceProfile} from './profile.ts';

/** How launches in flight slow each other down, as a profile has it. */
export function sharingTermsOf({contention}: Pick<DeviceProfile, 'contention'>): SharingTerms {
  const {interference, crowding, crowded_interference, mixing, coalesced} = contention;
  return {
    interference: interference.value,
    crowding: crowding?.value ?? 0,
    crowdedInterference: crowded_interference?.value ?? 0,
    mixing: mixing?.value ?? 0,
    coalesced: coalesced?.value ?? 1,
  };
}
