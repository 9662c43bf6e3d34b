// How fast superkernels run side by side.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {shareRates} from '../../src/sim/sharing.ts';

function rates(
  sm: readonly number[],
  bandwidth: readonly number[],
  interference: number,
  crowding = 1,
  exposure = sm.map(() => 1),
): number[] {
  const rate = new Float64Array(sm.length);
  const lanes = Int32Array.from(sm.keys());
  shareRates(
    sm.length,
    lanes,
    Float64Array.from(sm),
    Float64Array.from(bandwidth),
    Float64Array.from(exposure),
    {interference, crowding},
    rate,
  );
  return [...rate];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const shares = fc.array(
  fc.tuple(fc.double({min: 0.001, max: 1, noNaN: true}), fc.double({min: 0, max: 1, noNaN: true})),
  {minLength: 1, maxLength: 8},
);
/** Interference and crowding; profiles may hold an interference above 1. */
const terms = fc.tuple(fc.double({min: 0, max: 3, noNaN: true}), fc.double({min: 0, max: 1, noNaN: true}));

describe('lanes that share a device', () => {
  test.prop([shares, terms])('take no more than there is of anything', (each, [interference, crowding]) => {
    const sm = each.map(([share]) => share);
    const bandwidth = each.map(([, share]) => share);
    const got = rates(sm, bandwidth, interference, crowding);
    expect(sum(got.map((rate, i) => rate * sm[i]))).toBeLessThanOrEqual(1 + 1e-9);
    expect(sum(got.map((rate, i) => rate * bandwidth[i]))).toBeLessThanOrEqual(1 + 1e-9);
    for (const rate of got) expect(rate).toBeLessThanOrEqual(1);
  });

  test.prop([shares, terms])(
    'waste nothing where there is no interference, and are no faster where there is',
    (each, [interference, crowding]) => {
      // Scaled up until together they want more than there is.
      const scale = 2 / sum(each.map(([share]) => share));
      const sm = each.map(([share]) => share * scale);
      const none = sm.map(() => 0);
      const free = rates(sm, none, 0, crowding);
      expect(sum(free.map((rate, i) => rate * sm[i]))).toBeCloseTo(1, 9);
      rates(sm, none, interference, crowding).forEach((rate, i) => {
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(free[i]);
      });
    },
  );

  test('get less done together than one alone where neighbours cost more than they bring', () => {
    const got = rates([0.8, 0.8], [0, 0], 2);
    expect(sum(got.map((rate) => rate * 0.8))).toBeCloseTo((2 * 0.8) / (1 + 2 * 0.8), 12);
  });

  test('run at full speed where there is enough and no interference', () => {
    expect(rates([0.3, 0.3, 0.4], [0.1, 0.2, 0.5], 0)).toEqual([1, 1, 1]);
  });

  test('slow each other by interference where there is enough for all', () => {
    expect(rates([0.2, 0.4], [0.1, 0.1], 0.5)).toEqual([1 / 1.2, 1 / 1.1]);
  });

  test('are slowed by shortage or by neighbours, whichever is more, not by both', () => {
    expect(rates([1, 1], [0, 0], 0.5)).toEqual([1 / 2, 1 / 2]);
    expect(rates([0.6, 0.6], [0, 0], 0.5)).toEqual([1 / 1.3, 1 / 1.3]);
  });

  test('suffer from their largest neighbour in full, from the others by the crowding', () => {
    const [small, large] = rates([0.1, 0.5, 0.2, 0.1], [0, 0, 0, 0], 0.5, 0.25);
    expect(small).toBeCloseTo(1 / (1 + 0.5 * (0.5 + 0.25 * 0.3)), 12);
    expect(large).toBeCloseTo(1 / (1 + 0.5 * (0.2 + 0.25 * 0.2)), 12);
  });

  test('suffer from neighbours by their own exposure, whatever that of the neighbours', () => {
    expect(rates([0.2, 0.4], [0, 0], 0.5, 1, [1, 0.5])).toEqual([1 / 1.2, 1 / 1.05]);
  });

  test('get SMs that are short in proportion to what they take over their exposure', () => {
    const [single, coalesced] = rates([0.8, 0.8], [0, 0], 0, 1, [1, 0.5]);
    expect(coalesced).toBeCloseTo(2 * single, 12);
    expect(0.8 * (single + coalesced)).toBeCloseTo(1, 12);
  });

  test('count by what they take most of, SMs or bandwidth', () => {
    expect(rates([0.1, 0.4], [0.3, 0.1], 0.5)).toEqual([1 / 1.2, 1 / 1.15]);
  });
});
