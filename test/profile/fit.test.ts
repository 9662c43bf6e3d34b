// The fit: does it find constants that are known, and does it generalise.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {fitGemm} from '../../src/profile/fit.ts';
import {fitProfile, shapeHash} from '../../src/profile/fitProfile.ts';
import {factsOf, gemmModelOf} from '../../src/profile/gemmModel.ts';
import {leastSquares} from '../../src/profile/leastSquares.ts';
import type {Measurement} from '../../src/profile/measurement.ts';
import {checkProfile} from '../../src/profile/checkProfile.ts';

const unbounded = (n: number) => ({lower: Array(n).fill(-1e9), upper: Array(n).fill(1e9)});

describe('least squares', () => {
  test('finds the constants of an exponential', () => {
    const t = Array.from({length: 30}, (_, i) => i / 10);
    const y = t.map((t) => 3 * Math.exp(-0.7 * t));
    const {x, cost} = leastSquares(
      (x, out) => t.forEach((t, i) => (out[i] = x[0] * Math.exp(x[1] * t) - y[i])),
      [1, 0],
      t.length,
      {...unbounded(2), tolerance: 1e-12},
    );
    expect(x[0]).toBeCloseTo(3, 4);
    expect(x[1]).toBeCloseTo(-0.7, 4);
    expect(cost).toBeLessThan(1e-8);
  });

  test('an outlier moves a mean little', () => {
    const values = [1, 1.1, 0.9, 1, 1.05, 0.95, 100];
    const fit = (outlier: number): number =>
      leastSquares((x, out) => values.forEach((value, i) => (out[i] = x[0] - value)), [0], values.length, {
        ...unbounded(1),
        outlier,
        iterations: 200,
      }).x[0];
    expect(fit(0.1)).toBeLessThan(1.2);
    expect(fit(Infinity)).toBeGreaterThan(10);
  });

  test('stays within its bounds', () => {
    const {x} = leastSquares((x, out) => (out[0] = x[0] - 5), [0], 1, {lower: [-1], upper: [2]});
    expect(x[0]).toBe(2);
  });
});

test.prop([fc.integer({min: 1, max: 5000}), fc.integer({min: 1, max: 5000})])(
  'the hash that holds shapes back does not depend on who measured, how many products at once or how long it took',
  (m, n) => {
    const shape = {m, n, k: 64};
    const hash = shapeHash(shape);
    expect(hash).toBe(shapeHash({...shape, batch: 7, ns: 5, source: 'x'} as typeof shape));
    expect(hash).toBeGreaterThanOrEqual(0);
    expect(hash).toBeLessThan(1);
  },
);

test('the hash holds back the share of shapes that was asked for', () => {
  let held = 0;
  for (let i = 0; i < 10_000; i++) if (shapeHash({m: i, n: 2 * i, k: 64}) < 0.25) held++;
  expect(held / 10_000).toBeCloseTo(0.25, 1);
});

/** Launches as a device with the V100's constants would take them, with an error of a few per cent. */
function synthetic(): Measurement[] {
  const profile = readProfile('v100');
  const model = gemmModelOf(profile, 'fp32', profile.gemm.fp32!.clock_mhz);
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return Array.from({length: 400}, (_, i): Measurement => {
    const size = (most: number): number => Math.ceil(Math.exp(random() * Math.log(most)));
    const shape = {m: size(2000), n: size(2000), k: 16 + size(2000)};
    const isSingle = i % 2 === 0;
    const problem = {...shape, batch: isSingle ? 1 : size(300)};
    const ns = isSingle ? model.singleNs(problem) : model.stridedNs(problem);
    return {
      source: 'synthetic',
      kind: 'model',
      method: isSingle ? 'single' : 'strided',
      dtype: 'fp32',
      ...problem,
      ns: ns * (1 + 0.06 * (random() - 0.5)),
    };
  });
}

