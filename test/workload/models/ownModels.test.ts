// Own models from YAML and CSV: what they may say, and how mistakes are told.

import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {csvModel} from '../../../src/workload/models/csvModel.ts';
import {kernelsOf} from '../../../src/workload/models/kernels.ts';
import {activationBytes, parametersOf} from '../../../src/workload/models/size.ts';
import {yamlModel} from '../../../src/workload/models/yamlModel.ts';

const yaml = (text: string) => yamlModel(text, 'models/net.yaml');
const csv = (text: string) => csvModel(text, 'net.csv');

describe('a YAML model', () => {
  const model = yaml(`
name: my-net
title: My network
layers:
  - {name: stem, kind: conv, m: 64, n: 12544, k: 147, elements: 953344}
  - {name: relu, elements: 1605632}
  - [256, 196, 64]
  - [64, 128, 64, 12]
  - {kind: bgemm, m: 128, n: 128, k: 64, count: 12}
  - {m: 10, n: 7, k: 3, scales: none, weights: 40}
`);

  test('takes its name from the file unless it gives one', () => {
    expect(model).toMatchObject({name: 'my-net', title: 'My network', source: 'models/net.yaml'});
    expect(yaml('- [1, 2, 3]')).toMatchObject({name: 'net', title: 'net', description: 'own model'});
  });

  test('fills in what it leaves out', () => {
    expect(model.layers).toEqual([
      {
        name: 'stem',
        kind: 'conv',
        m: 64,
        n: 12544,
        k: 147,
        count: 1,
        scales: 'n',
        elements: 953344,
        weights: 9408,
      },
      {name: 'relu', kind: 'elementwise', elements: 1605632, weights: 0},
      {
        name: 'layer2',
        kind: 'gemm',
        m: 256,
        n: 196,
        k: 64,
        count: 1,
        scales: 'n',
        elements: 62720,
        weights: 16384,
      },
      {
        name: 'layer3',
        kind: 'gemm',
        m: 64,
        n: 128,
        k: 64,
        count: 12,
        scales: 'n',
        elements: 196608,
        weights: 49152,
      },
      {
        name: 'layer4',
        kind: 'bgemm',
        m: 128,
        n: 128,
        k: 64,
        count: 12,
        scales: 'count',
        elements: 393216,
        weights: 0,
      },
      {name: 'layer5', kind: 'gemm', m: 10, n: 7, k: 3, count: 1, scales: 'none', elements: 91, weights: 40},
    ]);
    expect(parametersOf(model)).toBe(9408 + 16384 + 49152 + 40);
  });

  test('scales each layer with the batch as it declares', () => {
    const kernels = kernelsOf(model, {batch: 3, dtype: 'fp32', elementwise: true});
    expect(kernels.map((kernel) => (kernel.op === 'gemm' ? [kernel.n, kernel.count] : kernel.bytes))).toEqual(
      [[37632, 1], 19267584, [588, 1], [384, 12], [128, 36], [7, 1]],
    );
  });

  test('keeps the activations of a layer that the batch does not scale', () => {
    const fixed = yaml('- {m: 10, n: 7, k: 3, scales: none}');
    expect(activationBytes(fixed, 8, 'fp16')).toBe(2 * 91);
  });

  test.each([
    [
      'layers:\n  - [1, 2, 3]\n  - m: -4\n    n: 1\n    k: 2',
      '3:8: layers[1].m: expected a whole number from 1 to 2147483647, got -4',
    ],
    [
      'layers:\n  - {m: 4, n: 1.5, k: 2}',
      '2:15: layers[0].n: expected a whole number from 1 to 2147483647, got 1.5',
    ],
    [
      'layers:\n  - {m: 4, n: x, k: 2}',
      '2:15: layers[0].n: expected a whole number from 1 to 2147483647, got "x"',
    ],
    ['layers:\n  - {m: 4, n: 1}', '2:5: layers[0]: missing k (expected a whole number from 1 to 2147483647)'],
    [
      'layers:\n  - {m: 4, n: 1, k: 2, wieghts: 3}',
      '2:24: layers[0]: unknown key "wieghts"; did you mean "weights"?',
    ],
    ['layers:\n  - {m: 4, nn: 1, k: 2}', '2:12: layers[0]: unknown key "nn"; did you mean "n"?'],
    [
      'layers:\n  - {kind: cnv, m: 4, n: 1, k: 2}',
      '2:12: layers[0].kind: expected one of conv, dwconv, gconv, fc, gemm, bgemm, elementwise, got "cnv"; did you mean "conv"?',
    ],
    [
      'layers:\n  - {m: 4, n: 1, k: 2, scales: image}',
      '2:32: layers[0].scales: expected one of n, count, none, got "image"',
    ],
    ['layers:\n  - {kind: elementwise, m: 4, elements: 8}', '2:25: layers[0]: unknown key "m"'],
    [
      'layers:\n  - {kind: elementwise}',
      '2:5: layers[0]: missing elements (expected a whole number of at least 0)',
    ],
    ['layers:\n  - [1, 2]', '2:5: layers[0]: expected 3 or 4 numbers (m, n, k, count), got a list of 2'],
    ['- [1, 2, 3]\n- [1, 0, 3]', '2:7: [1][1]: expected a whole number from 1 to 2147483647, got 0'],
    ['layers:\n  - 12', '2:5: layers[0]: expected a layer (a mapping, or a list of m, n, k), got 12'],
    ['layers: []', '1:9: layers: expected at least one layer, got a list of 0'],
    ['layers: 3', '1:9: layers: expected a list of layers, got 3'],
    ['name: net', '1:1: missing layers (expected a list of layers)'],
    ['layer:\n  - [1, 2, 3]\nlayers:\n  - [1, 2, 3]', '1:1: unknown key "layer"; did you mean "layers"?'],
    ['name: 3\nlayers: [[1, 2, 3]]', '1:7: name: expected a text, got 3'],
    ['', '1:1: expected a list of layers, or a mapping with "layers", got null'],
    ['layers', '1:1: expected a list of layers, or a mapping with "layers", got "layers"'],
    ['name: a\nname: b', '2:1: map keys must be unique'],
  ])('explains %j', (text, problem) => {
    expect(() => yaml(text)).toThrow(new InputError(`models/net.yaml:${problem}`));
  });

  test('refuses aliases that expand without end', () => {
    const bomb = [
      'a0: &a0 [1, 1, 1]',
      ...Array.from({length: 8}, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(10)}]`),
    ];
    expect(() => yaml(bomb.join('\n'))).toThrow(/^models\/net\.yaml: invalid aliases: /);
  });
});

describe('a CSV model', () => {
  test('is rows of m, n, k and perhaps count', () => {
    const {layers, name} = csv('# from a trace\n512,1,512\r\n\n 64, 128, 64, 12\n');
    expect(name).toBe('net');
    expect(layers).toEqual(yaml('[[512, 1, 512], [64, 128, 64, 12]]').layers);
  });

  test('names its columns where it has a header', () => {
    const {layers} = csv(
      'name,kind,m,n,k,count,scales,elements\nqkv,,768,128,768,,,\nrelu,elementwise,,,,,,99\n7,bgemm,2,2,2,3,,\n',
    );
    expect(layers).toEqual(
      yaml(`
- {name: qkv, m: 768, n: 128, k: 768}
- {name: relu, elements: 99}
- {name: '7', kind: bgemm, m: 2, n: 2, k: 2, count: 3}
`).layers,
    );
  });

  test.each([
    ['m,n,k\n1,2,3\n1,x,3', ':3: n: expected a whole number from 1 to 2147483647, got "x"'],
    ['1,2,3\n1,2,-3', ':2: k: expected a whole number from 1 to 2147483647, got -3'],
    ['1,2,3\n1,,3', ':2: missing n (expected a whole number from 1 to 2147483647)'],
    ['m,n,k\n1,2', ':2: expected 3 values (m, n, k), got 2'],
    ['1,2,3,4,5', ':1: expected 3 or 4 values (m, n, k, count), got 5'],
    ['name,m,n,k,wights', ':1: unknown column "wights"; did you mean "weights"?'],
    [
      'm,n,k,bytes',
      ':1: unknown column "bytes" (known: name, kind, m, n, k, count, scales, elements, weights)',
    ],
    ['m,n,m', ':1: column "m" appears twice'],
    ['name,m,n,k\n"a",1,2,3', ':2: quoted values are not supported: "a",1,2,3'],
    ['m,n,k\n', ': expected at least one layer, got none'],
    ['', ': expected at least one layer, got none'],
  ])('explains %j', (text, problem) => {
    expect(() => csv(text)).toThrow(new InputError(`net.csv${problem}`));
  });
});

const yamlSigns = ['[', ']', '{', '}', ':', '-', ',', '&', '*', '!', '"', ' ', '\n', 'm', 'n', 'k', '1', '9'];
const dimension = fc.integer({min: 1, max: 2 ** 31 - 1});

describe('own models', () => {
  test.prop([fc.array(fc.tuple(dimension, dimension, dimension, dimension), {minLength: 1, maxLength: 20})])(
    'are the same from YAML rows, YAML mappings and CSV',
    (rows) => {
      const mappings = rows.map(([m, n, k, count]) => ({m, n, k, count}));
      const {layers} = yaml(JSON.stringify(rows));
      expect(
        layers.map((layer) => layer.kind === 'gemm' && [layer.m, layer.n, layer.k, layer.count]),
      ).toEqual(rows);
      expect(yaml(JSON.stringify({layers: mappings})).layers).toEqual(layers);
      expect(csv(rows.map((row) => row.join(',')).join('\n')).layers).toEqual(layers);
    },
  );

  test.prop([
    fc.oneof(fc.string(), fc.json(), fc.string({unit: fc.constantFrom(...yamlSigns)})),
    fc.constantFrom(yamlModel, csvModel),
  ])('of any text parse or end in an InputError', (text, parse) => {
    try {
      expect(parse(text, 'net').layers.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  });
});
