import {LayerList, volume, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

const blocks = [3, 8, 36, 3];
/** How far the squeeze-and-excitation bottleneck narrows the channels. */
const reduction = 16;

/** SENet-154 on 224 x 224 images: ResNeXt blocks of 64 groups with squeeze-and-excitation. */
export function senet154(): Model {
  const net = new LayerList();
  let x = net.conv('layer0.conv1', {channels: 3, size: 224}, {filters: 64, kernel: 3, stride: 2, norm: true});
  x = net.conv('layer0.conv2', x, {filters: 64, kernel: 3, norm: true});
  x = net.conv('layer0.conv3', x, {filters: 128, kernel: 3, norm: true});
  x = net.pool('layer0.pool', x, {kernel: 3, stride: 2, ceil: true});
  for (const [stage, count] of blocks.entries()) {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      x = block(net, `layer${stage + 1}.${i}`, x, 64 * 2 ** stage, stride);
    }
  }
  net.globalPool('avg_pool', x);
  net.fc('last_linear', x.channels, 1000);
  return {
    name: 'senet-154',
    title: 'SENet-154',
    description: 'image classification, 224 x 224; grouped convolutions and channel attention',
    layers: net.layers,
    source: 'Hu et al. 2018, arXiv 1709.01507; Cadene pretrained-models.pytorch senet154',
  };
}

function block(net: LayerList, name: string, input: FeatureMap, width: number, stride: number): FeatureMap {
  let x = net.conv(`${name}.conv1`, input, {filters: 2 * width, norm: true});
  x = net.conv(`${name}.conv2`, x, {filters: 4 * width, kernel: 3, stride, groups: 64, norm: true});
  x = net.conv(`${name}.conv3`, x, {filters: 4 * width, norm: true});
  net.globalPool(`${name}.se.pool`, x);
  net.fc(`${name}.se.fc1`, x.channels, x.channels / reduction);
  net.fc(`${name}.se.fc2`, x.channels / reduction, x.channels);
  if (input.channels !== x.channels) {
    // The projection is 3 x 3 where it also halves the image, unlike ResNet's.
    const kernel = stride > 1 ? 3 : 1;
    net.conv(`${name}.downsample`, input, {filters: x.channels, kernel, stride, norm: true});
  }
  // Scaling by channel, the residual add and the ReLU in one kernel: two maps and a vector in, one map out.
  net.pass(`${name}.scale_add`, 3 * volume(x) + x.channels);
  return x;
}
