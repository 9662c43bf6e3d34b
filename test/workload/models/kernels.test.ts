// From layers to kernels: how the batch and the data type scale them.

import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {InputError} from '../../../src/scheduler/errors.ts';
import {bytesOf, flopsOf, type DataType, type Gemm, type Kernel} from '../../../src/scheduler/kernel.ts';
import {kernelsOf} from '../../../src/workload/models/kernels.ts';
import type {Model} from '../../../src/workload/models/layer.ts';
import {activationBytes, describeModel, macsOf, weightBytes} from '../../../src/workload/models/size.ts';
import {models} from '../../../src/workload/models/zoo.ts';

const anyModel = fc.constantFrom(...models.values());
const anyBatch = fc.integer({min: 1, max: 512});
const anyType = fc.constantFrom<DataType>('fp32', 'tf32', 'fp16', 'bf16');

const run = (model: Model, batch: number, dtype: DataType = 'fp32', elementwise = true): Kernel[] =>
  kernelsOf(model, {batch, dtype, elementwise});
const isGemmKernel = (kernel: Kernel): kernel is Gemm => kernel.op === 'gemm';
const flops = (kernels: Kernel[]): number => kernels.reduce((sum, kernel) => sum + flopsOf(kernel), 0);
const bytes = (kernels: Kernel[]): number =>
  kernels.reduce((sum, kernel) => sum + (kernel.op === 'elementwise' ? kernel.bytes : 0), 0);

describe('kernelsOf', () => {
  test.prop([anyModel, anyBatch, anyType])(
    'grows n or count with the batch, and nothing else',
    (model, batch, dtype) => {
      const one = run(model, 1, dtype).filter(isGemmKernel);
      const many = run(model, batch, dtype).filter(isGemmKernel);
      for (const [i, {m, n, k, count}] of many.entries()) {
        expect([m, k, n * count]).toEqual([one[i].m, one[i].k, one[i].n * one[i].count * batch]);
        expect(n === one[i].n || count === one[i].count).toBe(true);
      }
    },
  );

  test.prop([anyModel, anyBatch])('does arithmetic in proportion to the batch', (model, batch) => {
    expect(flops(run(model, batch))).toBe(batch * flops(run(model, 1)));
    expect(macsOf(model, batch)).toBe(flops(run(model, batch)) / 2);
  });

  test.prop([anyModel, anyBatch, anyType])(
    'moves element-wise bytes in proportion to the batch',
    (model, batch, dtype) => {
      const perInput = model.layers.reduce(
        (sum, {kind, elements}) => sum + (kind === 'elementwise' ? elements : 0),
        0,
      );
      expect(bytes(run(model, batch, dtype))).toBe(batch * perInput * bytesOf[dtype]);
      expect(describeModel(model, batch, dtype).elementwiseBytes).toBe(batch * perInput * bytesOf[dtype]);
    },
  );

  test.prop([anyModel, anyBatch, anyType])(
    'without element-wise layers, keeps the GEMMs in order',
    (model, batch, dtype) => {
      expect(run(model, batch, dtype, false)).toEqual(run(model, batch, dtype).filter(isGemmKernel));
      expect(run(model, batch, dtype)).toHaveLength(model.layers.length);
    },
  );

  test('multiplies a head count by the batch, and the tokens of a projection', () => {
    const [query, , , scores] = run(models.get('bert-base-128')!, 8, 'fp16', false);
    expect(query).toEqual({op: 'gemm', m: 768, n: 1024, k: 768, count: 1, dtype: 'fp16'});
    expect(scores).toEqual({op: 'gemm', m: 128, n: 128, k: 64, count: 96, dtype: 'fp16'});
  });

  test.each([0, -1, 1.5, NaN, Infinity])('rejects a batch of %d', (batch) => {
    const message = `invalid batch: ${batch} (expected a whole number of at least 1)`;
    for (const model of models.values()) {
      expect(() => run(model, batch)).toThrow(new InputError(message));
      expect(() => activationBytes(model, batch, 'fp32')).toThrow(new InputError(message));
    }
  });
});

describe('memory', () => {
  test.prop([anyModel, anyBatch, anyType])(
    'activations grow with the batch, weights do not',
    (model, batch, dtype) => {
      expect(activationBytes(model, batch, dtype)).toBe(batch * activationBytes(model, 1, dtype));
      expect(describeModel(model, batch, dtype).weightBytes).toBe(weightBytes(model, dtype));
    },
  );

  test.prop([anyModel, anyBatch])('half the bytes an element take half the memory', (model, batch) => {
    expect(2 * weightBytes(model, 'fp16')).toBe(weightBytes(model, 'fp32'));
    expect(2 * activationBytes(model, batch, 'bf16')).toBe(activationBytes(model, batch, 'tf32'));
  });

  test("vgg-16 needs the two maps of 64 channels at full size: its second convolution's input and output", () => {
    expect(activationBytes(models.get('vgg-16')!, 1, 'fp32')).toBe(2 * 64 * 224 * 224 * 4);
  });

  test('resnet-50 needs the three maps of a residual add in its first stage', () => {
    expect(activationBytes(models.get('resnet-50')!, 1, 'fp32')).toBe(3 * 256 * 56 * 56 * 4);
  });
});
