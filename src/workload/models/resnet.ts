import {LayerList, type FeatureMap} from './layerList.ts';
import type {Model} from './layer.ts';

/** Blocks of each of the four stages, He et al. 2016, table 1. */
const blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]};

/** ResNet on square images of `size` pixels; the stride of a bottleneck is in its 3 x 3 convolution (v1.5). */
export function resnet(depth: keyof typeof blocks, size = 224): Model {
  const net = new LayerList();
  const block = depth < 50 ? basicBlock : bottleneck;
  let x = net.conv('conv1', {channels: 3, size}, {filters: 64, kernel: 7, stride: 2, norm: true});
  x = net.pool('maxpool', x, {kernel: 3, stride: 2, pad: 1});
  for (const [stage, count] of blocks[depth].entries()) {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      x = block(net, `layer${stage + 1}.${i}`, x, 64 * 2 ** stage, stride);
    }
  }
  net.globalPool('avgpool', x);
  net.fc('fc', x.channels, 1000);
  return {
    name: `resnet-${depth}`,
    title: `ResNet-${depth}`,
    description: `image classification, ${size} x ${size}; ${depth < 50 ? 'basic' : 'bottleneck'} residual blocks`,
    layers: net.layers,
    source: `He et al. 2016, arXiv 1512.03385; torchvision resnet${depth}`,
  };
}

function basicBlock(
  net: LayerList,
  name: string,
  input: FeatureMap,
  filters: number,
  stride: number,
): FeatureMap {
  let x = net.conv(`${name}.conv1`, input, {filters, kernel: 3, stride, norm: true});
  x = net.conv(`${name}.conv2`, x, {filters, kernel: 3, norm: true});
  return join(net, name, input, x);
}

function bottleneck(
  net: LayerList,
  name: string,
  input: FeatureMap,
  filters: number,
  stride: number,
): FeatureMap {
  let x = net.conv(`${name}.conv1`, input, {filters, norm: true});
  x = net.conv(`${name}.conv2`, x, {filters, kernel: 3, stride, norm: true});
  x = net.conv(`${name}.conv3`, x, {filters: 4 * filters, norm: true});
  return join(net, name, input, x);
}

/** Adds the block's input to its output, projected where their shapes differ. */
function join(net: LayerList, name: string, input: FeatureMap, output: FeatureMap): FeatureMap {
  if (input.channels !== output.channels || input.size !== output.size) {
    const stride = input.size / output.size;
    net.conv(`${name}.downsample`, input, {filters: output.channels, stride, norm: true});
  }
  net.add(`${name}.add`, output);
  return output;
}
