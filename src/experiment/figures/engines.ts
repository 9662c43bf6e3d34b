import type {FigureDefinition} from './definition.ts';

/** ms of GPU time a batch, FP32, V100-SXM2-16GB, TensorRT 8.0: iGniter (Xu et al. 2022), its repository's configuration. */
const measured = [
  {model: 'alexnet', batch: 1, ms: 0.702},
  {model: 'alexnet', batch: 64, ms: 7.06},
  {model: 'vgg-19', batch: 1, ms: 2.76},
  {model: 'vgg-19', batch: 64, ms: 116.3},
  {model: 'resnet-50', batch: 1, ms: 2.39},
  {model: 'resnet-50', batch: 32, ms: 21.26},
  {model: 'resnet-50', batch: 64, ms: 41.38},
  {model: 'bert-base-128', batch: 1, ms: 3.18},
  {model: 'bert-base-128', batch: 2, ms: 5.13},
] as const;

/** Not of the papers: what the same models take on the same GPU in an engine of today, to tell theirs from ours. */
export const engines: FigureDefinition = {
  name: 'engines',
  title: 'Whole models: predicted latency against TensorRT’s',
  citation: 'not of the papers: TensorRT 8.0 as measured by iGniter on a V100',
  async make(source) {
    const found: {name: string; published: number; ours: number | null}[] = [];
    for (const {model, batch, ms} of measured) {
      const timing = await source.batchLatency({model, batch});
      const ours = timing === null ? null : timing.latencyNs / 1e6;
      found.push({name: `${model}, batch ${batch}`, published: ms, ours});
    }
    const labels = found.map(({name}) => name.replace(', batch ', ' × '));
    return {
      columns: ['model', 'batch', 'tensorrt_ms', 'ours_ms'],
      rows: measured.map(({model, batch, ms}, i) => [model, batch, ms, found[i].ours]),
      chart: {
        kind: 'panels',
        panels: [
          {
            title: 'latency',
            x: {name: 'measured, ms', log: true},
            y: {name: 'predicted, ms', log: true},
            series: [
              {
                name: 'equal',
                kind: 'line',
                marks: found.map(({published}) => ({x: published, y: published})).sort((a, b) => a.x - b.x),
              },
              {
                name: 'models × batch',
                kind: 'points',
                marks: found.map(({published, ours}, i) => ({x: published, y: ours, label: labels[i]})),
              },
            ],
          },
        ],
      },
      comparisons: found.map(({name, published, ours}) => ({
        quantity: `latency of ${name}`,
        unit: 'ms',
        published: {value: published},
        ours,
      })),
      notes: [
        'An engine convolves with Winograd’s and other algorithms where they are faster than a GEMM, and in implicit GEMMs that are no cuBLAS kernels; the profile knows GEMMs of cuBLAS only.',
      ],
    };
  },
};
