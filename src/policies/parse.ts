import type {ParsedPolicy} from './syntax.ts';
import {resolvePolicy} from './syntax.ts';
import {findPolicy} from './table.ts';

export type {ParsedPolicy};
export {readParameters} from './syntax.ts';

/**
 * Reads a policy of the table and its parameters, e.g. `ooo:lanes=4,max-size=64` or `evict(slo)`. Throws an InputError
 * where the policy or a parameter is unknown or a value is not what the parameter takes.
 */
export function parsePolicy(text: string): ParsedPolicy {
  return resolvePolicy(text, findPolicy);
}
