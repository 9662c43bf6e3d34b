import {InputError} from '../scheduler/errors.ts';
import {batcher} from './batcher.ts';
import type {PolicyDefinition} from './definition.ts';
import {delay} from './delay.ts';
import {evicting} from './evict.ts';
import {exclusive} from './exclusive.ts';
import {greedy} from './greedy.ts';
import {mps} from './mps.ts';
import {ooo} from './ooo.ts';
import {slo} from './slo.ts';
import {streams} from './streams.ts';
import {timeSlice} from './timeSlice.ts';

/** The policies that users can name, by name. */
export const policies: ReadonlyMap<string, PolicyDefinition> = new Map(
  [
    exclusive,
    timeSlice,
    mps,
    streams,
    batcher,
    greedy,
    delay,
    slo,
    ooo,
    evicting((name) => findPolicy(name)),
  ].map((definition) => [definition.name, definition]),
);

/** The policy of a name. Throws an InputError where there is none. */
export function findPolicy(name: string): PolicyDefinition {
  const definition = policies.get(name);
  if (definition === undefined) {
    throw new InputError(`unknown policy: ${name} (known: ${[...policies.keys()].toSorted().join(', ')})`);
  }
  return definition;
}
