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
};
const profile = {...plain, sources: {...plain.sources, lab: source}};
const table = (session: string, batch = 8) =>
  readGemmTable(`source,session,kind,batch,m,n,k,time_us\nlab,${session},bmm,${batch},64,64,64,20`)[0];

describe('a GPU that slows under load', () => {
  const conditions = conditionsOf(profile, table(''));

  test('takes the given share longer, half of it at the given time, nothing where launches are short', () => {
    const extra = (ns: number): number => (shownNs(ns, conditions) + 5000) / ns - 1;
    expect(extra(20_000)).toBeLessThan(1e-4);
    expect(extra(2e6)).toBeCloseTo(0.05, 6);
    expect(extra(1e9)).toBeCloseTo(0.1, 4);
  });

  test('never shows a longer kernel as shorter', () => {
    let last = 0;
    for (let ns = 1000; ns < 1e8; ns *= 1.05) {
      const shown = shownNs(ns, conditions);
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

test('a source that the profile does not know shows the kernel alone', () => {
  const unknown = conditionsOf(profile, {...table(''), source: 'somebody'});
  expect(shownNs(12_345, unknown)).toBe(12_345);
});
