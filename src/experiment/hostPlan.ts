import type {Policy} from '../scheduler/policy.ts';
import {defaultSetup} from '../scheduler/policy.ts';
import type {Tenant} from '../scheduler/tenant.ts';

/** What one host of a live run does: whose requests it serves, and which lanes are its own. */
export interface HostPlan {
  readonly tenants: readonly number[];
  readonly lanes: {readonly first: number; readonly count: number};
}

/**
 * The hosts of a policy under which several submit, or null where it does not tell which lanes serve whom: then one
 * thread has to submit for all. A host holds the tenants that share its lanes, as they wait for each other.
 */
export function planHosts({name, setup}: Policy, tenants: readonly Tenant[]): readonly HostPlan[] | null {
  const {lanes} = {...defaultSetup, ...setup};
  if (lanes === 'per-tenant') return tenants.map((_, t) => ({tenants: [t], lanes: {first: t, count: 1}}));
  const all = [...tenants.keys()];
  if (name === 'streams') {
    return Array.from({length: Math.min(lanes, tenants.length)}, (_, lane) => ({
      tenants: all.filter((tenant) => tenant % lanes === lane),
      lanes: {first: lane, count: 1},
    }));
  }
  if (name === 'batcher') {
    const instances = lanes / tenants.length;
    return [...new Set(tenants.map(({family}) => family))].map((family) => {
      const members = all.filter((tenant) => tenants[tenant].family === family);
      return {tenants: members, lanes: {first: members[0] * instances, count: instances}};
    });
  }
  return null;
}
