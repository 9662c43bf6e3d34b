// The profiles under calibration/ that rest on published measurements: how each is made.
import type {DeviceProfile} from '../profile.ts';
import {a100Profile} from './a100.ts';
import {h100Profile} from './h100.ts';
import {l4Profile} from './l4.ts';
import type {Read} from './neusight.ts';
import {p100Profile} from './p100.ts';
import {t4Profile} from './t4.ts';
import {v100Profiles} from './v100.ts';

/** All profiles that published measurements give, oldest GPU first. Takes minutes. */
export function* publishedProfiles(read: Read): Generator<DeviceProfile> {
  yield p100Profile(read);
  yield* v100Profiles(read);
  yield t4Profile(read);
  yield a100Profile(read);
  yield l4Profile(read);
  yield h100Profile(read);
}
