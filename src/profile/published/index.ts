// The profiles under calibration/ that rest on published measurements: how each is made.
import type {DeviceProfile} from '../profile.ts';
import {a100Profile} from './a100.ts';
import {h100Profile} from './h100.ts';
import {l4Profile} from './l4.ts';
import type {Read} from './neusight.ts';
import {p100Profile} from './p100.ts';
import {t4Profile} from './t4.ts';
import {v100Profiles} from './v100.ts';

/** Profiles that are made together. */
interface Recipe {
  readonly names: readonly string[];
  readonly make: (read: Read) => readonly DeviceProfile[];
}

/** All profiles that published measurements give, oldest GPU first. Each takes minutes to make. */
export const publishedProfiles: readonly Recipe[] = [
  {names: ['p100'], make: (read) => [p100Profile(read)]},
  {names: ['v100', 'v100-sxm2', 'v100-pcie'], make: v100Profiles},
  {names: ['t4'], make: (read) => [t4Profile(read)]},
  {names: ['a100'], make: (read) => [a100Profile(read)]},
  {names: ['l4'], make: (read) => [l4Profile(read)]},
  {names: ['h100'], make: (read) => [h100Profile(read)]},
];
