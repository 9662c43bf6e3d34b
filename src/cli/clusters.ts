import {writeFileSync} from 'node:fs';
import {shapeClusters} from '../experiment/clusters.ts';
import type {ModelUse, ShapeCluster} from '../experiment/clusters.ts';
import {readExperiment} from '../experiment/experiment.ts';
import {modelUses} from '../experiment/report.ts';
import {checkWritable} from '../files.ts';
import {clusterChart} from '../report/clusters.ts';
import {formatNumber} from '../report/format.ts';
import type {Table} from '../report/table.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {models} from '../workload/models/zoo.ts';
import type {Command} from './command.ts';
import {text, textOf} from './command.ts';
import {UsageError} from './exitCode.ts';
import {formatOption, print} from './formats.ts';

/** Shows which GEMM shapes of the models could share a launch. */
export const clusters: Command = {
  positionals: {scenario: {type: 'string', describe: 'scenario file'}},
  options: {
    padding: text('Most extra FLOPs of a padded GEMM, as a share of its own', {
      defaultDescription: "the scenario's, or 0.2",
    }),
    output: text('Also draw them to this SVG file'),
    format: formatOption,
  },
  examples: [['$0 clusters scenarios/quickstart.yaml --output clusters.svg', 'as figure 7 of the paper']],
  async run(args, io) {
    const file = textOf(args, 'scenario');
    const padding = textOf(args, 'padding');
    const output = textOf(args, 'output');
    if (output !== undefined) checkWritable(output);
    const experiment = file === undefined ? null : readExperiment(file);
    const uses = experiment === null ? allModels() : await modelUses(experiment);
    const limit = padding === undefined ? (experiment?.scenario.padding ?? 0.2) : fraction(padding);
    const {points, clusters} = shapeClusters(uses, limit);
    if (output !== undefined) writeFileSync(output, clusterChart(points));
    print(tableOf(clusters, limit), {padding_limit: limit, clusters, points}, args['format'], io);
  },
};

const allModels = (): ModelUse[] => [...models.values()].map((model) => ({model, batch: 1, dtype: 'fp32'}));

function fraction(value: string): number {
  const number = Number(value);
  if (value !== '' && number >= 0 && number <= 1) return number;
  throw new UsageError(`invalid padding: ${value} (expected 0 to 1)`);
}

function tableOf(found: readonly ShapeCluster[], limit: number): Table {
  const shared = found.filter(({shapes}) => shapes > 1);
  return {
    columns: [
      {name: 'common shape', align: 'left'},
      {name: 'shapes', align: 'right'},
      {name: 'GEMMs', align: 'right'},
      {name: 'padding', unit: '%', align: 'right'},
      {name: 'models', align: 'left'},
    ],
    rows: shared.map(({common, shapes, kernels, padding, models}) => ({
      cells: [
        kernelKey(common),
        String(shapes),
        String(kernels),
        formatNumber(padding * 100),
        models.join(', '),
      ],
    })),
    notes: [
      `${shared.length} clusters of at least two shapes, and ${found.length - shared.length} shapes alone, at up to ${formatNumber(limit * 100)} % padding; counts are of one request of each model.`,
    ],
  };
}
