// Sorting arrivals by time and key.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import {sortArrivals} from '../../../src/workload/traces/sortArrivals.ts';

const time = fc.oneof(
  fc.integer({min: -5, max: 5}),
  fc.integer({min: -1e6, max: 1e16}),
  fc.integer({min: 0, max: 2 ** 40}),
);
const key = fc.oneof(fc.nat(3), fc.nat(100_000));

test.prop([fc.array(fc.tuple(time, key), {maxLength: 60})])('sorts by time, ties by key', (rows) => {
  const sorted = sortArrivals(Float64Array.from(rows, ([at]) => at), Int32Array.from(rows, ([, id]) => id)); // prettier-ignore
  expect(Array.from(sorted.at, (at, i) => [at, sorted.key[i]])).toEqual(
    rows.toSorted(([a, b], [c, d]) => a - c || b - d),
  );
});
