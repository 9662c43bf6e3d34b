import {z} from 'zod';

/** How far the host runs ahead of the device: a policy's parameter, with what is usual for it. */
export const runAhead = (usual: number | 'request') =>
  z
    .union([z.int().min(1), z.literal('request')])
    .default(usual)
    .describe(
      'kernels of a request submitted ahead: a number, or the whole request; 1 waits for every kernel',
    );

/** The most kernels of each member that a launch may run. */
export const mostSteps = (ahead: number | 'request'): number => (ahead === 'request' ? Infinity : ahead);
