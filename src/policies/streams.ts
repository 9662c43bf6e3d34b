import {z} from 'zod';
import {definePolicy} from './definition.ts';
import {runAhead} from './runAhead.ts';
import {queueDepth, tenantLanes} from './tenantLanes.ts';

/** Explicit space multiplexing: CUDA streams in one process, one for every tenant or shared by several. */
export const streams = definePolicy({
  name: 'streams',
  summary: 'a CUDA stream per tenant in one process, kernels of all overlap',
  source: '[ST] section 2, explicit streams',
  parameters: z.strictObject({
    lanes: z
      .union([z.int().min(1).max(1024), z.literal('per-tenant')])
      .default('per-tenant')
      .describe('CUDA streams, given to the tenants in turn'),
    'host-threads': z
      .enum(['shared', 'per-lane'])
      .default('per-lane')
      .describe('one submitting thread (at some 7 us a launch it cannot keep a GPU busy), or one per lane'),
    'run-ahead': runAhead('request'),
    'queue-depth': queueDepth,
  }),
  create: (parameters) =>
    tenantLanes('streams', {lanes: parameters.lanes, host: parameters['host-threads']}, parameters),
});
