import {geometricMean, mean} from '../../metrics/stats.ts';
import type {FigureDefinition} from './definition.ts';
import {range} from './definition.ts';
import type {ModelScheme} from './schemes.ts';
import type {Source} from './source.ts';

const models = ['resnet-50', 'mobilenet-v2'];
const schemes = ['exclusive', 'time', 'mps'] as const satisfies readonly ModelScheme[];
/** Processes under MPS differ by chance: so many runs are averaged. */
const mpsDraws = 5;

/** Mean latency in ns, by scheme and place in the list of counts. */
type Latencies = Record<(typeof schemes)[number], (number | null)[]>;

/** What sharing costs: mean latency of replicas under the ways to share a GPU. */
export const multiplexing: FigureDefinition = {
  name: 'multiplexing',
  title: 'Mean latency of 1 to 15 replicas on one GPU',
  citation: '[ST] fig. 3, [OoO] fig. 4',
  async make(source, {quick}) {
    const counts = quick ? [1, 4, 15] : range(1, 15);
    const latencies: Latencies[] = [];
    for (const model of models) latencies.push(await measure(source, model, counts, quick ? 1 : mpsDraws));
    const slowdown = (scheme: 'time' | 'mps', of: readonly Latencies[] = latencies): number | null => {
      const ratios = of.flatMap((each) =>
        each[scheme].flatMap((ns, i) => {
          const exclusive = each.exclusive[i];
          return ns === null || exclusive === null ? [] : [ns / exclusive];
        }),
      );
      return ratios.length === 0 ? null : geometricMean(ratios);
    };
    const milliseconds = (ns: number | null): number | null => (ns === null ? null : ns / 1e6);
    return {
      columns: ['model', 'replicas', 'scheme', 'latency_ms'],
      rows: models.flatMap((model, i) =>
        schemes.flatMap((scheme) =>
          counts.map((count, j) => [model, count, scheme, milliseconds(latencies[i][scheme][j])]),
        ),
      ),
      chart: {
        kind: 'panels',
        panels: models.map((model, i) => ({
          title: model,
          x: {name: 'replicas', from: 0},
          y: {name: 'mean latency, ms'},
          series: schemes.map((scheme) => ({
            name: scheme,
            kind: 'line',
            marks: counts.map((count, j) => ({x: count, y: milliseconds(latencies[i][scheme][j])})),
          })),
        })),
      },
      comparisons: [
        {
          quantity: 'time multiplexing over exclusive batched',
          unit: 'x',
          published: {value: 4.6},
          ours: slowdown('time'),
        },
        {
          quantity: 'space multiplexing (MPS) over exclusive batched',
          unit: 'x',
          published: {value: 2.2},
          ours: slowdown('mps'),
        },
        ...models.flatMap((model, i) =>
          (['time', 'mps'] as const).map((scheme) => ({
            quantity: `${scheme} over exclusive, ${model} alone`,
            unit: 'x',
            published: null,
            ours: slowdown(scheme, [latencies[i]]),
          })),
        ),
      ],
      notes: [
        'Every replica sends its next request when the last is answered; exclusive batches the requests of all replicas. Geometric means over both models and all numbers of replicas that fit in memory.',
        `Under MPS the mean of ${quick ? 1 : mpsDraws} draws of the processes’ speeds, whose spread comes from the profile’s source "${source.profile.sharing.mps_spread.source}".`,
      ],
    };
  },
};

async function measure(
  source: Source,
  model: string,
  counts: readonly number[],
  draws: number,
): Promise<Latencies> {
  const latencies: Latencies = {exclusive: [], time: [], mps: []};
  for (const scheme of schemes) {
    for (const count of counts) {
      const means: number[] = [];
      for (const draw of range(0, scheme === 'mps' ? draws - 1 : 0)) {
        const ofTenants = await source.replicas({model, count, scheme, draw});
        if (ofTenants !== null) means.push(mean(ofTenants));
      }
      latencies[scheme].push(means.length === 0 ? null : mean(means));
    }
  }
  return latencies;
}
