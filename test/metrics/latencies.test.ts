import {fc, test} from '@fast-check/vitest';
import {quantile} from 'd3';
import {describe, expect} from 'vitest';
import {LogLinearHistogram} from '../../src/metrics/histogram.ts';
import {Latencies} from '../../src/metrics/latencies.ts';
import {Outstanding} from '../../src/metrics/outstanding.ts';
import {quantileSorted, supportsQuantile} from '../../src/metrics/quantile.ts';

const duration = fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1), fc.maxSafeNat());
const durations = fc.array(duration, {minLength: 1, maxLength: 300});
const share = fc.double({min: 0, max: 1, noNaN: true});

describe('a quantile', () => {
  test.prop([durations, share])('is that of d3, by the R-7 rule', (values, p) => {
    const expected = quantile(values, p)!;
    expect(quantileSorted(Float64Array.from(values).sort(), p)).toBeCloseTo(
      expected,
      -Math.log10(expected + 1) + 12,
    );
  });

  test.each([
    [0.5, 20],
    [0.9, 100],
    [0.99, 1000],
    [0.999, 10_000],
  ])('at %d has no support below %i values', (p, least) => {
    expect(supportsQuantile(least, p)).toBe(true);
    expect(supportsQuantile(least - 1, p)).toBe(false);
  });

  test('of nothing is not a number', () => {
    expect(quantileSorted([], 0.5)).toBeNaN();
    expect(new LogLinearHistogram().quantile(0.5)).toBeNaN();
  });
});

describe('the log-linear histogram', () => {
  test.prop([durations, share])('finds every quantile to within 1/256', (values, p) => {
    const histogram = new LogLinearHistogram();
    for (const value of values) histogram.add(value);
    const exact = quantileSorted(Float64Array.from(values).sort(), p);
    expect(Math.abs(histogram.quantile(p) - exact)).toBeLessThanOrEqual(exact / 256 + 1e-6 * exact);
  });

  test.prop([fc.array(fc.nat(255), {minLength: 1}), share])('is exact below 256', (values, p) => {
    const histogram = new LogLinearHistogram();
    for (const value of values) histogram.add(value);
    expect(histogram.quantile(p)).toBeCloseTo(quantile(values, p)!, 9);
  });

  test.prop([durations, durations, share])('merges as if one had counted all', (a, b, p) => {
    const [first, second, both] = [a, b, [...a, ...b]].map((values) => {
      const histogram = new LogLinearHistogram();
      for (const value of values) histogram.add(value);
      return histogram;
    });
    first.merge(second);
    expect(first.count).toBe(both.count);
    expect(first.quantile(p)).toBe(both.quantile(p));
  });
});

describe('latencies', () => {
  const samples = fc.array(fc.record({tenant: fc.nat(3), latency: duration}), {minLength: 1, maxLength: 400});

  test.prop([samples, share])('stay exact up to the limit, by tenant and in all', (values, p) => {
    const latencies = new Latencies(4, values.length);
    for (const {tenant, latency} of values) latencies.add(tenant, latency);
    expect(latencies.exact).toBe(true);
    expect([...latencies.inOrder()!]).toEqual(values.map(({latency}) => latency));
    const {byTenant, all} = latencies.durations();
    const exact = (of: typeof values): number =>
      quantileSorted(Float64Array.from(of, ({latency}) => latency).sort(), p);
    expect(all.quantile(p)).toBe(exact(values));
    byTenant.forEach((each, tenant) => {
      const own = values.filter((value) => value.tenant === tenant);
      expect(each.count).toBe(own.length);
      expect(each.quantile(p)).toEqual(exact(own));
    });
  });

  test('go on in histograms beyond the limit and lose none', () => {
    const exact = new Latencies(3, 1e6);
    const counted = new Latencies(3, 5000);
    for (let i = 0; i < 20_000; i++) {
      const latency = Math.round(1e6 * (1 + ((i * 7919) % 1009) / 37));
      exact.add(i % 3, latency);
      counted.add(i % 3, latency);
    }
    expect(counted.exact).toBe(false);
    expect(counted.inOrder()).toBeNull();
    expect(counted.count).toBe(20_000);
    const [a, b] = [exact.durations(), counted.durations()];
    expect(b.all.count).toBe(20_000);
    for (const p of [0, 0.1, 0.5, 0.99, 1]) {
      expect(b.all.quantile(p) / a.all.quantile(p)).toBeCloseTo(1, 2);
      expect(b.byTenant[2].quantile(p) / a.byTenant[2].quantile(p)).toBeCloseTo(1, 2);
    }
  });
});

describe('outstanding requests', () => {
  const steps = fc.array(fc.record({gap: fc.nat(3), leaves: fc.double({min: 0, max: 1, noNaN: true})}), {
    maxLength: 200,
  });

  test.prop([steps, fc.nat(300), fc.nat(300)])(
    'are those that entered and did not leave, in whatever order they leave',
    (steps, from, to) => {
      const outstanding = new Outstanding();
      const expected: number[] = [];
      let at = 0;
      for (const {gap, leaves} of steps) {
        at += gap;
        outstanding.enter(at);
        expected.push(at);
        // More than half leave, mostly the first.
        if (leaves < 0.6) {
          const index = leaves < 0.4 ? 0 : Math.floor(((leaves - 0.4) / 0.2) * expected.length);
          outstanding.leave(expected.splice(index, 1)[0]);
        }
      }
      outstanding.leave(-1); // never entered
      expect(outstanding.countBetween(from, to)).toBe(expected.filter((t) => t >= from && t < to).length);
      for (const time of expected) outstanding.leave(time);
      expect(outstanding.countBetween(0, Infinity)).toBe(0);
    },
  );
});
