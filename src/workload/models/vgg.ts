import {LayerList, volume, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

/** Convolutions before each pooling, Simonyan & Zisserman 2015, table 1, configurations D and E. */
const convolutions = {16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]};

/** VGG of 16 or 19 layers with weights, without batch norm, on 224 x 224 images. */
export function vgg(depth: 16 | 19): Model {
  const net = new LayerList();
  let x: FeatureMap = {channels: 3, size: 224};
  let index = 0;
  for (const [stage, count] of convolutions[depth].entries()) {
    const filters = Math.min(64 * 2 ** stage, 512);
    for (let i = 0; i < count; i++) x = net.conv(`conv${++index}`, x, {filters, kernel: 3, bias: true});
    x = net.pool(`pool${stage + 1}`, x, {kernel: 2, stride: 2});
  }
  net.fc('fc1', volume(x), 4096);
  net.fc('fc2', 4096, 4096);
  net.fc('fc3', 4096, 1000);
  return {
    name: `vgg-${depth}`,
    title: `VGG-${depth}`,
    description: 'image classification, 224 x 224; large 3 x 3 convolutions, compute-bound',
    layers: net.layers,
    source: `Simonyan & Zisserman 2015, arXiv 1409.1556; torchvision vgg${depth}`,
  };
}
