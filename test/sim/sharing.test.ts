// How fast superkernels run side by side.
import {fc, test} from '@fast-check/vitest';
import {describe, expect} from 'vitest';
import {holdsPlace} from '../../src/scheduler/sharingTerms.ts';
import {shareRates} from '../../src/sim/sharing.ts';

function rates(
  share: readonly number[],
  interference: number,
  exposure: readonly number[] = share.map(() => 1),
  crowding = 0,
  crowdedInterference = 0,
  /** By lane: what it presses with for each share. */
  stress: readonly number[] = exposure.map((each) => 1 / each),
  holds: readonly boolean[] = share.map(() => false),
  /** Those that hold their places do. */
  coalesces: readonly boolean[] = holds,
  mixing = 0,
): number[] {
  const rate = new Float64Array(share.length);
  const lanes = Int32Array.from(share.keys());
  shareRates(
    share.length,
    lanes,
    {
      share: Float64Array.from(share),
      exposure: Float64Array.from(exposure),
      pressure: Float64Array.from(share, (each, i) => each * stress[i]),
      coalesces: Uint8Array.from(coalesces, Number),
      holds: Uint8Array.from(holds, Number),
    },
    {interference, crowding, crowdedInterference, mixing},
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
    fc.constantFrom('single', 'coalesced', 'holding'),
  ),
  {minLength: 1, maxLength: 12},
);
type Launches = readonly (readonly [share: number, exposure: number, stress: number, kind: string])[];
const columnsOf = (each: Launches) => ({
  share: each.map(([share]) => share),
  exposure: each.map(([, exposure]) => exposure),
  stress: each.map(([, , stress]) => stress),
  holds: each.map(([, , , kind]) => kind === 'holding'),
  coalesces: each.map(([, , , kind]) => kind !== 'single'),
});
/** Profiles may hold an interference below 1 and above. */
const term = fc.double({min: 0, max: 3, noNaN: true});
const crowded = fc.double({min: 0, max: 1, noNaN: true});

describe('lanes that share a device', () => {
  test.prop([launches, term, crowded, term, term])(
    'take no more than there is of it',
    (each, interference, crowding, lasting, mixing) => {
      const {share, exposure, stress, holds, coalesces} = columnsOf(each);
      const rest = [stress, holds, coalesces, mixing] as const;
      const rate = rates(share, interference, exposure, crowding, lasting, ...rest);
      expect(used(rate, share)).toBeLessThanOrEqual(1 + 1e-9);
      rate.forEach((one, i) => {
        expect(one).toBeGreaterThanOrEqual(0);
        // Only behind others that hold their places.
        if (one === 0) expect(holds.slice(0, i)).toContain(true);
        expect(one).toBeLessThanOrEqual(1);
      });
    },
  );

  test.prop([launches])('waste nothing that they want together where there is no interference', (each) => {
    // Scaled up until together they want more than there is.
    const scale = 2 / sum(each.map(([share]) => share));
    const {holds, ...of} = columnsOf(each);
    const share = of.share.map((one) => one * scale);
    expect(used(rates(share, 0, undefined, 0, 0, undefined, holds), share)).toBeCloseTo(1, 8);
  });

  test.prop([launches, launches, term, crowded, term, term])(
    'are no faster with one more beside them, nor with more interference or mixing',
    (each, [newcomer], interference, crowding, lasting, mixing) => {
      const ratesOf = (all: Launches, more = 0): number[] => {
        const {share, exposure, stress, holds, coalesces} = columnsOf(all);
        const rest = [crowding, lasting, stress, holds, coalesces, mixing + more] as const;
        return rates(share, interference + more, exposure, ...rest);
      };
      const beside = ratesOf([...each, newcomer]);
      const more = ratesOf(each, 0.5);
      ratesOf(each).forEach((rate, i) => {
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

  test('press on others with more than the sum where singles and such as coalesce meet', () => {
    const coalesces = [false, false, true, true];
    const none = coalesces.map(() => false);
    const mixed = rates([0.1, 0.2, 0.05, 0.15], 1, undefined, 0, 0, undefined, none, coalesces, 2);
    expect(mixed[0]).toBeCloseTo(1 / (1 + 0.4 + (2 * 0.2 * 0.2) / 0.4), 12);
    expect(mixed[2]).toBeCloseTo(1 / (1 + 0.45 + (2 * 0.3 * 0.15) / 0.45), 12);
  });

  test('press with the sum where all are of a kind', () => {
    const share = [0.1, 0.2, 0.3];
    const none = [false, false, false];
    for (const each of [false, true]) {
      const mixing = (of: number) =>
        rates(share, 1, undefined, 0.5, 0.5, undefined, none, Array<boolean>(3).fill(each), of);
      expect(mixing(2)).toEqual(mixing(0));
    }
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

  const holding = (share: readonly number[], holds: readonly boolean[], interference = 0): number[] =>
    rates(share, interference, undefined, 0, 0, undefined, holds);

  test('that hold their places get what those leave over that started before', () => {
    expect(holding([0.5, 0.8, 0.6], [true, true, true])).toEqual([1, 0.5 / 0.8, 0]);
  });

  test('that wait press on nobody', () => {
    const [first, second] = holding([1, 1], [true, true], 0.7);
    expect([first, second]).toEqual([1, 0]);
  });

  test('that hold their places suffer from those that started before, and from none behind them', () => {
    const [first, second, third] = holding([0.3, 0.2, 0.1], [true, true, true], 0.7);
    expect(first).toBe(1);
    expect(second).toBeCloseTo(1 / (1 + 0.7 * 0.3), 12);
    expect(third).toBeCloseTo(1 / (1 + 0.7 * 0.5), 12);
  });

  test('that hold their places suffer from all that hold none', () => {
    const [held, loose] = holding([0.3, 0.2], [true, false], 0.7);
    expect(held).toBeCloseTo(1 / (1 + 0.7 * 0.2), 12);
    expect(loose).toBeCloseTo(1 / (1 + 0.7 * 0.3), 12);
  });

  test('that hold no place share with those behind them, and get what those before them leave over that hold theirs', () => {
    expect(holding([0.5, 1], [false, true])).toEqual(rates([0.5, 1], 0));
    expect(holding([1, 0.5], [true, false])).toEqual([1, 0]);
    const [first, second] = holding([0.8, 0.5], [true, false]);
    expect(first).toBeCloseTo(1, 12);
    expect(second).toBeCloseTo(0.2 / 0.5, 12);
  });

  test('hold their places where many members come in more than one round of blocks', () => {
    const [pairNs, oneRoundNs, twoRoundsNs] = [40, 66, 99];
    expect(holdsPlace(33, oneRoundNs, pairNs)).toBe(false);
    expect(holdsPlace(34, twoRoundsNs, pairNs)).toBe(true);
    expect(holdsPlace(8, twoRoundsNs, pairNs)).toBe(false);
  });
});
