// Runs a policy as users write it in a toy world.
import seedrandom from 'seedrandom';
import {parsePolicy} from '../../src/policies/parse.ts';
import type {Policy} from '../../src/scheduler/policy.ts';
import type {ToyResult, ToyWorld} from '../support/rig.ts';
import {runToy} from '../support/rig.ts';

/** The policy of a text such as `slo:lanes=4`. */
export function makePolicy(text: string, tenants: number): Policy {
  const {definition, parameters} = parsePolicy(text);
  return definition.create(parameters, {random: (name) => seedrandom.alea(name), tenants});
}

export function runPolicy(text: string, world: Omit<ToyWorld, 'policy'>): ToyResult {
  return runToy({...world, policy: makePolicy(text, world.tenants.length)});
}

/** Arrival times of a Poisson process, `meanGap` apart on average. */
export function poisson(seed: string, meanGap: number, count: number): number[] {
  const random = seedrandom.alea(seed);
  let at = 0;
  return Array.from({length: count}, () => Math.round((at -= Math.log(1 - random()) * meanGap)));
}

/** Latencies in ns, sorted, of all completed requests or of one tenant's. */
export function latencies({completed}: ToyResult, tenant?: number): number[] {
  return completed
    .filter((request) => tenant === undefined || request.tenant === tenant)
    .map(({arrivalAt, at}) => at - arrivalAt)
    .toSorted((a, b) => a - b);
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

export const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)];

/** Kernels per launch on average. */
export const meanSize = ({launches}: ToyResult): number => mean(launches.map(({size}) => size));
