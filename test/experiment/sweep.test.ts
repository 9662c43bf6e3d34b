// How a sweep's runs are shared out to its workers.
import {fc, test} from '@fast-check/vitest';
import {expect} from 'vitest';
import {shareOut} from '../../src/experiment/sweep.ts';

test('a worker takes its own stretch in order, then the last runs of the longest one', () => {
  const take = shareOut([0, 1, 2, 3, 4, 5], 2);
  expect([take(0), take(0), take(1), take(0), take(0), take(0), take(1)]).toEqual([
    0,
    1,
    3,
    2,
    5,
    4,
    undefined,
  ]);
});

test.prop([fc.integer({min: 1, max: 8}), fc.integer({min: 0, max: 30}), fc.infiniteStream(fc.nat())])(
  'every run is handed out once, whoever asks',
  (workers, count, askers) => {
    const runs = Array.from({length: count}, (_, i) => i);
    const take = shareOut(runs, workers);
    const taken = runs.map(() => take(askers.next().value! % workers));
    expect(taken.toSorted((a, b) => a! - b!)).toEqual(runs);
    for (let worker = 0; worker < workers; worker++) expect(take(worker)).toBeUndefined();
  },
);
