// The check of a profile against measurements, and the readers of published tables.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {checkProfile} from '../../src/profile/checkProfile.ts';
import {gemmModelOf} from '../../src/profile/gemmModel.ts';
import type {Measurement} from '../../src/profile/measurement.ts';
import {
  readDeepbench,
  readGemmTable,
  readNeusight,
  readVidur,
  tileOf,
} from '../../src/profile/readMeasurements.ts';
import {showProfile} from '../../src/profile/showProfile.ts';

const profile = readProfile('v100');
const model = gemmModelOf(profile, 'fp32');
/** A launch that took `factor` times what is predicted. */
const row = (source: string, batch: number, factor: number, isUpperBound = false): Measurement => {
  const shape = {batch, m: 256, n: 128, k: 1152};
  return {
    source,
    kind: 'x',
    method: 'strided',
    dtype: 'fp32',
    ...shape,
    ns: model.stridedNs(shape) * factor,
    isUpperBound,
  };
};

describe('checkProfile', () => {
  const rows = [
    row('one', 2, 1),
    row('one', 20, 0.8),
    row('two', 100, 1.25),
    row('two', 3, 0.5, true),
    row('two', 4, 2, true),
  ];
  const check = checkProfile(profile, [...rows, {...row('one', 1, 1), dtype: 'bf16'}]);

  test('gives errors by source, with their sign', () => {
    expect(check.bySource.map(({group, rows, bias}) => [group, rows, bias])).toEqual([
      ['one batched', 2, 0.125],
      ['two batched', 1, -0.2],
    ]);
    expect(check.overall.rows).toBe(3);
  });

  test('gives errors by region, each measurement in one group of a kind', () => {
    const batches = check.byRegion.filter(({group}) => group.startsWith('batch '));
    expect(batches.reduce((sum, {rows}) => sum + rows, 0)).toBe(3);
  });

  test('lists the worst first, a factor of 0.8 as bad as one of 1.25', () => {
    expect(check.worst.map(({measurement}) => measurement.batch)[2]).toBe(2);
    expect(Math.abs(check.worst[0].error)).toBeGreaterThan(0.19);
  });

  test('counts upper bounds apart, and how many are exceeded', () => {
    expect(check.upperBounds).toEqual({rows: 2, exceeded: 1});
  });

  test('skips data types that the profile does not hold', () => {
    expect(check.skipped).toBe(1);
  });

  test('predicts a source at the clock at which it measured', () => {
    const slow = {...profile, sources: {...profile.sources, one: {title: 'x', licence: 'x', clock_mhz: 690}}};
    const [at] = checkProfile(slow, [row('one', 400, 1)]).comparisons;
    expect(at.error).toBeGreaterThan(0.5);
  });

  test('predicts of a source what it shows: the kernel and the host’s part in its times', () => {
    const one = {title: 'x', licence: 'x', host_ns: {batched: -5000}};
    const shown = {...profile, sources: {...profile.sources, one}};
    const measured = row('one', 400, 1);
    const [kernel] = checkProfile(profile, [measured]).comparisons;
    const [at] = checkProfile(shown, [measured]).comparisons;
    expect(at.predictedNs).toBeCloseTo(kernel.predictedNs - 5000, 6);
    expect(checkProfile(shown, [row('two', 400, 1)]).comparisons[0].error).toBeCloseTo(0, 6);
  });

  test('predicts no time below that of the shortest launches, however much was taken off', () => {
    const one = {title: 'x', licence: 'x', host_ns: {batched: -1e9}};
    const shown = {...profile, sources: {...profile.sources, one}};
    expect(checkProfile(shown, [row('one', 400, 1)]).comparisons[0].predictedNs).toBeGreaterThan(1000);
  });
});

test('showProfile places every product below its roofline and names what is assumed', () => {
  const view = showProfile(profile);
  const [{points, peakTflops, dramGBs, ridge}] = view.rooflines;
  expect(ridge).toBeCloseTo((1000 * peakTflops!) / dramGBs);
  for (const {tflops} of points) expect(tflops).toBeLessThan(peakTflops! * 1.02);
  expect(view.assumptions).toContain('host.decide_ns');
  // The fit has seen no product of one column.
  for (const {kernel, isExtrapolated} of points) expect(isExtrapolated).toBe(kernel.n === 1);
  expect(view.facts.find(({name}) => name === 'sms')?.value).toBe(80);
  expect(view.residuals.map(({group}) => group)).toContain('fp32 test neusight single');
});

