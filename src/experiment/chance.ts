// Whether anything in a scenario's runs is drawn: where nothing is, its replications are all the same run.
import {defaultSetup} from '../scheduler/policy.ts';
import {isDrawn} from '../workload/arrivals/chance.ts';
import {isClosed} from '../workload/arrivals/schema.ts';
import {stream} from '../workload/random.ts';
import type {FixedArrivals} from './arrivals.ts';
import {makePolicy} from './makePolicy.ts';
import {tenantNames} from './replay.ts';
import type {Scenario} from './scenario.ts';
import {modulesOf} from './userPolicy.ts';

/**
 * Whether simulated replications of a scenario may differ. `traced` are the arrivals of a trace, one set a replication,
 * or none where the tenants have their own.
 */
export async function dependsOnChance(
  scenario: Scenario,
  directory: string,
  traced: readonly FixedArrivals[],
): Promise<boolean> {
  const drawn = scenario.tenants.some(
    ({arrivals}) => isDrawn(arrivals) && (traced.length === 0 || isClosed(arrivals)),
  );
  if (drawn || scenario.noise || traced.some((arrivals) => !areSame(arrivals, traced[0]))) return true;
  for (const policy of scenario.policies) {
    if (await policyDraws(policy, directory, tenantNames(scenario).length)) return true;
  }
  return false;
}

function areSame(a: FixedArrivals, b: FixedArrivals): boolean {
  return (
    a.at.length === b.at.length &&
    a.at.every((at, i) => at === b.at[i]) &&
    a.tenant.every((tenant, i) => tenant === b.tenant[i])
  );
}

/** Whether a policy draws, or its device does: how fast each MPS process is. Modules of users may, whenever they like. */
async function policyDraws(text: string, directory: string, tenants: number): Promise<boolean> {
  if (modulesOf(text).length > 0) return true;
  let draws = false;
  const random = (name: string): (() => number) => {
    draws = true;
    return stream(1, name);
  };
  const {setup} = await makePolicy(text, {directory, tenants, random});
  return draws || {...defaultSetup, ...setup}.sharing === 'mps';
}
