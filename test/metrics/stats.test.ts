import {fc, test} from '@fast-check/vitest';
import seedrandom from 'seedrandom';
import {describe, expect} from 'vitest';
import {
  batchMeans,
  bootstrapRatio,
  estimate,
  geometricMean,
  halfWidthOfShares,
  jainIndex,
  pairedDifference,
  variance,
} from '../../src/metrics/stats.ts';
import {mser5} from '../../src/metrics/warmup.ts';

const uniform = seedrandom.alea('stats');
const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const normals = (n: number): number[] => Array.from({length: n}, normal);

describe('an interval', () => {
  test('is that of a worked example', () => {
    // Law 2015, example 4.26: ten observations, mean 1.34, variance 0.17, 90 % interval 1.34 ± 0.24.
    const values = [1.2, 1.5, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.5, 1.09];
    const {mean, half_width} = estimate(values, 0.9);
    expect(variance(values)).toBeCloseTo(0.17, 2);
    expect(mean).toBeCloseTo(1.34, 2);
    expect(half_width).toBeCloseTo(0.24, 2);
  });

  test('holds the true mean as often as it says', () => {
    const trials = 2000;
    let held = 0;
    for (let i = 0; i < trials; i++) {
      const {mean, half_width} = estimate(normals(5));
      if (Math.abs(mean) <= half_width!) held++;
    }
    // 95 % of 2000 with a standard deviation of 10.
    expect(Math.abs(held - 0.95 * trials)).toBeLessThan(40);
  });

  test('needs two values, and a mean needs one', () => {
    expect(estimate([3])).toEqual({mean: 3, half_width: null});
    expect(() => estimate([])).toThrow('missing values');
  });
});

describe('batch means', () => {
  test('widen the interval of correlated values to what it has to be', () => {
    const rho = 0.9;
    const trials = 300;
    let naive = 0;
    let batched = 0;
    for (let trial = 0; trial < trials; trial++) {
      let x = normal() / Math.sqrt(1 - rho * rho);
      const series = Array.from({length: 4000}, () => (x = rho * x + normal()));
      const one = estimate(series);
      const many = batchMeans(series);
      if (Math.abs(one.mean) <= one.half_width!) naive++;
      if (Math.abs(many.mean) <= many.half_width!) batched++;
    }
    expect(naive / trials).toBeLessThan(0.6);
    expect(batched / trials).toBeGreaterThan(0.9);
  });

  test('leave out the remainder at the start', () => {
    expect(batchMeans([1000, 1, 1, 2, 2], 2).mean).toBe(1.5);
  });
});

describe('the half width of a difference of shares', () => {
  const stretches = (met: readonly number[], arrived = met.map(() => 10)) =>
    met.map((each, i) => ({arrived: arrived[i], met: each}));

  test('is that of the differences where as many arrive in each stretch', () => {
    const [base, candidate] = [
      [4, 7, 5, 6],
      [5, 7, 8, 6],
    ];
    const {half_width} = estimate([0.1, 0, 0.3, 0]);
    expect(halfWidthOfShares(stretches(base), stretches(candidate))).toBeCloseTo(half_width!, 12);
  });

  test('is none where shares are the same in every stretch, however many arrive', () => {
    const arrived = [10, 40, 20];
    expect(halfWidthOfShares(stretches([5, 20, 10], arrived), stretches([9, 36, 18], arrived))).toBeCloseTo(
      0,
      12,
    );
  });

  test('is unknown of one stretch, and of a run without arrivals', () => {
    expect(halfWidthOfShares(stretches([5]), stretches([5]))).toBeNull();
    expect(halfWidthOfShares(stretches([0, 0], [0, 0]), stretches([1, 1]))).toBeNull();
  });

  test('holds the true difference about as often as it says, where busy stretches are bad for both', () => {
    const trials = 1000;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const runs: {arrived: number; met: number}[][] = [[], []];
      for (let i = 0; i < 20; i++) {
        const arrived = Math.round(200 * (0.5 + uniform()));
        // The busier, the fewer in time, by as much in both.
        const share = 0.9 - (0.2 * arrived) / 200;
        runs.forEach((run, which) => {
          let met = 0;
          for (let k = 0; k < arrived; k++) if (uniform() < share + 0.05 * which) met++;
          run.push({arrived, met});
        });
      }
      const [before, after] = runs.map(
        (run) => run.reduce((sum, {met}) => sum + met, 0) / run.reduce((sum, {arrived}) => sum + arrived, 0),
      );
      if (Math.abs(after - before - 0.05) <= halfWidthOfShares(runs[0], runs[1])!) held++;
    }
    expect(held / trials).toBeGreaterThan(0.92);
    expect(held / trials).toBeLessThan(0.98);
  });
});

