import {LayerList, volume, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

/** Growth rate, channels of the first convolution and layers of each block, Huang et al. 2017, table 1. */
const configurations = {
  121: {growth: 32, initial: 64, blocks: [6, 12, 24, 16]},
  161: {growth: 48, initial: 96, blocks: [6, 12, 36, 24]},
};

/** DenseNet-BC on 224 x 224 images. */
export function densenet(depth: keyof typeof configurations): Model {
  const {growth, initial, blocks} = configurations[depth];
  const net = new LayerList();
  let x = net.conv('conv0', {channels: 3, size: 224}, {filters: initial, kernel: 7, stride: 2, norm: true});
  x = net.pool('pool0', x, {kernel: 3, stride: 2, pad: 1});
  for (const [b, layers] of blocks.entries()) {
    for (let i = 1; i <= layers; i++) {
      const name = `block${b + 1}.${i}`;
      norm(net, `${name}.norm`, x);
      const inner = net.conv(`${name}.conv1`, x, {filters: 4 * growth, norm: true});
      net.conv(`${name}.conv2`, inner, {filters: growth, kernel: 3});
      x = {channels: x.channels + growth, size: x.size};
    }
    if (b < blocks.length - 1) {
      norm(net, `trans${b + 1}.norm`, x);
      x = net.conv(`trans${b + 1}.conv`, x, {filters: x.channels / 2});
      x = net.pool(`trans${b + 1}.pool`, x, {kernel: 2, stride: 2});
    }
  }
  norm(net, 'norm5', x);
  net.globalPool('avgpool', x);
  net.fc('classifier', x.channels, 1000);
  return {
    name: `densenet-${depth}`,
    title: `DenseNet-${depth}`,
    description: 'image classification, 224 x 224; many narrow convolutions over concatenated features',
    layers: net.layers,
    source: `Huang et al. 2017, arXiv 1608.06993; torchvision densenet${depth}`,
  };
}

/**
 * Concatenation, batch norm and ReLU in one kernel, which reads every feature so far and writes the next
 * convolution's input. The norm stands before a ReLU, not after a convolution, and so cannot be folded.
 */
function norm(net: LayerList, name: string, features: FeatureMap): void {
  net.pass(name, 2 * volume(features), 2 * features.channels);
}
