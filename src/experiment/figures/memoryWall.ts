import type {Published} from '../../report/figures/figure.ts';
import type {FigureDefinition} from './definition.ts';
import {range} from './definition.ts';
import type {ModelScheme} from './schemes.ts';
import type {Source} from './source.ts';

const model = 'resnet-50';
const schemes: readonly {scheme: ModelScheme; name: string; published: Published}[] = [
  {scheme: 'time', name: 'time multiplexing', published: {value: 18}},
  {scheme: 'mps', name: 'MPS', published: {value: 18}},
  {scheme: 'streams', name: 'streams in one process', published: {value: 60, bound: 'at least'}},
];
const drawn = [1, ...range(1, 16).map((i) => 5 * i)];
const mostReplicas = 1000;

/** How many replicas fit in the device's memory. */
export const memoryWall: FigureDefinition = {
  name: 'memory-wall',
  title: 'Device memory of ResNet-50 replicas',
  citation: '[ST] fig. 5',
  async make(source) {
    const use = (scheme: ModelScheme, count: number): number =>
      source.memoryUse({model, count, scheme}).total / 1e9;
    const capacity = source.memoryUse({model, count: 1, scheme: 'mps'}).capacity / 1e9;
    return {
      columns: ['scheme', 'replicas', 'memory_gb', 'capacity_gb'],
      rows: schemes.flatMap(({scheme}) =>
        drawn.map((count) => [scheme, count, use(scheme, count), capacity]),
      ),
      chart: {
        kind: 'panels',
        panels: [
          {
            title: model,
            x: {name: 'replicas', from: 0},
            y: {name: 'memory, GB'},
            series: schemes.map(({scheme, name}) => ({
              name,
              kind: 'line',
              marks: drawn.map((count) => ({x: count, y: use(scheme, count)})),
            })),
            levels: [{y: capacity, text: 'memory of the device'}],
          },
        ],
      },
      comparisons: schemes.map(({scheme, name, published}) => ({
        quantity: `${name}: most replicas`,
        unit: '',
        published,
        ours: mostThatFit(source, scheme),
      })),
      notes: [
        `Counted are weights, the largest activations of one request, and ${(source.profile.sharing.context_bytes.value / 1e9).toFixed(2)} GB a context (source "${source.profile.sharing.context_bytes.source}"), but no workspaces or pools of a framework.`,
      ],
    };
  },
};

function mostThatFit(source: Source, scheme: ModelScheme): number {
  let count = 0;
  for (; count < mostReplicas; count++) {
    const {total, capacity} = source.memoryUse({model, count: count + 1, scheme});
    if (total > capacity) break;
  }
  return count;
}
