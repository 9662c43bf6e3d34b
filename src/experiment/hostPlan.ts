import type {Policy} from '../scheduler/policy.ts';
import {defaultSetup} from '../scheduler/policy.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import type {PreparedRun} from './simulate.ts';

/** What one host of a live run does: whose requests it serves, and which lanes are its own. */
export interface HostPlan {
  readonly tenants: readonly number[];
  readonly lanes: {readonly first: number; readonly count: number};
}

/**
 * The hosts of a policy under which several submit, or null where it does not tell which lanes serve whom: then one
 * thread has to submit for all. A host holds the tenants that share its lanes, as they wait for each other. With fewer
 * than a host for each lane, at most `most`, a host serves several lanes that lie beside each other.
 */
export function planHosts(
  {name, setup}: Policy,
  tenants: readonly Tenant[],
  most = Infinity,
): readonly HostPlan[] | null {
  const {lanes} = {...defaultSetup, ...setup};
  const all = [...tenants.keys()];
  if (lanes === 'per-tenant' || servesByLane.has(name)) {
    const count = lanes === 'per-tenant' ? tenants.length : Math.min(lanes, tenants.length);
    const laneOf = (tenant: number): number => (lanes === 'per-tenant' ? tenant : tenant % lanes);
    return portions(count, Math.min(most, count)).map(({first, count}) => ({
      tenants: all.filter((tenant) => laneOf(tenant) >= first && laneOf(tenant) < first + count),
      lanes: {first, count},
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

/** Policies whose tenant t submits on lane t modulo the number of lanes. */
const servesByLane: ReadonlySet<string> = new Set(['streams', 'time-slice', 'mps']);

/** `count` lanes in `parts` portions that differ by one at most. */
function portions(count: number, parts: number): {first: number; count: number}[] {
  const begin = (part: number): number => Math.floor((part * count) / parts);
  return Array.from({length: parts}, (_, part) => ({
    first: begin(part),
    count: begin(part + 1) - begin(part),
  }));
}

/**
 * The run with as many contexts that take turns as there may be hosts. The tenants of one context then take turns too,
 * on one lane: beside each other they would share the device, which time slicing is not.
 */
export function withHosts(run: PreparedRun, most: number): PreparedRun {
  const {setup, policy, workbench} = run;
  if (setup.sharing !== 'time-slice' || workbench.tenants.length <= most) return run;
  return {
    ...run,
    policy: {...policy, setup: {...policy.setup, lanes: most}},
    setup: {...setup, lanes: most},
    lanes: most,
  };
}
