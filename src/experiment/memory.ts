import type {PolicySetup} from '../scheduler/policy.ts';
import type {Model} from '../workload/models/layer.ts';
import {activationBytes, weightBytes} from '../workload/models/size.ts';
import type {WorkbenchTenant} from './workbench.ts';

/** What a run keeps in the device's memory, in bytes; of the fullest device where every tenant has its own. */
export interface MemoryNeed {
  readonly weights: number;
  readonly activations: number;
  readonly contexts: number;
  readonly total: number;
}

/**
 * Memory of all tenants: their weights, activations of one request each, and what every context takes (library code,
 * workspaces). A context per tenant under MPS and time slicing makes the papers' memory wall ([ST] fig. 5).
 */
export function memoryNeed(
  tenants: readonly WorkbenchTenant[],
  models: ReadonlyMap<string, Model>,
  sharing: PolicySetup['sharing'],
  contextBytes: number,
): MemoryNeed {
  const needs = tenants.map(({entry}) => {
    const model = models.get(entry.model)!;
    return {
      weights: weightBytes(model, entry.dtype),
      activations: activationBytes(model, entry.batch, entry.dtype),
    };
  });
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
  const most = (values: number[]): number => Math.max(...values);
  const over = sharing === 'dedicated' ? most : sum;
  const weights = over(needs.map((need) => need.weights));
  const activations = over(needs.map((need) => need.activations));
  const contexts = contextBytes * (sharing === 'mps' || sharing === 'time-slice' ? tenants.length : 1);
  return {weights, activations, contexts, total: weights + activations + contexts};
}

/** A sentence when the need exceeds the device's memory, else null. */
export function memoryProblem(need: MemoryNeed, capacity: number): string | null {
  if (need.total <= capacity) return null;
  const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
  return `does not fit in memory: needs ${gb(need.total)} of ${gb(capacity)} GB (weights ${gb(need.weights)}, activations ${gb(need.activations)}, contexts ${gb(need.contexts)})`;
}
