import type {Nanoseconds} from '../scheduler/clock.ts';
import {closedLoop} from '../workload/arrivals/closedLoop.ts';
import {drawArrivals} from '../workload/arrivals/draw.ts';
import {mergeArrivals} from '../workload/arrivals/merge.ts';
import {isClosed} from '../workload/arrivals/schema.ts';
import type {ArrivalSpec} from '../workload/arrivals/schema.ts';
import {stream} from '../workload/random.ts';
import {ArrivalSource} from '../workload/source.ts';
import type {Loop} from '../workload/source.ts';
import type {WorkbenchTenant} from './workbench.ts';

/** Arrivals fixed before a run: the same file goes to every policy, and to the simulator and the GPU. */
export interface FixedArrivals {
  /** Sorted times in ns. */
  readonly at: Float64Array;
  /** Tenant index of each. */
  readonly tenant: Int32Array;
}

/**
 * The open arrivals of all tenants in [0, durationNs). Every tenant has a random stream of its own, named after it, so
 * that policies and loads meet the same draws and adding a tenant leaves the others alone.
 */
export function drawAll(
  tenants: readonly WorkbenchTenant[],
  specs: readonly ArrivalSpec[],
  durationNs: Nanoseconds,
  seed: string,
): FixedArrivals {
  const drawn = tenants.map(({name}, i) =>
    isClosed(specs[i])
      ? new Float64Array(0)
      : drawArrivals(specs[i], durationNs, stream(seed, `tenant/${name}/arrivals`)),
  );
  return mergeArrivals(drawn);
}

/** What the scheduler takes requests from: fixed arrivals, and the closed loops among the tenants until `durationNs`. */
export function arrivalSource(
  fixed: FixedArrivals,
  tenants: readonly WorkbenchTenant[],
  specs: readonly ArrivalSpec[],
  durationNs: Nanoseconds,
  seed: string,
): ArrivalSource {
  const loops = tenants.flatMap(({name}, tenant): Loop[] => {
    const spec = specs[tenant];
    if (!isClosed(spec)) return [];
    const {outstanding, thinkNs} = closedLoop(spec);
    const random = stream(seed, `tenant/${name}/think`);
    return [{tenant, outstanding, thinkNs: () => thinkNs(random)}];
  });
  return new ArrivalSource(fixed.at, fixed.tenant, loops, durationNs);
}
