import {z} from 'zod';
import {definePolicy} from './definition.ts';
import {runAhead} from './runAhead.ts';
import {queueDepth, tenantLanes} from './tenantLanes.ts';

/** Time multiplexing: a process and a CUDA context for every tenant, which the device serves in turn. */
export const timeSlice = definePolicy({
  name: 'time-slice',
  summary: 'a context per tenant, never two on the device at once',
  source: '[ST] section 2, time-only multiplexing',
  parameters: z.strictObject({'run-ahead': runAhead('request'), 'queue-depth': queueDepth}),
  create: (parameters) =>
    tenantLanes('time-slice', {sharing: 'time-slice', lanes: 'per-tenant', host: 'per-lane'}, parameters),
});
