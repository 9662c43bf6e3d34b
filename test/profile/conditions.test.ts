// What a source's times say of a kernel: the host's part in them, and a GPU that slows under load.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {conditionsOf, shownNs} from '../../src/profile/conditions.ts';
import {readGemmTable} from '../../src/profile/readMeasurements.ts';

const plain = readProfile('v100');
const source = {
  title: 'x',
  licence: 'x',
  host_ns: {batched: -5000},
  throttle: {batched: {share: 0.1, half_ns: 2e6}},
  slower: {'low clock': 0.12},
};
const profile = {...plain, sources: {...plain.sources, lab: source}};
const table = (session: string, batch = 8) =>
  readGemmTable(`source,session,kind,batch,m,n,k,time_us\nlab,${session},bmm,${batch},64,64,64,20`)[0];

describe('a GPU that slows under load', () => {
  const conditions = conditionsOf(profile, table(''));

  test('takes the given share longer, half of it at the given time, nothing where launches are short', () => {
    const extra = (ns: number): number => (shownNs(ns, conditions, table('')) + 5000) / ns - 1;
    expect(extra(20_000)).toBeLessThan(1e-4);
    expect(extra(2e6)).toBeCloseTo(0.05, 6);
    expect(extra(1e9)).toBeCloseTo(0.1, 4);
  });

  test('is slowed only while its arithmetic does something, where its peak is known', () => {
    const throttle = {share: 0.1, half_ns: 2e6, tflops: 10};
    const row = {...table(''), batch: 1, m: 10_000, n: 10_000, k: 1000};
    // 200 GFLOP take 20 ms at the peak: all of the launch or a quarter of it.
    const extra = (ns: number): number => shownNs(ns, {host: {ns: 0}, throttle}, row) / ns - 1;
    expect(extra(20e6)).toBeCloseTo(0.099, 3);
    expect(extra(80e6)).toBeCloseTo(0.025, 3);
    expect(extra(10e6)).toBeCloseTo(0.096, 3);
  });

  test('never shows a longer kernel as shorter', () => {
    let last = 0;
    for (let ns = 1000; ns < 1e8; ns *= 1.05) {
      const shown = shownNs(ns, conditions, table(''));
      expect(shown).toBeGreaterThanOrEqual(last);
      last = shown;
    }
  });

  test('did so for the launches that the source names, and not in a session with a name of its own', () => {
    expect(conditionsOf(profile, table('layers')).throttle).toBeUndefined();
    expect(conditionsOf(profile, table('layers')).host.ns).toBe(-5000);
    const single = {...table(''), method: 'single', batch: 1} as const;
    expect(conditionsOf(profile, single)).toEqual({host: {ns: 0}, throttle: undefined});
  });
});

test('a session at a lower clock takes the share longer that its source names', () => {
  const row = table('low clock');
  expect(shownNs(100_000, conditionsOf(profile, row), row)).toBeCloseTo(112_000 - 5000, 6);
});

test('a source that the profile does not know shows the kernel alone', () => {
  const row = {...table(''), source: 'somebody'};
  expect(shownNs(12_345, conditionsOf(profile, row), row)).toBe(12_345);
});
