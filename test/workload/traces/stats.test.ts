// Figures of traces: rates, burstiness, dispersion.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {drawArrivals} from '../../../src/workload/arrivals/draw.ts';
import {stream} from '../../../src/workload/random.ts';
import {parseTrace} from '../../../src/workload/traces/parseTrace.ts';
import {arrivalStats, traceStats} from '../../../src/workload/traces/stats.ts';
import {counts, cv, gapsOf, mean, variance} from '../arrivals/statistics.ts';

describe('arrivalStats', () => {
  test.prop([fc.array(fc.integer({min: 0, max: 60_000}), {minLength: 3, maxLength: 200})])(
    'are those of their definitions',
    (ms) => {
      fc.pre(Math.min(...ms) < Math.max(...ms));
      const at = Float64Array.from(ms, (t) => t * 1e6).sort();
      const stats = arrivalStats(at, 60e9);
      const [seconds, tens] = [counts(at, 1e9, 60e9), counts(at, 10e9, 60e9)];
      expect(stats.count).toBe(ms.length);
      expect(stats.rate).toBeCloseTo(ms.length / 60, 9);
      expect(stats.cv).toBeCloseTo(cv(gapsOf(at)), 6);
      if (mean(seconds) === 0) return;
      expect(stats.peakToMean).toBeCloseTo(Math.max(...seconds) / mean(seconds), 6);
      expect(stats.dispersion1s).toBeCloseTo(variance(seconds) / mean(seconds), 6);
      expect(stats.dispersion10s).toBeCloseTo(variance(tens) / mean(tens), 6);
    },
  );

  test('of a Poisson process are near 1', () => {
    const stats = arrivalStats(drawArrivals({process: 'poisson', rate: 50}, 2000e9, stream(1, 'x')), 2000e9);
    for (const figure of [stats.cv, stats.dispersion1s, stats.dispersion10s])
      expect(figure).toBeCloseTo(1, 0);
    expect(stats.rate).toBeCloseTo(50, 0);
  });

  test('are null where there is too little to tell', () => {
    expect(arrivalStats(Float64Array.of(), 0)).toEqual({
      count: 0,
      rate: 0,
      cv: null,
      peakToMean: null,
      dispersion1s: null,
      dispersion10s: null, // prettier-ignore
    });
    expect(arrivalStats(Float64Array.of(5, 9), 1.5e9)).toMatchObject({cv: null, peakToMean: null});
    expect(arrivalStats(Float64Array.of(5, 5, 5), 1.5e9)).toMatchObject({cv: null});
  });
});

describe('traceStats', () => {
  test('tells keys apart', () => {
    const trace = parseTrace('a.csv', 'at_ns,tenant\n0,a\n1000000000,b\n2000000000,a\n3999999999,a\n');
    const {total, keys} = traceStats(trace);
    expect(total).toMatchObject({count: 4, rate: 1, peakToMean: 1});
    expect(keys).toMatchObject([{key: 'a', count: 3, rate: 0.75}, {key: 'b', count: 1}]); // prettier-ignore
  });
});
