import {z} from 'zod';
import {runAhead} from './runAhead.ts';

/** Parameters of policies that launch superkernels on a number of lanes, whatever they choose by. */
export const superkernelParameters = {
  lanes: z.int().min(1).max(64).default(2).describe('superkernels in flight'),
  'max-size': z.int().min(1).max(1024).default(128).describe('most kernels in one superkernel'),
  coalesce: z
    .enum(['class', 'cluster'])
    .default('class')
    .describe('equal shapes, or shapes padded within a cluster'),
  'run-ahead': runAhead(1),
};
