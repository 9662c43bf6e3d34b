// How libraries are found: each case in a process of its own, since a library once open stays open.

import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {join, resolve} from 'node:path';

import {describe, expect, test} from 'vitest';

import {addonFile, folder, unavailable} from '../fake-cuda/standIn.ts';

const root = resolve(import.meta.dirname, '../..');
const compiled = join(root, 'dist/src/gpu/cuda.js');
const isCompiled =
  existsSync(compiled) && statSync(compiled).mtimeMs >= statSync(join(root, 'src/gpu/cuda.ts')).mtimeMs;

/** What an expression over the exports of cuda.ts gives in a new process. */
function evaluate(expression: string, env: Record<string, string> = {}): unknown {
  const script = `import * as cuda from ${JSON.stringify(compiled)}; console.log(JSON.stringify(${expression}));`;
  const options = {env: {PATH: process.env['PATH'] ?? '', ...env}, encoding: 'utf8'} as const;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], options));
}

const found = {LD_LIBRARY_PATH: folder};

/** Why there is no device to use when cuBLAS is missing: names the newest that was looked for. */
const tried = (env: Record<string, string>) =>
  evaluate('cuda.probe().reason', {...found, SUPERKERNEL_CUBLAS: '/absent', ...env});

/** Values of every data type as `fill` draws them. */
const filled = (nvrtc: string) => `(() => {
  const context = cuda.openContext({nvrtc: ${JSON.stringify(nvrtc)}});
  const address = context.alloc(40000);
  return [0, 1, 2, 3].map((dtype) => {
    const values = new Uint8Array(dtype < 2 ? 40000 : 20000);
    context.fill(address, 10000, dtype, 12345);
    context.download(address, values);
    return Buffer.from(values).toString('base64');
  });
})()`;

describe.skipIf(unavailable || !isCompiled)('probe (skipped where "npm run build" has not been run)', () => {
  test('gives the reason where there is no driver', () => {
    expect(evaluate("cuda.probe({driver: 'libcuda-absent.so.1'})")).toMatchObject({
      driver: null,
      devices: [],
      reason: expect.stringMatching(
        /^CUDA driver not found \(libcuda-absent\.so\.1: cannot open shared object file/,
      ),
    });
  });

  test('finds libraries by their names on the search path', () => {
    expect(evaluate('cuda.probe()', found)).toMatchObject({
      driver: {path: 'libcuda.so.1', version: '12.8'},
      cublas: {path: 'libcublas.so.12', version: '12.8.0'},
      nvrtc: {path: 'libnvrtc.so.12', version: '12.8'},
      nvml: {path: 'libnvidia-ml.so.1'},
      devices: [{name: 'Stand-in GPU 0', multiprocessors: 4, computeMajor: 9, memoryBytes: 2 ** 30}],
      reason: null,
    });
  });

  test('takes cuBLAS from where it is told, a file or a folder, and nowhere else', () => {
    const older = join(folder, 'cublas-11');
    const file = join(older, 'libcublas.so.11');
    const path = 'cuda.probe().cublas?.path';
    expect(evaluate(path, {...found, SUPERKERNEL_CUBLAS: file})).toBe(file);
    expect(evaluate(path, {...found, SUPERKERNEL_CUBLAS: older})).toBe(file);
    expect(evaluate(`cuda.probe({cublas: ${JSON.stringify(older)}}).cublas.path`, found)).toBe(file);
    expect(evaluate('cuda.probe()', {...found, SUPERKERNEL_CUBLAS: '/absent'})).toMatchObject({
      cublas: null,
      reason: expect.stringMatching(
        /^cuBLAS not found \(\/absent\/libcublas\.so\.12: .*\); name it with SUPERKERNEL_CUBLAS$/,
      ),
    });
  });

  test('looks for no cuBLAS newer than the driver, nor for CUDA 13 on a V100', () => {
    expect(tried({FAKE_CUDA_VERSION: '13000'})).toContain('libcublas.so.13');
    expect(tried({FAKE_CUDA_VERSION: '13000', FAKE_CUDA_COMPUTE: '70'})).toContain('libcublas.so.12');
    expect(tried({FAKE_CUDA_VERSION: '11080'})).toContain('libcublas.so.11');
  });

  test('a context on an older cuBLAS has no grouped launches, and says what they need', () => {
    const expression = `(() => {
      const context = cuda.openContext({cublas: ${JSON.stringify(join(folder, 'cublas-11'))}});
      try { context.submitGrouped(0, 1, 0, 1); } catch (error) { return [context.grouped, error.status, error.message]; }
    })()`;
    expect(evaluate(expression, found)).toEqual([
      'none',
      'UNSUPPORTED',
      'missing cublasGemmGroupedBatchedEx (grouped launches need cuBLAS 12.5 or later)',
    ]);
  });

  test('fill draws the same values with and without NVRTC', () => {
    expect(evaluate(filled('/absent'), found)).toEqual(evaluate(filled(folder), found));
  });

  test('reads the state of a device by NVML, NaN where it does not tell', () => {
    const state = evaluate('cuda.deviceState(cuda.probe().devices[0])', found);
    expect(state).toEqual({
      driverVersion: '570.00',
      smClockMHz: 1980,
      memoryClockMHz: 2619,
      powerWatts: 123.456,
      temperatureCelsius: null, // JSON's NaN
      throttleReasons: 4,
    });
    const refused = {...found, FAKE_CUDA_FAIL: 'nvmlInit_v2=9@1'};
    expect(evaluate('cuda.deviceState(cuda.probe().devices[0])', refused)).toBeNull();
  });

  test('a context that is dropped, or left open at exit, does no harm', () => {
    const script = `
      const addon = require(${JSON.stringify(addonFile)});
      for (const [kind, name] of ['libcuda.so.1', 'libcublas.so.12'].entries()) addon.open(kind, [name]);
      const options = {lanes: 2, workspaceBytes: 1024, maxMembers: 4, ringSlots: 2, ownContext: true,
        priorities: new Int32Array(), timing: 0, memsetFlags: false, mappedPointers: false};
      let context = new addon.Context(0, options);
      context.alloc(1000);
      let flags = context.flags;
      context = null;
      setImmediate(() => {
        gc();
        setImmediate(() => {
          if (flags[0] !== 0) throw new Error('the flags went with the context');
          flags = null;
          gc();
          setImmediate(() => { globalThis.left = new addon.Context(0, options); });
        });
      });`;
    const report = join(folder, 'dropped.json');
    const env = {...found, PATH: process.env['PATH'] ?? '', FAKE_CUDA_REPORT: report};
    execFileSync(process.execPath, ['--expose-gc', '--eval', script], {env, stdio: 'pipe'});
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({
      memory: 0,
      pinned: 0,
      streams: 0,
      handles: 0,
    });
  });
});
