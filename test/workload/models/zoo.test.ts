// Finding a model by name, and what holds for every known model.

import {describe, expect, test} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {isGemm, kernelsOf} from '../../../src/workload/models/kernels.ts';
import {describeModel} from '../../../src/workload/models/size.ts';
import {resnet} from '../../../src/workload/models/resnet.ts';
import {findModel, models} from '../../../src/workload/models/zoo.ts';

describe('findModel', () => {
  test('finds every model by the name that it is listed under', () => {
    for (const [name, model] of models) {
      expect(model.name).toBe(name);
      expect(findModel(name)).toBe(model);
    }
  });

  test('makes the models of a family at any size', () => {
    expect(findModel('lstm-768').layers[0]).toMatchObject({m: 3072, n: 1, k: 768});
    expect(findModel('bert-base-64').name).toBe('bert-base-64');
  });

  test.each([
    ['resnet50', 'unknown model: resnet50; did you mean "resnet-50"?'],
    ['bert-base', 'unknown model: bert-base; did you mean "bert-base-128"?'],
    ['lstm-0512', 'unknown model: lstm-0512; did you mean "lstm-512"?'],
    ['lstm-0', 'invalid hidden size: 0 (expected a whole number from 1 to 16384)'],
    ['bert-base-513', 'invalid sequence length: 513 (expected a whole number from 1 to 512)'],
  ])('explains %s', (name, message) => {
    expect(() => findModel(name)).toThrow(new InputError(message));
  });

  test('lists the known models where none is near', () => {
    expect(() => findModel('gpt-2')).toThrow(
      /^unknown model: gpt-2 \(known: alexnet, vgg-16, .*, gnmt-step\)$/,
    );
  });
});

describe.each([...models.values()])('$name', (model) => {
  test('names each layer once', () => {
    expect(new Set(model.layers.map((layer) => layer.name)).size).toBe(model.layers.length);
  });

  test('has whole, positive dimensions', () => {
    for (const layer of model.layers) {
      const sizes = isGemm(layer)
        ? [layer.m, layer.n, layer.k, layer.count, layer.elements]
        : [layer.elements];
      for (const size of sizes)
        expect(Number.isSafeInteger(size) && size > 0, `${layer.name}: ${size}`).toBe(true);
      expect(Number.isSafeInteger(layer.weights) && layer.weights >= 0, layer.name).toBe(true);
    }
  });

  test('moves no more activations in a layer than its GEMM reads and writes after im2col', () => {
    for (const layer of model.layers) {
      if (!isGemm(layer) || layer.kind === 'bgemm') continue;
      // A stride may skip pixels of a 1 x 1 convolution, so compare with the whole map that it reads from.
      const strides = layer.name.endsWith('downsample') ? 4 : 1;
      const {m, n, k, count, elements} = layer;
      expect(elements, layer.name).toBeLessThanOrEqual((k * n * strides + m * n) * count);
    }
  });
});

