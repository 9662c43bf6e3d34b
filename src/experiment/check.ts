import {costModel} from '../profile/costModel.ts';
import {CostTable} from '../profile/costTable.ts';
import {formatDuration} from '../workload/units.ts';
import {arrivalsAtLoad} from './load.ts';
import {loadModels} from './ownModels.ts';
import type {Cell, Plan} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {findAnyPolicy} from './userPolicy.ts';
import {setUp} from './workbench.ts';
import type {WorkbenchTenant} from './workbench.ts';

/**
 * Finds what is wrong with a plan before anything runs: throws an InputError for unknown models, policies, data types
 * and loads that cannot be set. Returns warnings, one sentence each, of what can run but cannot be meant.
 */
export async function checkPlan(plan: Plan): Promise<string[]> {
  const warnings = new Set<string>();
  for (const variant of plan.variants) {
    const cells = plan.cells.filter((cell) => cell.variant === variant);
    const tenants = await tenantsOf(cells[0]);
    warnOfReplications(cells[0]).forEach((warning) => warnings.add(warning));
    tenants.forEach((tenant) => hopeless(tenant).forEach((warning) => warnings.add(warning)));
    for (const {load, runs, policy} of cells) {
      const {spec} = runs[0];
      if (spec.arrivals === undefined) arrivalsAtLoad(tenants, load);
      await findAnyPolicy(policy, spec.directory);
    }
  }
  return [...warnings];
}

function warnOfReplications({variant, runs}: Cell): string[] {
  const {replications} = variant.scenario;
  if (runs.length === replications) return [];
  return [`nothing is drawn in a run, so that ${replications} replications would be the same: one is run`];
}

/** The tenants with their latencies alone on the device. */
async function tenantsOf({runs: [{spec, profile}]}: Cell): Promise<readonly WorkbenchTenant[]> {
  const costs = costModel(readProfile(profile));
  const {tenants} = setUp({
    scenario: spec.scenario,
    models: await loadModels(spec),
    grouping: 'class',
    modelFor: (classes) => new CostTable(costs, classes, 1),
  });
  return tenants;
}

/** A replica speaks for all of its entry. */
function hopeless({entry, soloNs, sloNs}: WorkbenchTenant): string[] {
  if (sloNs >= soloNs) return [];
  return [
    `tenant ${entry.name}: an SLO of ${formatDuration(sloNs)} cannot be met: ${entry.model} takes ${(soloNs / 1e6).toPrecision(3)} ms alone`,
  ];
}
