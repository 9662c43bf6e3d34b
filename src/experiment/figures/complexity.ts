import type {FigureDefinition} from './definition.ts';

const models = ['alexnet', 'vgg-16', 'resnet-152', 'densenet-161', 'senet-154'];

/** Models have become more complex, and slower. */
export const complexity: FigureDefinition = {
  name: 'complexity',
  title: 'Complexity of image classifiers against their latency at batch 1',
  citation: '[OoO] fig. 2',
  async make(source) {
    const found: {model: string; gigaflops: number; ms: number}[] = [];
    for (const model of models) {
      const timing = await source.batchLatency({model, batch: 1});
      if (timing !== null) found.push({model, gigaflops: timing.flops / 1e9, ms: timing.latencyNs / 1e6});
    }
    return {
      columns: ['model', 'gflop', 'latency_ms'],
      rows: found.map(({model, gigaflops, ms}) => [model, gigaflops, ms]),
      chart: {
        kind: 'panels',
        panels: [
          {
            title: 'batch 1',
            x: {name: 'GFLOP of one image', from: 0},
            y: {name: 'latency, ms'},
            series: [
              {
                name: 'models',
                kind: 'points',
                marks: found.map(({model, gigaflops, ms}) => ({x: gigaflops, y: ms, label: model})),
              },
            ],
          },
        ],
      },
      comparisons: found.map(({model, ms}) => ({
        quantity: `latency of ${model}`,
        unit: 'ms',
        published: null,
        ours: ms,
      })),
      notes: [
        'SENet-154, the released network, stands for the paper’s SENet. A FLOP is a multiply or an add.',
      ],
    };
  },
};
