import type {CellResult} from '../../metrics/result.ts';
import {lookOf} from '../charts/palette.ts';
import type {Look} from '../charts/palette.ts';

/** A policy as charts show it. */
export interface ShownPolicy {
  /** As the scenario names it, parameters included. */
  readonly policy: string;
  /** Short enough for a label. */
  readonly name: string;
  readonly look: Look;
}

const mostCharacters = 20;

/** The policies that ran, in order of appearance, with the looks and names that all charts share. */
export function shownPolicies(results: readonly CellResult[]): ShownPolicy[] {
  const ran = results.filter((result) => result.aggregate !== null);
  const policies = [...new Set(ran.map((result) => result.policy))];
  const bases = policies.map((policy) => policy.split(':')[0]);
  return policies.map((policy, i) => {
    const alone = bases.filter((base) => base === bases[i]).length === 1;
    return {policy, name: shorten(alone ? bases[i] : policy), look: lookOf(i)};
  });
}

function shorten(name: string): string {
  return name.length <= mostCharacters ? name : `${name.slice(0, mostCharacters - 1)}…`;
}
