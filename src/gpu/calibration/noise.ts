// How much equal launches differ: within a run of them, and from run to run.
import type {Bench} from './bench.ts';
import {medianOf, quantilesOf} from './samples.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';
import type {Work} from './work.ts';

/** Repeated launches of one kind. */
export interface Repetition {
  readonly work: Work;
  /** Median time from the end of a submission until the end is seen, of each round, in ns. */
  readonly medians: readonly number[];
  /** Differences from the median of the round, in ns: quantiles at 200 equal steps of probability. */
  readonly differences: readonly number[];
}

const rounds = 5;
const perRound = 200;
/** Steps of probability of the quantiles that are kept. */
export const quantileSteps = 200;

/** Rounds over all kinds of work, so that the rounds of one lie apart in time. */
export async function measureNoise(
  bench: Bench,
  works: readonly Work[],
  session: Session,
): Promise<Repetition[]> {
  const possible = works.filter((work) => bench.isPossible(work));
  const samples = possible.map((): number[][] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, work] of possible.entries()) {
      const sample = await session.measure(`noise ${workKey(work)} round ${round}`, () => {
        bench.warmUp(work, 2e6);
        const {submit, round: trips} = bench.roundTrips(work, {least: 10, most: perRound, forNs: 60e6});
        return trips.map((ns, j) => ns - submit[j]);
      });
      if (sample !== null) samples[i].push(sample);
    }
  }
  return possible.flatMap((work, i) => {
    if (samples[i].length === 0) return [];
    const medians = samples[i].map(medianOf);
    const differences = samples[i].flatMap((round, r) => round.map((ns) => ns - medians[r]));
    return [{work, medians, differences: quantilesOf(differences, quantileSteps)}];
  });
}
