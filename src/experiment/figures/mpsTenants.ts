import {mean} from '../../metrics/stats.ts';
import type {FigureDefinition} from './definition.ts';
import {range} from './definition.ts';

const model = 'resnet-50';
const counts = [10, 11, 12];
const draws = 10;

/** How unequal tenants are under MPS. */
export const mpsTenants: FigureDefinition = {
  name: 'mps-tenants',
  title: 'ResNet-50 under MPS: mean latency of each tenant',
  citation: '[ST] fig. 4, [OoO] fig. 5',
  async make(source, {quick}) {
    /** By draw and count: the tenants' latencies in ms. */
    const found: (number[] | null)[][] = [];
    for (const draw of range(0, quick ? 1 : draws - 1)) {
      const ofDraw: (number[] | null)[] = [];
      for (const count of counts) {
        const latencies = await source.replicas({model, count, scheme: 'mps', draw});
        ofDraw.push(latencies?.map((ns) => ns / 1e6) ?? null);
      }
      found.push(ofDraw);
    }
    const gaps = found.map((ofDraw) => Math.max(...ofDraw.map((latencies) => gapOf(latencies ?? []))));
    const known = gaps.filter(Number.isFinite);
    return {
      columns: ['draw', 'replicas', 'tenant', 'latency_ms'],
      rows: found.flatMap((ofDraw, draw) =>
        ofDraw.flatMap((latencies, i) =>
          (latencies ?? []).map((ms, tenant) => [draw, counts[i], tenant, ms]),
        ),
      ),
      chart: {
        kind: 'panels',
        panels: counts.map((count, i) => ({
          title: `${count} replicas`,
          x: {name: 'tenant', labels: range(1, count).map(String)},
          y: {name: 'mean latency, ms'},
          series: [
            {
              name: 'latency under MPS',
              kind: 'bars',
              marks: (found[0][i] ?? []).map((ms, tenant) => ({x: tenant, y: ms})),
            },
          ],
        })),
      },
      comparisons: [
        {
          quantity: 'slowest tenant over fastest, less 1; worst of 10, 11 and 12 replicas',
          unit: '%',
          published: {value: 25},
          ours: known.length === 0 ? null : 100 * mean(known),
        },
      ],
      notes: [
        `The profile’s spread between MPS processes (mps_spread, ${source.profile.sharing.mps_spread.value}) comes from its source "${source.profile.sharing.mps_spread.source}"; the gap between tenants follows from it and from nothing else that the model knows, odd numbers of processes included.`,
        `Drawn is the first of ${found.length} draws, the gap is their mean.`,
      ],
    };
  },
};

/** How much slower the slowest is than the fastest; NaN without any. */
function gapOf(latencies: readonly number[]): number {
  return latencies.length === 0 ? NaN : Math.max(...latencies) / Math.min(...latencies) - 1;
}
