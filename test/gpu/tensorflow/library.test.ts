// TensorFlow.js where it is there, and above all where it is not: one sentence says why, and what to do.
import {describe, expect, test} from 'vitest';
import {loadTensorFlow, tensorFlowStatus} from '../../../src/gpu/tensorflow/library.ts';
import {NoDeviceError} from '../../../src/scheduler/errors.ts';
import {StubTensorFlow} from './stub.ts';

const failing = (message: string, code?: string) => () =>
  Promise.reject(Object.assign(new Error(message), code === undefined ? {} : {code}));
const notInstalled = failing(
  "Cannot find package '@tensorflow/tfjs-node-gpu' imported from /x.js",
  'ERR_MODULE_NOT_FOUND',
);
const noBinding = failing('The Node.js native addon module (tfjs_binding.node) can not be found at path: /x');
const noCuda = failing('libcudart.so.11.0: cannot open shared object file\nmore');
const stub = new StubTensorFlow({dispatchNs: 1, deviceNs: () => 1, readNs: 1});

describe('loadTensorFlow', () => {
  test.each([
    [
      'is not installed',
      notInstalled,
      /^cannot load @tensorflow\/tfjs-node-gpu: it is not installed; get it with "npm install @tensorflow\/tfjs-node-gpu"$/,
    ],
    [
      'has no native library',
      noBinding,
      /: its native library is not there, .*npm rebuild @tensorflow\/tfjs-node-gpu/,
    ],
    [
      'lacks CUDA',
      noCuda,
      /: libcudart\.so\.11\.0: cannot open shared object file; its libtensorflow 2\.9\.1 needs .*CUDA 11\.2/,
    ],
  ])('says in one line how to get a library that %s', async (_, load, message) => {
    const error = await loadTensorFlow('gpu', load).catch((thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(NoDeviceError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });

  test('refuses one that runs on the CPU in place of the GPU', async () => {
    const onCpu = Object.assign(new StubTensorFlow({dispatchNs: 1, deviceNs: () => 1, readNs: 1}), {
      backend: () => ({isUsingGpuDevice: false}),
    });
    await expect(loadTensorFlow('gpu', () => Promise.resolve(onCpu))).rejects.toThrow(
      /^@tensorflow\/tfjs-node-gpu finds no GPU: /,
    );
  });

  test('takes the library from a module’s default export too', async () => {
    const {tf} = await loadTensorFlow('gpu', () => Promise.resolve({default: stub}));
    expect(tf).toBe(stub);
  });
});

describe('tensorFlowStatus', () => {
  test('never throws, and has a remedy for what it finds', async () => {
    expect(await tensorFlowStatus(notInstalled)).toMatchObject({reason: 'it is not installed'});
    const {reason, remedy} = await tensorFlowStatus(noBinding);
    expect(reason).toContain('native library is not there');
    expect(remedy).toContain('npm rebuild');
    expect(await tensorFlowStatus(() => Promise.resolve(stub))).toMatchObject({reason: null, remedy: ''});
  });
});
