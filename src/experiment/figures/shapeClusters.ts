import {models} from '../../workload/models/zoo.ts';
import {shapeClusters as clustersOf} from '../clusters.ts';
import type {FigureDefinition} from './definition.ts';

/** Most extra floating-point operations of a padded GEMM, as scenarios have it by default. */
const padding = 0.2;

/** Which GEMMs of many models are nearly of one shape. */
export const shapeClusters: FigureDefinition = {
  name: 'clusters',
  title: 'GEMM shapes of many models',
  citation: '[OoO] fig. 7',
  async make() {
    const uses = [...models.values()].map((model) => ({model, batch: 1, dtype: 'fp32'}) as const);
    const {points, clusters} = clustersOf(uses, padding);
    const shared = clusters.filter(({models}) => models.length > 1);
    const kernels = (of: typeof clusters): number => of.reduce((sum, cluster) => sum + cluster.kernels, 0);
    const shapes = (of: typeof clusters): number => of.reduce((sum, cluster) => sum + cluster.shapes, 0);
    const largest = shared.toSorted((a, b) => b.kernels - a.kernels).slice(0, 3);
    const row = (quantity: string, unit: string, ours: number) => ({quantity, unit, published: null, ours});
    return {
      columns: ['model', 'm', 'n', 'k', 'gemms', 'cluster'],
      rows: points.map(({model, m, n, k, count, cluster}) => [model, m, n, k, count, cluster]),
      chart: {kind: 'shapes', points},
      comparisons: [
        row('distinct shapes', '', shapes(clusters)),
        row('clusters, with padding up to 20 %', '', clusters.length),
        row('GEMMs in clusters of several models', '%', (100 * kernels(shared)) / kernels(clusters)),
        row('GEMMs in the three largest of them', '%', (100 * kernels(largest)) / kernels(clusters)),
      ],
      notes: [
        `${uses.length} models at batch 1, as im2col GEMMs. The paper shows three clusters, A, B and C, and states no number.`,
        'Clusters say which shapes could share a launch with little padding, not which would gain by it.',
      ],
    };
  },
};
