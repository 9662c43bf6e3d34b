import {LayerList, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

/** Expansion, channels, repeats and first stride of the bottleneck groups, Sandler et al. 2018, table 2. */
const groups = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** MobileNetV2 of width 1.0 on 224 x 224 images. */
export function mobilenetV2(): Model {
  const net = new LayerList();
  let x = net.conv('conv0', {channels: 3, size: 224}, {filters: 32, kernel: 3, stride: 2, norm: true});
  let index = 0;
  for (const [expansion, filters, repeats, firstStride] of groups) {
    for (let i = 0; i < repeats; i++) {
      x = invertedResidual(net, `block${++index}`, x, filters, expansion, i === 0 ? firstStride : 1);
    }
  }
  x = net.conv('conv_last', x, {filters: 1280, norm: true});
  net.globalPool('avgpool', x);
  net.fc('fc', x.channels, 1000);
  return {
    name: 'mobilenet-v2',
    title: 'MobileNetV2',
    description: 'image classification, 224 x 224; depthwise convolutions, little arithmetic',
    layers: net.layers,
    source: 'Sandler et al. 2018, arXiv 1801.04381; torchvision mobilenet_v2',
  };
}

function invertedResidual(
  net: LayerList,
  name: string,
  input: FeatureMap,
  filters: number,
  expansion: number,
  stride: number,
): FeatureMap {
  let x = input;
  if (expansion > 1) x = net.conv(`${name}.expand`, x, {filters: expansion * x.channels, norm: true});
  const {channels} = x;
  x = net.conv(`${name}.dw`, x, {filters: channels, groups: channels, kernel: 3, stride, norm: true});
  x = net.conv(`${name}.project`, x, {filters, norm: true});
  if (stride === 1 && input.channels === filters) net.add(`${name}.add`, x);
  return x;
}
