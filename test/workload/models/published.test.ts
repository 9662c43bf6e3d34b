// The known models against what their authors and the usual implementations publish.

import {describe, expect, test} from 'vitest';
import {findModel} from '../../../src/workload/models/zoo.ts';
import {macsOf, parametersOf} from '../../../src/workload/models/size.ts';

/** Parameters and 10^9 multiply-accumulates at 224 x 224: `num_params` and `_ops` of torchvision's weights, 0.14. */
const torchvision: [string, number, number][] = [
  ['alexnet', 61_100_840, 0.714],
  ['vgg-16', 138_357_544, 15.47],
  ['vgg-19', 143_667_240, 19.632],
  ['resnet-18', 11_689_512, 1.814],
  ['resnet-34', 21_797_672, 3.664],
  ['resnet-50', 25_557_032, 4.089],
  ['resnet-101', 44_549_160, 7.801],
  ['resnet-152', 60_192_808, 11.514],
  ['densenet-121', 7_978_856, 2.834],
  ['densenet-161', 28_681_000, 7.728],
  ['mobilenet-v2', 3_504_872, 0.301],
];

describe('published sizes', () => {
  test.each(torchvision)("%s has torchvision's parameters and GMACs", (name, parameters, gmacs) => {
    const model = findModel(name);
    expect(parametersOf(model)).toBe(parameters);
    expect(macsOf(model) / 1e9).toBeCloseTo(gmacs, 3);
  });

  test('senet-154 has the parameters of the released network and its GFLOPs within half a percent', () => {
    const model = findModel('senet-154');
    // Cadene's pretrained-models.pytorch, pytorchcv's own check of senet154.
    expect(parametersOf(model)).toBe(115_088_984);
    // github.com/hujie-frank/SENet: 20.77 GFLOPs, which count more than multiply-accumulates.
    expect(Math.abs(macsOf(model) / 20.77e9 - 1)).toBeLessThan(0.005);
  });

  test.each([128, 384])('bert-base-%i has the parameters of bert-base-uncased', (tokens) => {
    expect(parametersOf(findModel(`bert-base-${tokens}`))).toBe(109_482_240);
  });

  test('bert-base-128 takes the 22.5 GFLOPs of TinyBERT (Jiao et al. 2020, table 1) within one percent', () => {
    expect(Math.abs((2 * macsOf(findModel('bert-base-128'))) / 22.5e9 - 1)).toBeLessThan(0.01);
  });

  test('an lstm cell has the parameters of PyTorch: 4h (h + h) and two biases of 4h', () => {
    for (const h of [1, 512, 1024, 2048])
      expect(parametersOf(findModel(`lstm-${h}`))).toBe(8 * h * h + 8 * h);
  });

  test('gnmt-step has the 278 M parameters and 214 M operations a step of Shazeer et al. 2017, table 2', () => {
    const model = findModel('gnmt-step');
    expect(Math.round(parametersOf(model) / 1e6)).toBe(278);
    expect(Math.abs(macsOf(model) / 214e6 - 1)).toBeLessThan(0.02);
  });
});
