// Offered load, in units of what the device could serve.
import {InputError} from '../scheduler/errors.ts';
import {meanRate, withRate} from '../workload/arrivals/rate.ts';
import {isClosed} from '../workload/arrivals/schema.ts';
import type {ArrivalSpec} from '../workload/arrivals/schema.ts';
import type {WorkbenchTenant} from './workbench.ts';

/**
 * The load that tenants offer at their own rates: device time asked for per unit of time, each request alone and kernel
 * by kernel, the sum of rate times solo time. At 1 a device that serves one request at a time is just busy; coalescing
 * can carry more. Null where a tenant has no rate of its own.
 */
export function offeredLoad(tenants: readonly WorkbenchTenant[]): number | null {
  let load = 0;
  for (const {entry, soloNs} of tenants) {
    const rate = meanRate(entry.arrivals);
    if (rate === null) return null;
    load += (rate * soloNs) / 1e9;
  }
  return load;
}

/** Every tenant's arrivals, scaled by one factor so that together they offer `load`; as they are where it is null. */
export function arrivalsAtLoad(tenants: readonly WorkbenchTenant[], load: number | null): ArrivalSpec[] {
  if (load === null) return tenants.map(({entry}) => entry.arrivals);
  const offered = offeredLoad(tenants.filter(({entry}) => !isClosed(entry.arrivals)));
  if (offered === null || offered === 0) {
    throw new InputError(
      `cannot set a load of ${load}: no tenant has a rate (expected open arrivals such as poisson)`,
    );
  }
  return tenants.map(({entry: {arrivals}}) =>
    isClosed(arrivals) ? arrivals : withRate(arrivals, (meanRate(arrivals)! * load) / offered),
  );
}
