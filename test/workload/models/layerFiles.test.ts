// The known models row by row against layer lists that were derived from the publications independently.

import {existsSync, readFileSync} from 'node:fs';
import {csvParse, type DSVRowString} from 'd3';
import {describe, expect, test} from 'vitest';
import {isGemm} from '../../../src/workload/models/kernels.ts';
import type {GemmLayer} from '../../../src/workload/models/layer.ts';
import {lstm} from '../../../src/workload/models/lstm.ts';
import {findModel} from '../../../src/workload/models/zoo.ts';

const folder = new URL('../../../../shared/data/models/layers/', import.meta.url);
const hasFiles = existsSync(folder);

type Row = DSVRowString;

function rowsOf(file: string): Row[] {
  return [...csvParse(readFileSync(new URL(`${file}.csv`, folder), 'utf8'))];
}

function gemmsOf(name: string): GemmLayer[] {
  return findModel(name).layers.filter(isGemm);
}

/** What the files count of a row, `omitted` being the parameters of a layer that they leave out. */
function asRow({name, kind, m, n, k, count, weights}: GemmLayer, omitted: number): unknown {
  return {name, kind, m, n, k, count, macs: m * n * k * count, weights: weights - omitted};
}

function ofFile(row: Row): unknown {
  const name = row['layer'].replace(/ \(.*\)$/, '');
  const [m, n, k, count, macs, weights] = ['gemm_m', 'gemm_n', 'gemm_k', 'gemm_count', 'macs', 'weights'].map(
    (column) => Number(row[column]),
  );
  return {name, kind: row['type'], m, n, k, count, macs, weights};
}

const nothing = (): number => 0;
/** A batch norm's scale and shift. */
const norm = ({kind, m, count}: GemmLayer): number => (kind.endsWith('conv') ? 2 * m * count : 0);
const bias = ({kind, m}: GemmLayer): number => (kind === 'bgemm' ? 0 : m);

const files: [string, string, (layer: GemmLayer) => number][] = [
  ['alexnet', 'alexnet', nothing],
  ['vgg16', 'vgg-16', nothing],
  ['vgg19', 'vgg-19', nothing],
  ['resnet18', 'resnet-18', norm],
  ['resnet34', 'resnet-34', norm],
  ['resnet50', 'resnet-50', norm],
  ['resnet101', 'resnet-101', norm],
  ['resnet152', 'resnet-152', norm],
  // The norms after a dense layer's second convolution and a transition are separate, unfolded kernels.
  ['densenet121', 'densenet-121', (layer) => (/conv2|trans/.test(layer.name) ? 0 : norm(layer))],
  ['densenet161', 'densenet-161', (layer) => (/conv2|trans/.test(layer.name) ? 0 : norm(layer))],
  ['mobilenet_v2', 'mobilenet-v2', norm],
  ['senet154', 'senet-154', (layer) => (layer.name.includes('.se.') ? bias(layer) : norm(layer))],
  ['bert_base_seq128', 'bert-base-128', bias],
  ['bert_base_seq384', 'bert-base-384', bias],
  ['gnmt_step', 'gnmt-step', (layer) => (layer.m === 4096 ? bias(layer) : 0)],
];

describe.skipIf(!hasFiles)('layer files (skipped where the checkout has none beside it)', () => {
  test.each(files)('%s.csv is the GEMMs of %s, row for row', (file, name, omitted) => {
    const rows = rowsOf(file);
    expect(rows.length).toBeGreaterThan(0);
    expect(gemmsOf(name).map((layer) => asRow(layer, omitted(layer)))).toEqual(rows.map(ofFile));
  });

  test('lstm_cells_step.csv is the cells of each hidden size', () => {
    const rows = rowsOf('lstm_cells_step').filter((row) => row['layer'].startsWith('lstm'));
    const cells = [256, 512, 1024, 1536, 2048].flatMap((hidden) =>
      lstm(hidden)
        .layers.filter(isGemm)
        .map((layer) => asRow({...layer, name: `lstm_h${hidden}_${layer.name}`}, bias(layer))),
    );
    expect(cells).toEqual(rows.map(ofFile));
  });
});
