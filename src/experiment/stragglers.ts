import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Scenario} from './scenario.ts';
import type {WorkbenchTenant} from './workbench.ts';

/** How much longer a tenant's kernels take at a time, as the scenario injects it; undefined where it injects nothing. */
export function stragglerFactor(
  {stragglers}: Scenario,
  tenants: readonly WorkbenchTenant[],
): ((tenant: number, now: Nanoseconds) => number) | undefined {
  if (stragglers.length === 0) return undefined;
  const ofTenant = tenants.map(({entry}) => stragglers.filter(({tenant}) => tenant === entry.name));
  return (tenant, now) => {
    let factor = 1;
    for (const straggler of ofTenant[tenant]) {
      if (now >= straggler.from && now < straggler.to) factor = Math.max(factor, straggler.factor);
    }
    return factor;
  };
}
