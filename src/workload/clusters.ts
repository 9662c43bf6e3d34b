import type {Groups} from '../scheduler/groups.ts';
import type {Gemm, Kernel, KernelClasses} from '../scheduler/kernel.ts';
import {flopsOf} from '../scheduler/kernel.ts';

/** Shape classes that may be padded to one common shape, as [OoO] fig. 7 shows them for GEMMs of many models. */
export interface Cluster {
  /** The common shape: in every dimension the largest of the members. */
  readonly common: Kernel;
  readonly classes: readonly number[];
}

/**
 * Clusters GEMM classes so that padding to the common shape costs every member at most `paddingLimit` of its own
 * floating-point operations (0.2 is 20 %). Greedy: classes in falling order of work, each into the cluster that it
 * enlarges least, or into one of its own. Only GEMMs of one data type and `count` are clustered; element-wise kernels
 * stay alone. O(classes x clusters x members).
 */
export function clusterClasses(kernels: readonly Kernel[], paddingLimit: number): Cluster[] {
  const clusters: {common: Kernel; classes: number[]; leastFlops: number}[] = [];
  const order = kernels.map((_, cls) => cls);
  order.sort((a, b) => flopsOf(kernels[b]) - flopsOf(kernels[a]) || a - b);
  for (const cls of order) {
    const kernel = kernels[cls];
    let best: (typeof clusters)[number] | undefined;
    let bestGrowth = Infinity;
    let bestCommon: Gemm | undefined;
    if (kernel.op === 'gemm') {
      for (const cluster of clusters) {
        const {common} = cluster;
        if (common.op !== 'gemm' || common.dtype !== kernel.dtype || common.count !== kernel.count) continue;
        const joined = join(common, kernel);
        const flops = flopsOf(joined);
        if (flops > (1 + paddingLimit) * Math.min(cluster.leastFlops, flopsOf(kernel))) continue;
        const growth = flops / flopsOf(common) + flops / flopsOf(kernel);
        if (growth >= bestGrowth) continue;
        [best, bestGrowth, bestCommon] = [cluster, growth, joined];
      }
    }
    if (best !== undefined && bestCommon !== undefined) {
      best.common = bestCommon;
      best.classes.push(cls);
      best.leastFlops = Math.min(best.leastFlops, flopsOf(kernel));
    } else {
      clusters.push({common: kernel, classes: [cls], leastFlops: flopsOf(kernel)});
    }
  }
  return clusters;
}

/** The clusters of all interned classes as scheduling groups; common shapes become classes themselves. */
export function groupByCluster(classes: KernelClasses, paddingLimit: number): Groups {
  const clusters = clusterClasses([...classes.kernels], paddingLimit);
  const commons = clusters.map(({common}) => classes.intern(common));
  const of = new Int32Array(classes.size);
  clusters.forEach((cluster, group) => {
    of[commons[group]] = group;
    for (const cls of cluster.classes) of[cls] = group;
  });
  return {count: clusters.length, of, common: Int32Array.from(commons)};
}

function join(a: Gemm, b: Gemm): Gemm {
  return {...a, m: Math.max(a.m, b.m), n: Math.max(a.n, b.n), k: Math.max(a.k, b.k)};
}
