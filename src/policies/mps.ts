import {z} from 'zod';
import {definePolicy} from './definition.ts';
import {runAhead} from './runAhead.ts';
import {queueDepth, tenantLanes} from './tenantLanes.ts';

/** Implicit space multiplexing: a process for every tenant under CUDA MPS, whose kernels overlap. */
export const mps = definePolicy({
  name: 'mps',
  summary: 'a process per tenant under MPS, kernels of all overlap',
  source: '[ST] section 2, space-only multiplexing (Hyper-Q)',
  parameters: z.strictObject({'run-ahead': runAhead('request'), 'queue-depth': queueDepth}),
  create: (parameters) =>
    tenantLanes('mps', {sharing: 'mps', lanes: 'per-tenant', host: 'per-lane'}, parameters),
});
