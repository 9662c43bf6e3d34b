import {formatNumber} from '../report/format.ts';
import type {Table} from '../report/table.ts';
import {isGemm} from '../workload/models/kernels.ts';
import type {Layer, Model} from '../workload/models/layer.ts';
import {weightBytes} from '../workload/models/size.ts';
import {findModel, models as known} from '../workload/models/zoo.ts';
import type {Command} from './command.ts';
import {formatOption, print} from './formats.ts';

/** Lists the known models, or the layers of one. */
export const models: Command = {
  positionals: {name: {type: 'string', describe: 'a model'}},
  options: {format: formatOption},
  suggestions: {name: () => [...known.keys()]},
  examples: [['$0 models resnet-50 --format csv', 'a start for a model file of your own']],
  run({name, format}, io) {
    if (typeof name !== 'string') {
      const all = [...known.values()];
      print(listOf(all), all.map(summaryOf), format, io);
      return;
    }
    const model = findModel(name);
    if (format === 'table')
      io.stdout.write(`${model.title}: ${model.description}\nsource: ${model.source}\n\n`);
    print(layersOf(model), model, format, io);
  },
};

function summaryOf(model: Model) {
  const gemms = model.layers.filter(isGemm);
  return {
    name: model.name,
    title: model.title,
    gemms: gemms.length,
    shapes: new Set(gemms.map(({m, n, k, count}) => `${m}/${n}/${k}/${count}`)).size,
    flops: gemms.reduce((sum, {m, n, k, count}) => sum + 2 * m * n * k * count, 0),
    weight_bytes_fp32: weightBytes(model, 'fp32'),
    source: model.source,
  };
}

function listOf(all: readonly Model[]): Table {
  return {
    columns: [
      {name: 'model', align: 'left'},
      {name: 'GEMMs', align: 'right'},
      {name: 'shapes', align: 'right'},
      {name: 'work', unit: 'GFLOP', align: 'right'},
      {name: 'weights', unit: 'MB, fp32', align: 'right'},
      {name: 'title', align: 'left'},
    ],
    rows: all.map(summaryOf).map(({name, title, gemms, shapes, flops, weight_bytes_fp32}) => ({
      cells: [
        name,
        String(gemms),
        String(shapes),
        formatNumber(flops / 1e9),
        formatNumber(weight_bytes_fp32 / 1e6),
        title,
      ],
    })),
    notes: [
      'Work is of one request with one input. Besides these: bert-base-<tokens> and lstm-<units>, of any size, and files of your own.',
    ],
  };
}

function layersOf({layers}: Model): Table {
  return {
    columns: [
      {name: 'name', align: 'left'},
      {name: 'kind', align: 'left'},
      ...['m', 'n', 'k', 'count'].map((name) => ({name, align: 'right'}) as const),
      {name: 'scales', align: 'left'},
      {name: 'elements', align: 'right'},
      {name: 'weights', align: 'right'},
    ],
    rows: layers.map((layer) => ({cells: cellsOf(layer)})),
    notes: [],
  };
}

function cellsOf(layer: Layer): string[] {
  const {name, kind, elements, weights} = layer;
  const shape = isGemm(layer)
    ? [layer.m, layer.n, layer.k, layer.count, layer.scales].map(String)
    : ['', '', '', '', ''];
  return [name, kind, ...shape, String(elements), String(weights)];
}
