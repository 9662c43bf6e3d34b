// Which GEMM shapes of a scenario's models could share a launch: [OoO] fig. 7.
import {KernelClasses, flopsOf} from '../scheduler/kernel.ts';
import type {DataType, Gemm} from '../scheduler/kernel.ts';
import type {ShapePoint} from '../report/clusters.ts';
import {clusterClasses} from '../workload/clusters.ts';
import {isGemm, kernelsOf} from '../workload/models/kernels.ts';
import type {Model} from '../workload/models/layer.ts';

/** A model as some tenants run it. */
export interface ModelUse {
  readonly model: Model;
  /** Inputs in one request. */
  readonly batch: number;
  readonly dtype: DataType;
}

/** Shapes that may be padded to one. */
export interface ShapeCluster {
  readonly common: Gemm;
  readonly shapes: number;
  /** GEMMs of one request of each model. */
  readonly kernels: number;
  readonly models: readonly string[];
  /** FLOPs that padding adds, relative to what the GEMMs need: over one request of each model. */
  readonly padding: number;
}

/** The GEMMs of the models, and their clusters: the largest in FLOPs first. Points name their cluster by its place. */
export function shapeClusters(
  uses: readonly ModelUse[],
  paddingLimit: number,
): {points: ShapePoint[]; clusters: ShapeCluster[]} {
  const classes = new KernelClasses();
  /** How often each model has a class. */
  const counts = uses.map(({model, batch, dtype}) => {
    const gemms = {...model, layers: model.layers.filter(isGemm)};
    const count = new Map<number, number>();
    for (const kernel of kernelsOf(gemms, {batch, dtype, elementwise: false})) {
      const cls = classes.intern(kernel);
      count.set(cls, (count.get(cls) ?? 0) + 1);
    }
    return {name: model.name, count};
  });
  const kernels = classes.kernels as readonly Gemm[];
  const timesOf = (cls: number): number => counts.reduce((sum, {count}) => sum + (count.get(cls) ?? 0), 0);
  const found = clusterClasses(kernels, paddingLimit)
    .map(({common, classes: members}) => {
      const needed = members.reduce((sum, cls) => sum + timesOf(cls) * flopsOf(kernels[cls]), 0);
      const times = members.reduce((sum, cls) => sum + timesOf(cls), 0);
      return {members, needed, times, common: common as Gemm};
    })
    .sort((a, b) => b.needed - a.needed);
  const clusterOf = new Map(found.flatMap(({members}, i) => members.map((cls) => [cls, i] as const)));
  return {
    points: counts.flatMap(({name, count}) =>
      [...count].map(([cls, times]): ShapePoint => {
        const {m, n, k} = kernels[cls];
        return {model: name, m, n, k, count: times, cluster: clusterOf.get(cls) ?? null};
      }),
    ),
    clusters: found.map(({members, needed, times, common}) => ({
      common,
      shapes: members.length,
      kernels: times,
      models: counts.filter(({count}) => members.some((cls) => count.has(cls))).map(({name}) => name),
      padding: (times * flopsOf(common)) / needed - 1,
    })),
  };
}
