import type {PolicySetup} from '../scheduler/policy.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import type {RunSpec} from './simulate.ts';
import {findAnyPolicy} from './userPolicy.ts';

/** Sizes up to this are laid out one by one before a live run; of larger ones the largest, the others when they come. */
const mostSizes = 64;

/** The most requests that a policy puts into one batch, by its parameter `max-batch`; 1 where it forms none or has no such limit. */
export async function largestBatch({policy, directory}: RunSpec, {admission}: PolicySetup): Promise<number> {
  if (admission !== 'batched') return 1;
  for (let text: unknown = policy; typeof text === 'string';) {
    const {parameters} = await findAnyPolicy(text, directory);
    if (typeof parameters['max-batch'] === 'number') return parameters['max-batch'];
    // A policy around another: the limit is the inner one's.
    text = parameters['policy'];
  }
  return 1;
}

/** Lays out the programs of the batches to come, so that a live run need not: it takes milliseconds a size. */
export function layOutBatches(tenants: readonly Tenant[], largest: number): void {
  for (const tenant of tenants) {
    for (let batch = 1; batch <= Math.min(largest, mostSizes); batch++) tenant.program(batch);
    tenant.program(largest);
  }
}