describe('structure', () => {
  test('resnet-18 on 128 x 128 images has the conv2_2 shape of the papers, with m and n swapped', () => {
    const kernels = kernelsOf(resnet(18, 128), {batch: 1, dtype: 'fp32', elementwise: false});
    expect(kernels).toContainEqual({op: 'gemm', m: 128, n: 256, k: 1152, count: 1, dtype: 'fp32'});
  });

  test('a residual add runs after the convolutions that it joins', () => {
    const names = findModel('resnet-50').layers.map((layer) => layer.name);
    expect(names.indexOf('layer1.0.add')).toBe(names.indexOf('layer1.0.downsample') + 1);
    expect(names.filter((name) => name.endsWith('.add'))).toHaveLength(16);
  });

  test('mobilenet-v2 has ten residual adds', () => {
    const adds = findModel('mobilenet-v2').layers.filter((layer) => layer.name.endsWith('.add'));
    expect(adds).toHaveLength(10);
  });

  test('densenet-121 normalises before every dense layer, transition and the classifier', () => {
    const norms = findModel('densenet-121').layers.filter((layer) => /norm/.test(layer.name));
    expect(norms).toHaveLength(58 + 3 + 1);
    expect(norms.at(-1)!.elements).toBe(2 * 1024 * 7 * 7);
  });

  test.each([
    ['alexnet', 'pool5', 'reads 13 x 13 pixels, writes 6 x 6', 256 * (13 * 13 + 6 * 6)],
    ['vgg-16', 'pool1', 'reads 224 x 224 pixels, writes 112 x 112', 64 * (224 * 224 + 112 * 112)],
    ['resnet-18', 'maxpool', 'reads 112 x 112 pixels, writes 56 x 56', 64 * (112 * 112 + 56 * 56)],
    ['resnet-50', 'layer1.0.add', 'reads two maps, writes one', 3 * 256 * 56 * 56],
    ['resnet-50', 'avgpool', 'reads a map, writes a value a channel', 2048 * (7 * 7 + 1)],
    ['mobilenet-v2', 'block3.add', 'reads two maps, writes one', 3 * 24 * 56 * 56],
    ['densenet-121', 'block1.2.norm', 'reads the features so far, writes as many', 2 * (64 + 32) * 56 * 56],
    ['densenet-161', 'trans3.pool', 'halves the image', 1056 * (14 * 14 + 7 * 7)],
    ['senet-154', 'layer0.pool', 'rounds 55.5 pixels up', 128 * (112 * 112 + 56 * 56)],
    ['senet-154', 'layer4.0.se.pool', 'reads a map, writes a value a channel', 2048 * (7 * 7 + 1)],
    ['senet-154', 'layer4.0.scale_add', 'reads two maps and scales, writes a map', 2048 * (3 * 7 * 7 + 1)],
    ['bert-base-128', 'embeddings', 'reads three rows a token, writes one', 4 * 128 * 768],
    ['bert-base-384', 'layer0.softmax', "reads and writes every head's scores", 2 * 12 * 384 * 384],
    ['bert-base-384', 'layer0.attn_norm', 'reads two states, writes one', 3 * 384 * 768],
    ['bert-base-384', 'layer11.gelu', 'reads and writes the inner state', 2 * 384 * 3072],
    ['bert-base-384', 'layer11.ffn_norm', 'reads two states, writes one', 3 * 384 * 768],
    ['lstm-512', 'gates', 'reads four gates and a cell, writes cell and state', 7 * 512],
    ['gnmt-step', 'enc.l2.gates', 'is that of a cell', 7 * 1024],
    ['gnmt-step', 'dec.l3.gates', 'also reads the residual', 8 * 1024],
    ['gnmt-step', 'dec.attn.scores', 'reads 32 keys and a query, writes 32 scores', 33 * 1024 + 32],
    ['gnmt-step', 'dec.attn.context', 'reads 32 values and scores, writes their mean', 33 * 1024 + 32],
    ['gnmt-step', 'dec.softmax', 'reads and writes the vocabulary', 2 * 32320],
  ])("%s's %s %s", (name, layerName, _, elements) => {
    const layer = findModel(name).layers.find((candidate) => candidate.name === layerName);
    expect(layer).toMatchObject({kind: 'elementwise', elements});
  });

  test("attention's products read two activations, and have no weights", () => {
    const scores = findModel('bert-base-128').layers.find(({name}) => name === 'layer0.scores');
    expect(scores).toMatchObject({elements: 12 * (2 * 128 * 64 + 128 * 128), weights: 0});
  });

  test('a summary counts kernels, shapes and bytes', () => {
    expect(describeModel(findModel('lstm-512'), 2, 'fp16')).toMatchObject({
      gemms: 2,
      shapes: 1,
      macs: 2 * 2 * 2048 * 512,
      parameters: 2_101_248,
      weightBytes: 4_202_496,
      elementwise: 1,
      elementwiseBytes: 2 * 7 * 512 * 2,
    });
  });
});
