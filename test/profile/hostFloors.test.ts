// Host floors: told from the measured times alone, and kept out of fit and errors.
import {describe, expect, test} from 'vitest';
import {readProfile} from '../../src/experiment/profileFiles.ts';
import {checkProfile} from '../../src/profile/checkProfile.ts';
import {gemmModelOf} from '../../src/profile/gemmModel.ts';
import {findHostFloors, markHostFloors} from '../../src/profile/hostFloors.ts';
import type {Measurement} from '../../src/profile/measurement.ts';
import {checkTable} from '../../src/report/figures/profileTables.ts';

const profile = readProfile('v100');
const model = gemmModelOf(profile, 'fp32');

/** Single products of random size, none of which takes less than the host: `max(floor, kernel)`. */
function measured(floorNs: number, count = 3000, source = 'lab'): Measurement[] {
  let state = 7;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const size = (): number => Math.ceil(16 * Math.exp(random() * Math.log(256)));
  return Array.from({length: count}, (): Measurement => {
    const shape = {batch: 1, m: size(), n: size(), k: size()};
    const jitter = 1 + 0.03 * (random() - 0.5);
    const ns = Math.max(floorNs, model.singleNs(shape)) * jitter;
    return {source, kind: 'x', method: 'single', dtype: 'fp32', ...shape, ns};
  });
}

describe('a host floor', () => {
  const rows = measured(25_000);

  test('is the narrow band in which launches of most different size pile up', () => {
    const [floor, ...others] = findHostFloors(rows);
    expect(others).toEqual([]);
    expect(floor).toMatchObject({source: 'lab', launches: 'fp32 single'});
    expect(floor.fromNs).toBeLessThan(25_000);
    expect(floor.toNs).toBeGreaterThan(25_000);
    expect(floor.toNs / floor.fromNs).toBeLessThan(1.3);
    const hidden = rows.filter((row) => model.singleNs(row) < 0.95 * 25_000).length;
    expect(floor.rows).toBeGreaterThan(0.95 * hidden);
  });

  test('is found in none but its own source, data type and way of launching', () => {
    const other = measured(0, 3000, 'other');
    const batched = measured(0).map((row) => ({...row, method: 'strided' as const}));
    expect(
      findHostFloors([...rows, ...other, ...batched]).map(({source, launches}) => [source, launches]),
    ).toEqual([['lab', 'fp32 single']]);
    const marked = markHostFloors([...rows, ...other, ...batched]);
    expect(marked.filter(({source, isUpperBound}) => source === 'other' && isUpperBound === true)).toEqual(
      [],
    );
  });

  test('is not what kernels themselves take at least', () => {
    expect(findHostFloors(measured(0))).toEqual([]);
    expect(findHostFloors(measured(4_000))).toEqual([]);
  });

  test('is not a shape that was measured many times', () => {
    const many = measured(0).map((row, i) =>
      i % 4 === 0 ? {...row, m: 512, n: 512, k: 512, ns: 40_000 + i} : row,
    );
    const there = findHostFloors(many).filter(({fromNs, toNs}) => toNs > 40_000 && fromNs < 43_000);
    expect(there).toEqual([]);
  });

  test('needs no look at rows that the source has marked itself', () => {
    const marked = rows.map((row) => ({...row, isUpperBound: row.ns < 26_000}));
    expect(findHostFloors(marked)).toEqual([]);
    expect(markHostFloors(marked)).toEqual(marked);
  });

  test('counts apart in the check of a profile, with its place', () => {
    const check = checkProfile(profile, rows);
    const [floor] = check.hostFloors;
    expect(check.upperBounds.rows).toBe(floor.rows);
    expect(check.overall.rows).toBe(rows.length - floor.rows);
    expect(check.overall.p90).toBeLessThan(0.05);
    expect(checkTable(check).notes.join('\n')).toMatch(
      /Of the upper bounds, [\d,]+ rows of lab \(fp32 single\) are at the source’s host floor of 2\d\.\d to 2\d\.\d us, whatever their size\./,
    );
  });
});
