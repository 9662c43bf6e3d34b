import type {LoggedLaunch} from '../metrics/launchLog.ts';
import {kernelKey, methods} from '../scheduler/kernel.ts';
import {planHosts} from './hostPlan.ts';
import type {PreparedRun} from './simulate.ts';
import type {LaunchNames} from './validate.ts';

const PADDED = methods.indexOf('padded');

/** Names the launches of a run, simulated or live, by another preparation of the same run. */
export function launchNames({workbench, policy, setup}: PreparedRun): LaunchNames {
  const {tenants, programs, classes} = workbench;
  const kernel = ({tenant, batch, kernel, cls, method}: LoggedLaunch): string => {
    if (cls < 0) return 'mixed shapes';
    // A cluster's common shape is known before any run, so its class is the same everywhere.
    const known = method === PADDED ? cls : programs.classes[tenants[tenant].program(batch) + kernel];
    return kernelKey(classes.kernels[known]);
  };
  return {kernel, lanesApart: setup.host === 'per-lane' && planHosts(policy, tenants) !== null};
}