test('a fit from wrong constants predicts shapes that it has not seen', () => {
  const profile = readProfile('v100');
  const wrong = structuredClone(profile);
  for (const launch of [wrong.gemm.fp32!.single, wrong.gemm.fp32!.batched]) {
    launch.launch_ns *= 2;
    for (const tile of launch.tiles) {
      tile.step_ns *= 1.4;
      tile.dram_step_ns *= 0.8;
      tile.l2_step_ns *= 0.8;
    }
  }
  const rows = synthetic();
  const fitted = fitProfile(wrong, rows, {dtype: 'fp32', absoluteNs: 100});
  const before = fitProfileErrors(wrong, rows);
  const {residuals} = fitted.gemm.fp32!;
  expect(before).toBeGreaterThan(0.15);
  expect(residuals!['test synthetic single'].median).toBeLessThan(0.05);
  expect(residuals!['test synthetic batched'].median).toBeLessThan(0.05);
  expect(fitted.gemm.fp32!.region.m[1]).toBeLessThanOrEqual(2000);
});

test('no tile of a fit is faster than the arithmetic of the SM, whatever the measurements say', () => {
  const profile = readProfile('v100');
  const {clock_mhz} = profile.gemm.fp32!;
  const rows = synthetic()
    .slice(0, 60)
    .map((row) => ({...row, ns: 0.7 * row.ns}));
  const facts = factsOf(profile, 'fp32', clock_mhz);
  const leastStep = (fmaPerNs: number): number => {
    const options = {facts, absoluteNs: 100, knownTiles: false, fmaPerNs, iterations: 3};
    const {single, batched} = fitGemm(rows, profile.gemm.fp32!, options);
    const perStep = [...single.tiles, ...batched.tiles].map(
      ({step_ns, rows, columns}) => (step_ns * fmaPerNs) / (rows * columns),
    );
    return Math.min(...perStep);
  };
  expect(leastStep((64 * clock_mhz) / 1000)).toBeGreaterThan(0.999);
  expect(leastStep((80 * clock_mhz) / 1000)).toBeLessThan(1.25);
});

test('sessions of one source have the same say, the small one’s rows up to three times', () => {
  const profile = readProfile('v100');
  const rows = synthetic().filter(({method}) => method === 'single');
  // A quarter of the rows says that all takes 20 % longer.
  const isSlow = (row: Measurement): boolean => shapeHash({...row, m: row.m + 7}) < 0.25;
  const disagreeing = rows.map((row) => (isSlow(row) ? {...row, ns: 1.2 * row.ns} : row));
  const named = disagreeing.map((row) => (isSlow(row) ? {...row, session: 'slow'} : row));
  const options = {dtype: 'fp32', absoluteNs: 100, testShare: 0} as const;
  const bias = (fitted: ReturnType<typeof readProfile>): number => checkProfile(fitted, rows).overall.bias;
  const apart = fitProfile(profile, named, options);
  expect(bias(apart)).toBeGreaterThan(bias(fitProfile(profile, disagreeing, options)) + 0.015);
  expect(Object.keys(apart.gemm.fp32!.residuals!)).toContain('train synthetic slow single');
});

test('a host’s part in a source’s times is found where the tile is known, and told from the launch', () => {
  const profile = readProfile('v100');
  const terms = profile.gemm.fp32!;
  const model = gemmModelOf(profile, 'fp32', terms.clock_mhz);
  const rows = synthetic().map((row): Measurement => {
    const kind = row.method === 'single' ? 'single' : 'batched';
    const {tile, splits} = model.choice(row, kind);
    return {...row, tile, splits, ns: Math.max(500, row.ns - (kind === 'single' ? 2000 : 6000))};
  });
  const named = {...profile, sources: {...profile.sources, synthetic: {title: 'x', licence: 'x'}}};
  const {sources} = fitProfile(named, rows, {dtype: 'fp32', absoluteNs: 100, oneHost: ['synthetic']});
  expect(sources['synthetic'].host_ns!.single).toBeGreaterThan(-3000);
  expect(sources['synthetic'].host_ns!.single).toBeLessThan(-1000);
  expect(sources['synthetic'].host_ns!.batched).toBeGreaterThan(-7500);
  expect(sources['synthetic'].host_ns!.batched).toBeLessThan(-4500);
  expect(sources['neusight'].host_ns).toEqual(profile.sources['neusight'].host_ns);
});

const fitProfileErrors = (profile: ReturnType<typeof readProfile>, rows: Measurement[]): number =>
  checkProfile(profile, rows).overall.median;

test('facts at the measurements’ clock have a ratio of one', () => {
  const profile = readProfile('v100');
  expect(factsOf(profile, 'fp32', profile.gemm.fp32!.clock_mhz).clockRatio).toBe(1);
});
