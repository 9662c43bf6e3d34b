// The kernels of models, and what they take by themselves, looked up often: by launches of live runs.
import type {CostModel} from '../profile/costModel.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {holdsPlace} from '../scheduler/sharingTerms.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import type {Model} from '../workload/models/layer.ts';

/** The kernels of a model for so many inputs, as calibrations run it. */
export const programOf = (model: Model, batch: number): Kernel[] =>
  kernelsOf(model, {batch, dtype: 'fp32', elementwise: true});

/** The kernels of a model, by its name in `models`, for so many inputs: the same ones each time. */
export function rememberedPrograms(
  models: ReadonlyMap<string, Model>,
): (model: string, batch: number) => readonly Kernel[] {
  const known = new Map<string, Kernel[]>();
  return (model, batch) => {
    const key = `${model} ${batch}`;
    let program = known.get(key);
    if (program === undefined) known.set(key, (program = programOf(models.get(model)!, batch)));
    return program;
  };
}

export interface KernelTimes {
  /** Time alone. */
  readonly ns: number;
  /** Share of the device, of whichever of its parts it takes more. */
  readonly share: number;
  readonly holds: boolean;
}

/** What kernels take by themselves, by size and index of the method. */
export function rememberedTimes(
  costs: CostModel,
): (kernel: Kernel, size: number, method: number) => KernelTimes {
  const known = new Map<Kernel, Map<number, KernelTimes>>();
  return (kernel, size, method) => {
    let of = known.get(kernel);
    if (of === undefined) known.set(kernel, (of = new Map<number, KernelTimes>()));
    const key = size * methods.length + method;
    let found = of.get(key);
    if (found === undefined) {
      const name = methods[method];
      const ns = costs.durationNs(kernel, size, name);
      found = {
        ns,
        share: Math.max(costs.smShare(kernel, size, name), costs.bandwidthShare(kernel, size, name)),
        holds: name !== 'single' && holdsPlace(size, ns, costs.durationNs(kernel, 2, name)),
      };
      of.set(key, found);
    }
    return found;
  };
}