describe('readers', () => {
  test('a kernel’s name and grid give its tile and split', () => {
    const linear = {batch: 1, m: 324, n: 17_243};
    expect(tileOf('volta_sgemm_128x64_tn', 2430, linear)).toEqual({tile: '128x64', splits: 3});
    expect(tileOf('volta_sgemm_32x32_sliced1x4_nn', 6, {batch: 2, m: 32, n: 90})).toEqual({
      tile: '32x32_sliced1x4',
      splits: 1,
    });
    const hopper = 'sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize128x32x8_stage3';
    expect(tileOf(hopper, 40, {batch: 10, m: 256, n: 64})).toEqual({tile: 'xmma_128x32', splits: 1});
    expect(tileOf('gemv2T', 1, linear)).toBeUndefined();
  });

  test('the merged table, with upper bounds marked', () => {
    const [one, two, three] = readGemmTable(
      [
        'source,kind,batch,m,n,k,time_us,floor_limited,blocks,gflop,tflops',
        'neusight,torch_bmm:volta_sgemm_64x64_nn,863,245,826,126,4512.619,0,44876.0,1,1',
        'neusight,torch_bmm:volta_sgemm_64x64_nn,1,43,32,6,3.331,1,1.0,1,1',
        'deepbench,cublas_NN,1,1760,16,1760,38.0,,,0.1,2.6',
      ].join('\n'),
    );
    expect(one).toMatchObject({
      method: 'strided',
      batch: 863,
      ns: 4_512_619,
      isUpperBound: false,
      tile: '64x64',
    });
    expect(two.isUpperBound).toBe(true);
    expect(three).toMatchObject({method: 'single', source: 'deepbench', isUpperBound: false});
  });

  test('NeuSight: one GPU’s rows, less the host’s time', () => {
    const text = [
      'gpu,op,batch,gemm_m,gemm_n,gemm_k,latency_ms,kernel,grid,block,blocks_per_sm',
      'Tesla T4,bmm,13,27,29,15,0.035467,volta_sgemm_64x64_nn,1x1x13,64,0.3',
      'Tesla T4,linear,1,1024,512,256,0.5,volta_sgemm_128x64_tn,4x16x2,128,1',
      'Tesla P4,linear,1,1024,512,256,0.5,x,4x16x2,128,1',
    ].join('\n');
    const rows = readNeusight(text, {
      gpu: 'Tesla T4',
      bmm: {offsetNs: 30_000, floorNs: 6000},
      linear: {offsetNs: 48_000, floorNs: 6000},
    });
    expect(rows.map(({ns, isUpperBound, splits}) => [Math.round(ns), isUpperBound, splits])).toEqual([
      [5467, true, 1],
      [452_000, false, 2],
    ]);
  });

  test('DeepBench is column-major: m and n change places', () => {
    expect(readDeepbench('header\n,DeepSpeech,1760,16,1760,N,N,,0.038,2.6\n,Other,1,2,3,T,N,,,')).toEqual([
      {
        source: 'deepbench',
        kind: 'cublas_NN',
        method: 'single',
        dtype: 'fp32',
        batch: 1,
        m: 16,
        n: 1760,
        k: 1760,
        ns: 38_000,
      },
    ]);
  });

  test('Vidur: FP16 rows of one GPU', () => {
    const text =
      'gpu,model,tp,gemm,m,n,k,median_ms,tflops\na100,x,1,mlp,1,2,3,0.5,1\nh100,x,1,mlp,1,2,3,0.5,1';
    expect(readVidur(text, 'a100')).toMatchObject([{dtype: 'fp16', m: 1, n: 2, k: 3, ns: 500_000}]);
  });

  test('a fault is told with row and column', () => {
    expect(() => readGemmTable('source,kind,batch,m,n,k,time_us\na,b,1,x,1,1,5')).toThrow(
      'row 2: invalid m: x (expected a number above 0)',
    );
  });
});
