// The V100 profile against published measurements: both those it was fitted on and those that it has not seen.
import {existsSync, readFileSync} from 'node:fs';
import {gunzipSync} from 'node:zlib';
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {checkProfile} from '../../src/profile/checkProfile.ts';
import {shapeHash} from '../../src/profile/fitProfile.ts';
import {readDeepbench, readGemmTable, readNeusight} from '../../src/profile/readMeasurements.ts';

const folder = new URL('../../../shared/data/profiles/', import.meta.url);
const read = (file: string): string => {
  const url = new URL(file, folder);
  return existsSync(url)
    ? readFileSync(url, 'utf8')
    : gunzipSync(readFileSync(new URL(`${file}.gz`, folder))).toString();
};

describe.skipIf(!existsSync(folder))(
  'V100 FP32 GEMM (needs the published measurements in ../shared/data/profiles)',
  () => {
    const profile = readProfile('v100');
    const expectWithin = (errors: {median: number; p90: number; bias: number}): void => {
      expect(errors.median).toBeLessThanOrEqual(0.08);
      expect(errors.p90).toBeLessThanOrEqual(0.25);
      expect(Math.abs(errors.bias)).toBeLessThanOrEqual(0.03);
    };

    test('shapes that the fit did not see: median <= 8 %, p90 <= 25 %, bias within 3 %, single and batched', () => {
      const rows = readGemmTable(read('v100_gemm_fp32.csv')).filter(
        (row) => row.source === 'neusight' && shapeHash(row) < 0.2,
      );
      const {bySource} = checkProfile(profile, rows);
      expect(bySource.map(({group}) => group)).toEqual(['neusight batched', 'neusight single']);
      for (const errors of bySource) expectWithin(errors);
    });

    test('layers of models that are not in the table of the fit: within the same bounds, bias too', () => {
      const seen = new Set(
        readGemmTable(read('v100_gemm_fp32.csv')).map(({batch, m, n, k}) => [batch, m, n, k].join()),
      );
      const host = {
        gpu: 'Tesla V100-PCIE-32GB',
        source: 'neusight-models',
        bmm: {offsetNs: 36_000, floorNs: 0},
        linear: {offsetNs: 54_000, floorNs: 0},
      };
      const rows = ['bmm', 'linear']
        .flatMap((op) => readNeusight(read(`neusight/test_${op}__all_gpus.csv`), host))
        .filter(({batch, m, n, k}) => !seen.has([batch, m, n, k].join()));
      expect(rows.length).toBeGreaterThan(100);
      const {bySource} = checkProfile(profile, rows);
      expect(bySource.map(({group}) => group)).toEqual(['neusight-models batched', 'neusight-models single']);
      for (const errors of bySource) expectWithin(errors);
    });

    test('another laboratory, board and library, none of it in the fit: within the same bounds', () => {
      const rows = readDeepbench(read('deepbench/train_V100__Results_FP32__Dense_Matrix_Multiplication.csv'));
      expect(rows.length).toBeGreaterThan(100);
      expectWithin(checkProfile(profile, rows).overall);
    });
  },
);

describe('the errors that the V100 profile states of what its fit did not see', () => {
  const residuals = Object.entries(readProfile('v100').gemm.fp32!.residuals!).filter(
    ([part]) => !part.startsWith('train'),
  );

  test.for(residuals)('%s: median <= 8 %, p90 <= 25 %', ([, {median, p90}]) => {
    expect(median).toBeLessThanOrEqual(0.08);
    expect(p90).toBeLessThanOrEqual(0.25);
  });

  // 23 rows of nine products, of which those whose k is the sequence come out too slow: see calibration/README.md.
  const isKnown = ([part]: (typeof residuals)[number]): boolean => part === 'test neusight layers batched';
  test.for(residuals.filter((part) => !isKnown(part)))('%s: bias within 3 %', ([, {bias}]) => {
    expect(Math.abs(bias)).toBeLessThanOrEqual(0.03);
  });
  test.for(residuals.filter(isKnown))('%s: bias within 3.5 %', ([, {bias}]) => {
    expect(Math.abs(bias)).toBeLessThanOrEqual(0.035);
  });
});
