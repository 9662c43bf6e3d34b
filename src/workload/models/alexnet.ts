import {LayerList, volume, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

/** AlexNet in the one-tower form of 2014, on 224 x 224 images. */
export function alexnet(): Model {
  const net = new LayerList();
  const pool = (i: number, map: FeatureMap): FeatureMap => net.pool(`pool${i}`, map, {kernel: 3, stride: 2});
  let x: FeatureMap = {channels: 3, size: 224};
  x = pool(1, net.conv('conv1', x, {filters: 64, kernel: 11, stride: 4, pad: 2, bias: true}));
  x = pool(2, net.conv('conv2', x, {filters: 192, kernel: 5, bias: true}));
  x = net.conv('conv3', x, {filters: 384, kernel: 3, bias: true});
  x = net.conv('conv4', x, {filters: 256, kernel: 3, bias: true});
  x = pool(5, net.conv('conv5', x, {filters: 256, kernel: 3, bias: true}));
  net.fc('fc6', volume(x), 4096);
  net.fc('fc7', 4096, 4096);
  net.fc('fc8', 4096, 1000);
  return {
    name: 'alexnet',
    title: 'AlexNet',
    description: 'image classification, 224 x 224; nearly all parameters in three fully connected layers',
    layers: net.layers,
    source: 'Krizhevsky 2014, arXiv 1404.5997; torchvision alexnet',
  };
}
