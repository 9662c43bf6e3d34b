// The life of a context: what it frees, what it refuses, and how failures of CUDA reach JavaScript.

import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {afterAll, afterEach, describe, expect, test} from 'vitest';

import {type ContextOptions, CudaError, DeviceLostError, OutOfMemoryError} from '../../src/gpu/cuda.ts';
import {InputError, NoDeviceError} from '../../src/scheduler/errors.ts';
import {destroyAll, openStandIn, unavailable, waitFor, withFaults} from '../fake-cuda/standIn.ts';
import {error, makeMember, place} from './products.ts';

const shape = {m: 4, n: 3, k: 5, count: 1};

/** What `body` throws. */
function thrown(body: () => unknown): Error {
  try {
    body();
  } catch (problem) {
    if (problem instanceof Error) return problem;
    throw problem;
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(unavailable)('a context', () => {
  afterEach(destroyAll);
  const scratch = mkdtempSync(join(tmpdir(), 'superkernel-'));
  const report = join(scratch, 'live.json');
  afterAll(() => rmSync(scratch, {recursive: true}));

  /** Live resources of the stand-in when the last context ended. */
  const live = (): Record<string, number> => JSON.parse(readFileSync(report, 'utf8'));
  const none = {memory: 0, pinned: 0, streams: 0, events: 0, modules: 0, graphs: 0, handles: 0};

  test.for(['primary', 'own'] as const)(
    'frees everything on destroy, and has nothing more to say (%s)',
    (context) => {
      withFaults({REPORT: report}, () => {
        const opened = openStandIn({context, timing: 'events'});
        const member = makeMember(opened, shape, 'fp32', 1);
        place(opened, [member]);
        opened.captureBegin(0, 2);
        opened.submitBatched(0, 0, 0, 4, 3, 5, 1, 1);
        opened.captureEnd(0);
        opened.submitBatched(1, 1, 0, 4, 3, 5, 1, 1);
        opened.destroy();
        expect(live()).toEqual(none);
        opened.destroy();
        expect(opened.flags).toHaveLength(0);
        expect(opened.timings).toHaveLength(0);
        expect(() => opened.alloc(4)).toThrow('the context has been destroyed');
      });
    },
  );

  test('waits for the device before it frees', () => {
    withFaults({KERNEL_US: '20000'}, () => {
      const opened = openStandIn();
      const {a, b, c} = makeMember(opened, shape, 'fp32', 1);
      for (let t = 1; t <= 3; t++) opened.submitGemm(0, t, 0, 4, 3, 5, a, b, c);
      opened.destroy(); // a product after the free would touch foreign memory and end this process
    });
  });

  test('waits for its own lanes alone, and ends, while another on the same device records', () => {
    withFaults({REPORT: report}, () => {
      const [recording, waiting] = [openStandIn(), openStandIn()];
      const member = makeMember(recording, shape, 'fp32', 1);
      place(recording, [member]);
      recording.captureBegin(0, 1);
      waiting.synchronize();
      expect(thrown(() => recording.synchronize())).toMatchObject({
        code: 'CUDA',
        call: 'cuStreamSynchronize',
      });
      waiting.destroy();
      recording.submitBatched(0, 0, 0, 4, 3, 5, 1, 1);
      recording.launchGraph(0, 1, recording.captureEnd(0));
      waitFor(recording, 0, 1);
      expect(error(recording, member, 'fp32')).toBeLessThanOrEqual(1);
      recording.destroy();
      expect(live()).toEqual(none);
    });
  });

  // Every call of opening, each at its first and a later time.
  test.for([
    'cuDevicePrimaryCtxRetain=2',
    'cuMemHostAlloc=2@1',
    'cuMemHostAlloc=2@4',
    'cuMemHostGetDevicePointer_v2=1@2',
    'cuStreamCreateWithPriority=2@2',
    'cublasCreate_v2=3@1',
    'cublasCreate_v2=3@2',
    'cuMemAlloc_v2=2@3',
    'cuEventCreate=2@9',
    'cuEventRecord=1@1',
  ])('frees what it has when opening fails at %s', (fault) => {
    const [call, status] = fault.split(/[=@]/);
    const problem = withFaults({FAIL: fault}, () => thrown(() => openStandIn({timing: 'events'})));
    expect(problem).toBeInstanceOf(status === '1' ? CudaError : OutOfMemoryError);
    expect(problem).toMatchObject({call: call.replace('_v2', '')});
    withFaults({REPORT: report}, () => openStandIn().destroy());
    expect(live()).toEqual(none);
  });

  test('reports a failed launch with its call and code, and stays usable', () => {
    const opened = openStandIn();
    const member = makeMember(opened, shape, 'fp32', 1);
    const submit = (ticket: number) => opened.submitGemm(0, ticket, 0, 4, 3, 5, member.a, member.b, member.c);
    const problem = withFaults({FAIL: 'cublasGemmEx=15@2'}, () => {
      submit(1);
      return thrown(() => submit(2));
    });
    expect(problem).toBeInstanceOf(CudaError);
    expect(problem).toMatchObject({
      name: 'CudaError',
      code: 'CUDA',
      call: 'cublasGemmEx',
      status: 'CUBLAS_STATUS_NOT_SUPPORTED',
    });
    expect(problem.message).toBe(
      'cublasGemmEx failed: CUBLAS_STATUS_NOT_SUPPORTED (a fault of the stand-in)',
    );
    submit(3);
    waitFor(opened, 0, 3);
    expect(error(opened, member, 'fp32')).toBeLessThanOrEqual(1);
  });

  test('runs out of memory with an error of its own, and stays usable', () => {
    const opened = openStandIn();
    const free = opened.memoryInfo().free;
    const problem = thrown(() => opened.alloc(2 ** 31));
    expect(problem).toBeInstanceOf(OutOfMemoryError);
    expect(problem).toMatchObject({
      code: 'OUT_OF_MEMORY',
      call: 'cuMemAlloc',
      status: 'CUDA_ERROR_OUT_OF_MEMORY',
    });
    const address = opened.alloc(1000);
    expect(opened.memoryInfo().free).toBe(free - 1000);
    opened.free(address);
    expect(opened.memoryInfo().free).toBe(free);
    expect(() => opened.free(address)).toThrow(`invalid address to free: ${address}`);
  });

  test('a kernel that breaks the device leaves its flag unwritten, and query says why', () => {
    const opened = openStandIn();
    const {a, b, c} = makeMember(opened, shape, 'fp32', 1);
    // Slow enough for all to be submitted before the device breaks: later calls would fail at once.
    withFaults({LOSE: '2', KERNEL_US: '5000'}, () => {
      for (let t = 1; t <= 3; t++) opened.submitGemm(1, t, 0, 4, 3, 5, a, b, c);
    });
    waitFor(opened, 1, 1);
    const problem = thrown(() => waitFor(opened, 1, 2));
    expect(problem).toBeInstanceOf(DeviceLostError);
    expect(problem).toMatchObject({
      code: 'DEVICE_LOST',
      call: 'cuStreamQuery',
      status: 'CUDA_ERROR_ILLEGAL_ADDRESS',
    });
    expect(opened.flags[1]).toBe(1);
    expect(() => opened.synchronize()).toThrow(DeviceLostError);
    opened.destroy();
    openStandIn().destroy();
  });

  test('an operand outside its allocation breaks the device', () => {
    const opened = openStandIn();
    const {a, b, c} = makeMember(opened, shape, 'fp32', 1);
    const runBeyond = () => {
      opened.submitGemm(0, 1, 0, 5, 3, 5, a, b, c);
      opened.synchronize(0);
    };
    expect(runBeyond).toThrow(DeviceLostError);
  });

  test('a pointer slot is not used again before its launch has completed', () => {
    const opened = openStandIn({ringSlots: 3});
    const members = Array.from({length: 12}, (_, i) => makeMember(opened, shape, 'fp32', i));
    const submit = (i: number) => {
      place(opened, members.slice(2 * i, 2 * i + 2));
      opened.submitBatched(0, i + 1, 0, 4, 3, 5, 1, 2);
    };
    withFaults({KERNEL_US: '15000'}, () => {
      for (let i = 0; i < 3; i++) submit(i);
      expect(thrown(() => submit(3))).toMatchObject({name: 'CudaError', status: 'RING_FULL'});
      expect(() => submit(3)).toThrow('pointer ring is full: 3 launches of the lane have not completed');
      for (let i = 3; i < 6; i++) {
        waitFor(opened, 0, i - 2);
        submit(i);
      }
    });
    waitFor(opened, 0, 6);
    expect(Math.max(...members.map((member) => error(opened, member, 'fp32')))).toBeLessThanOrEqual(1);
  });

  test('slots taken with ticket 0 stay taken until the launch is finished', () => {
    const opened = openStandIn({ringSlots: 2});
    const member = makeMember(opened, shape, 'fp32', 1);
    place(opened, [member]);
    const submit = () => opened.submitBatched(0, 0, 0, 4, 3, 5, 1, 1);
    submit();
    submit();
    opened.synchronize();
    expect(submit).toThrow('pointer ring is full');
    opened.finish(0, 1);
    waitFor(opened, 0, 1);
    submit();
  });

  test('tickets may wrap around', () => {
    const opened = openStandIn({ringSlots: 2});
    place(opened, [makeMember(opened, shape, 'fp32', 1)]);
    for (const ticket of [2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), 1 - 2 ** 31, 2 - 2 ** 31]) {
      opened.submitBatched(0, ticket, 0, 4, 3, 5, 1, 1);
      waitFor(opened, 0, ticket);
    }
  });

  test('refuses arguments that would reach beyond its memory', () => {
    const opened = openStandIn({lanes: 2, maxMembers: 4});
    expect(() => opened.submitGemm(2, 1, 0, 1, 1, 1, 0, 0, 0)).toThrow('invalid lane: 2 (expected 0 to 1)');
    expect(() => opened.submitGemm(-1, 1, 0, 1, 1, 1, 0, 0, 0)).toThrow('invalid lane: -1 (expected 0 to 1)');
    expect(() => opened.submitGemm(0, 1, 4, 1, 1, 1, 0, 0, 0)).toThrow(
      'invalid data type code: 4 (expected 0 to 3)',
    );
    expect(() => opened.submitBatched(0, 1, 0, 1, 1, 1, 2, 3)).toThrow('invalid size: 3 (expected 1 to 2)');
    expect(() => opened.submitSequence(0, 1, 0, 1, 1, 1, 1, 5)).toThrow('invalid size: 5 (expected 1 to 4)');
    opened.shapes.set([1, 1, 1, 3, 1, 1, 1, 2]);
    expect(() => opened.submitGrouped(0, 1, 0, 2)).toThrow('invalid members of a group: 2 (expected 1 to 1)');
    expect(() => opened.waitFlags(new Int32Array(1), 0)).toThrow('invalid length of the flags seen: 1');
    opened.captureBegin(0, 1);
    expect(() => opened.submitGemm(0, 1, 0, 1, 1, 1, 0, 0, 0)).toThrow(
      'a graph takes submits with ticket 0 only',
    );
    opened.captureEnd(0);
  });

  test.for<[ContextOptions, string]>([
    [{lanes: 0}, 'invalid lanes: 0 (expected a whole number from 1 to 1024)'],
    [{device: 1}, 'invalid device: 1 (expected a whole number from 0 to 0)'],
    [{maxMembers: 2.5}, 'invalid maxMembers: 2.5 (expected a whole number from 1 to 65536)'],
    [JSON.parse('{"timing": "rdtsc"}'), 'unknown timing: rdtsc (known: none, events, globaltimer)'],
  ])('refuses options %o', ([options, message]) => {
    expect(() => openStandIn(options)).toThrow(InputError);
    expect(() => openStandIn(options)).toThrow(message);
  });

  test('names the compiler and its log when a kernel of ours does not compile', () => {
    const problem = withFaults({COMPUTE: '89'}, () => thrown(() => openStandIn({timing: 'globaltimer'})));
    expect(problem).toMatchObject({call: 'nvrtcCompileProgram', status: 'NVRTC_ERROR_INVALID_OPTION'});
    expect(problem.message).toContain('the stand-in knows sm_90 alone');
  });

  test('says that there is no device where the driver finds none', () => {
    const problem = withFaults({DEVICES: '0'}, () => thrown(() => openStandIn()));
    expect(problem).toBeInstanceOf(NoDeviceError);
    expect(problem.message).toMatch(/^no GPU to use: cuInit failed: CUDA_ERROR_NO_DEVICE/);
  });
});
