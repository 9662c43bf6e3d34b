// Which shapes of which models could share a launch.
import {describe, expect, test} from 'vitest';
import {shapeClusters} from '../../src/experiment/clusters.ts';
import {models} from '../../src/workload/models/zoo.ts';

const use = (name: string, batch = 1) => ({model: models.get(name)!, batch, dtype: 'fp32'}) as const;

describe('shapeClusters', () => {
  test('counts every GEMM of every model once', () => {
    const {points, clusters} = shapeClusters([use('resnet-18'), use('resnet-50')], 0.2);
    const gemms = points.reduce((sum, {count}) => sum + count, 0);
    expect(gemms).toBe(21 + 54);
    expect(clusters.reduce((sum, {kernels}) => sum + kernels, 0)).toBe(gemms);
    expect(new Set(points.map(({cluster}) => cluster)).size).toBe(clusters.length);
  });

  test('puts equal shapes of different models into one cluster', () => {
    const {points, clusters} = shapeClusters([use('resnet-18'), use('resnet-34')], 0);
    const shared = points.filter(({model, m, n, k}) =>
      points.some((other) => other.model !== model && other.m === m && other.n === n && other.k === k),
    );
    expect(shared.length).toBeGreaterThan(10);
    for (const {cluster} of shared) expect(clusters[cluster!].models).toEqual(['resnet-18', 'resnet-34']);
  });

  test('pads no more than the limit allows', () => {
    const {clusters} = shapeClusters(
      [...models.keys()].map((name) => use(name)),
      0.1,
    );
    expect(clusters.some(({shapes}) => shapes > 1)).toBe(true);
    for (const {padding} of clusters) expect(padding).toBeLessThanOrEqual(0.1);
  });

  test('takes the batch into account', () => {
    const [one, four] = [1, 4].map((batch) => shapeClusters([use('lstm-512', batch)], 0).points[0].n);
    expect(four).toBe(4 * one);
  });
});
