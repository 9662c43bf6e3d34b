// The arrivals of one run of a plan, as a trace that can be replayed.
import {writeWhole} from '../files.ts';
import {isClosed} from '../workload/arrivals/schema.ts';
import {writeArrivalsCsv} from '../workload/traces/writeArrivals.ts';
import {firstPossibleRun} from './firstRun.ts';
import type {Plan, PlannedRun} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {prepareRun} from './simulate.ts';

/**
 * Writes the arrivals of the first run of the plan that is possible to `file`, and returns the run. Those of closed loops
 * are left out: where the file is replayed the loops make theirs. Throws a CannotRunError where no run is possible.
 */
export function writeArrivals(plan: Plan, file: string): Promise<PlannedRun> {
  return firstPossibleRun(plan, async ({spec, profile}) => {
    const {arrivals, workbench} = await prepareRun(spec, readProfile(profile));
    const {tenants} = workbench;
    const times: number[] = [];
    const owners: number[] = [];
    for (let at = arrivals.nextAt(); at < Infinity; at = arrivals.nextAt()) {
      const tenant = arrivals.take();
      if (isClosed(tenants[tenant].entry.arrivals)) continue;
      times.push(at);
      owners.push(tenant);
    }
    const open = {at: Float64Array.from(times), tenant: Int32Array.from(owners)};
    const names = tenants.map(({name}) => name);
    writeWhole(file, writeArrivalsCsv(open, names));
  });
}
