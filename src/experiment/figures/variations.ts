// Figures with a part of the model changed, which tells what the part contributes to a difference.
import type {DeviceProfile} from '../../profile/profile.ts';
import {InputError} from '../../scheduler/errors.ts';
import {suggest} from '../../workload/suggest.ts';

export interface Change {
  readonly name: string;
  readonly summary: string;
  /** Settings of the scenario. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly profile?: (profile: DeviceProfile) => DeviceProfile;
}

export const changes: readonly Change[] = [
  {
    name: 'no-host',
    summary: 'the host submits, sees and decides in no time',
    settings: {'own-host': false},
  },
  {
    name: 'framework-host',
    summary:
      'every launch costs the host 39 us, the floor of PyTorch 2.1 on a V100 that NeuSight’s data show',
    profile: ({host, ...profile}) => ({...profile, host: {...host, submit: costing(host.submit, 39_000)}}),
  },
  {
    name: 'no-contention',
    summary: 'lanes share SMs and bandwidth without slowing each other down beyond that',
    settings: {contention: false},
  },
  {
    name: 'contention-2x',
    summary: 'lanes disturb each other twice as much',
    profile: ({contention, ...profile}) => ({
      ...profile,
      contention: {...contention, interference: scaled(contention.interference, 2)},
    }),
  },
  {
    name: 'no-switch',
    summary: 'changing contexts takes no time',
    profile: ({sharing, ...profile}) => ({
      ...profile,
      sharing: {...sharing, switch_ns: scaled(sharing.switch_ns, 0)},
    }),
  },
  {
    name: 'no-spread',
    summary: 'MPS processes are equally fast',
    profile: ({sharing, ...profile}) => ({
      ...profile,
      sharing: {...sharing, mps_spread: scaled(sharing.mps_spread, 0)},
    }),
  },
  {
    name: 'contexts-2x',
    summary: 'a context takes twice the memory, as those of frameworks do',
    profile: ({sharing, ...profile}) => ({
      ...profile,
      sharing: {...sharing, context_bytes: scaled(sharing.context_bytes, 2)},
    }),
  },
  {
    name: 'no-elementwise',
    summary: 'models are their GEMMs alone, all else fused or free',
    settings: {elementwise: false},
  },
];

/** The change of a name. Throws an InputError with the nearest known one. */
export function findChange(name: string): Change {
  const found = changes.find((change) => change.name === name);
  if (found !== undefined) return found;
  const names = changes.map((change) => change.name);
  const meant = suggest(name, names);
  throw new InputError(
    `unknown variation: ${name}${meant === undefined ? ` (known: ${names.join(', ')})` : `; did you mean "${meant}"?`}`,
  );
}

const costing = (submit: DeviceProfile['host']['submit'], ns: number): DeviceProfile['host']['submit'] =>
  Object.fromEntries(
    Object.entries(submit).map(([method, cost]) => [method, {...cost, fixed_ns: ns}]),
  ) as DeviceProfile['host']['submit'];

const scaled = (quantity: {value: number; source: string}, factor: number) => ({
  ...quantity,
  value: factor * quantity.value,
});
