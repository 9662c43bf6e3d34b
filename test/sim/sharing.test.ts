// How fast superkernels run side by side.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {shareRates} from '../../src/sim/sharing.ts';

function rates(
  share: readonly number[],
  interference: number,
  exposure: readonly number[] = share.map(() => 1),
  crowding = 0,
  crowdedInterference = 0,
  /** By lane: what it presses with for each share. */
  stress: readonly number[] = exposure.map((each) => 1 / each),
): number[] {
  const rate = new Float64Array(share.length);
  const lanes = Int32Array.from(share.keys());
  shareRates(
    share.length,
    lanes,
    Float64Array.from(share),
    Float64Array.from(exposure),
    Float64Array.from(share, (each, i) => each * stress[i]),
    {interference, crowding, crowdedInterference},
    rate,
  );
  return [...rate];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const used = (rate: readonly number[], share: readonly number[]): number =>
  sum(rate.map((each, i) => each * share[i]));
/** Shares of the device with exposures, and what they press with for each share. */
const launches = fc.array(
  fc.tuple(
    fc.double({min: 0.001, max: 1, noNaN: true}),
    fc.double({min: 0.2, max: 2, noNaN: true}),
    fc.double({min: 0.2, max: 3, noNaN: true}),
  ),
  {minLength: 1, maxLength: 12},
);
/** Profiles may hold an interference below 1 and above. */
const term = fc.double({min: 0, max: 3, noNaN: true});
const crowded = fc.double({min: 0, max: 1, noNaN: true});

describe('lanes that share a device', () => {
  test.prop([launches, term, crowded, term])(
    'take no more than there is of it',
    (each, interference, crowding, lasting) => {
      const [share, exposure, stress] = [0, 1, 2].map((i) => each.map((of) => of[i]));
      const rate = rates(share, interference, exposure, crowding, lasting, stress);
      expect(used(rate, share)).toBeLessThanOrEqual(1 + 1e-9);
      for (const one of rate) {
        expect(one).toBeGreaterThan(0);
        expect(one).toBeLessThanOrEqual(1);
      }
    },
  );

  test.prop([launches])('waste nothing that they want together where there is no interference', (each) => {
    // Scaled up until together they want more than there is.
    const scale = 2 / sum(each.map(([share]) => share));
    const share = each.map(([of]) => of * scale);
    expect(used(rates(share, 0), share)).toBeCloseTo(1, 9);
  });

  test.prop([launches, term, crowded, term, fc.double({min: 0.001, max: 1, noNaN: true})])(
    'are no faster with one more beside them, nor with more interference',
    (each, interference, crowding, lasting, newcomer) => {
      const [share, exposure, stress] = [0, 1, 2].map((i) => each.map((of) => of[i]));
      const before = rates(share, interference, exposure, crowding, lasting, stress);
      const all = [...share, newcomer];
      const beside = rates(all, interference, [...exposure, 1], crowding, lasting, [...stress, 1]);
      const more = rates(share, interference + 0.5, exposure, crowding, lasting, stress);
      before.forEach((rate, i) => {
        expect(beside[i]).toBeLessThanOrEqual(rate + 1e-12);
        expect(more[i]).toBeLessThanOrEqual(rate + 1e-12);
      });
    },
  );

  test('run at full speed where there is enough and no interference', () => {
    expect(rates([0.3, 0.3, 0.4], 0)).toEqual([1, 1, 1]);
  });

  test('slow each other by what all others take, where there is enough for all', () => {
    const [a, b, c] = rates([0.2, 0.4, 0.1], 0.5);
    expect(a).toBeCloseTo(1 / 1.25, 12);
    expect(b).toBeCloseTo(1 / 1.15, 12);
    expect(c).toBeCloseTo(1 / 1.3, 12);
  });

  test('suffer less from more pressure, the more there is', () => {
    const [a, b] = rates([0.2, 0.4], 0.5, [1, 1], 0.25);
    expect(a).toBeCloseTo(1 / (1 + 0.2 / 1.1), 12);
    expect(b).toBeCloseTo(1 / (1 + 0.1 / 1.05), 12);
  });

  test('suffer no less than a certain part of more pressure, where there is a lot', () => {
    const [suffering] = rates([0.1, 0.2], 0.5, [1, 1], 0.25, 0.3, [1, 2]);
    expect(suffering).toBeCloseTo(1 / (1 + (0.4 * (0.5 + 0.25 * 0.3 * 0.4)) / 1.1), 12);
  });

  test('are slowed by shortage or by neighbours, whichever is more, not by both', () => {
    expect(rates([1, 1], 0.5)).toEqual([1 / 2, 1 / 2]);
    expect(rates([0.6, 0.6], 0.9)).toEqual([1 / 1.54, 1 / 1.54]);
  });

  test('suffer less and press more, the less they are exposed', () => {
    const [single, coalesced] = rates([0.2, 0.4], 1, [1, 0.5]);
    expect(single).toBeCloseTo(1 / (1 + 0.8), 12);
    expect(coalesced).toBeCloseTo(1 / (1 + 0.5 * 0.2), 12);
  });

  test('get what is short in proportion to what they take over their exposure', () => {
    const [single, coalesced] = rates([0.8, 0.8], 0, [1, 0.5]);
    expect(coalesced).toBeCloseTo(2 * single, 12);
    expect(0.8 * (single + coalesced)).toBeCloseTo(1, 12);
  });
});