describe('a paired difference', () => {
  test('is that of a worked example', () => {
    // Student 1908: hours of sleep gained by ten patients under two drugs; t = 4.06, p = 0.0028.
    const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const {mean, half_width, p_value} = pairedDifference(first, second);
    expect(mean).toBeCloseTo(1.58, 10);
    expect(half_width).toBeCloseTo(0.88, 2);
    expect(p_value).toBeCloseTo(0.00283, 5);
  });

  test('sees through noise that both share', () => {
    const shared = normals(10).map((x) => 10 * x);
    const base = shared.map((x) => x + 0.1 * normal());
    const candidate = shared.map((x) => x + 1 + 0.1 * normal());
    expect(pairedDifference(base, candidate).p_value).toBeLessThan(1e-6);
  });

  test('is none between equals and sure between constants', () => {
    expect(pairedDifference([1, 2], [1, 2]).p_value).toBe(1);
    expect(pairedDifference([1, 2], [2, 3]).p_value).toBe(0);
    expect(pairedDifference([1], [2])).toEqual({mean: 1, half_width: null, p_value: null});
  });
});

test('the bootstrap interval of a ratio holds the true ratio as often as it says', () => {
  const trials = 200;
  let held = 0;
  for (let i = 0; i < trials; i++) {
    const below = normals(20).map((x) => 10 + x);
    const above = below.map((x) => 2 * x + normal());
    const {low, high, value} = bootstrapRatio(above, below, uniform, {resamples: 400});
    expect(low).toBeLessThanOrEqual(value);
    expect(high).toBeGreaterThanOrEqual(value);
    if (low <= 2 && 2 <= high) held++;
  }
  expect(held / trials).toBeGreaterThan(0.86);
  expect(held / trials).toBeLessThan(0.995);
});

test('the geometric mean of a speed-up and its inverse is 1', () => {
  expect(geometricMean([4, 0.25])).toBeCloseTo(1, 12);
});

test.prop([fc.array(fc.nat(1e6), {minLength: 1})])(
  'Jain’s index lies between 1/n and 1 and knows no unit',
  (shares) => {
    const index = jainIndex(shares);
    expect(index).toBeGreaterThanOrEqual(1 / shares.length - 1e-9);
    expect(index).toBeLessThanOrEqual(1 + 1e-9);
    expect(jainIndex(shares.map((share) => 1024 * share))).toBeCloseTo(index, 9);
  },
);

test('Jain’s index counts those that have something when the rest has nothing', () => {
  expect(jainIndex([5, 5, 0, 0])).toBe(0.5);
});

describe('MSER-5', () => {
  test('cuts the transient of a series and little more', () => {
    for (let trial = 0; trial < 20; trial++) {
      const series = Array.from({length: 2000}, (_, i) => (i < 300 ? 8 * (1 - i / 300) : 0) + normal());
      const cut = mser5(series)!;
      expect(cut).toBeGreaterThan(200);
      expect(cut).toBeLessThan(600);
    }
  });

  test('cuts little of a series that has no transient', () => {
    const cuts = Array.from({length: 20}, () => mser5(normals(2000)) ?? 2000);
    expect(cuts.filter((cut) => cut > 500).length).toBeLessThan(6);
  });

  test('finds no steady state in a series that climbs', () => {
    expect(mser5(Array.from({length: 1000}, (_, i) => i))).toBeNull();
    expect(mser5([1, 2, 3])).toBeNull();
  });
});
