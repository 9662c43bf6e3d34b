// The profile against superkernels that it has not seen.
import seedrandom from 'seedrandom';
import type {Gemm} from '../../scheduler/kernel.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import type {Bench} from './bench.ts';
import {spreadOf} from './samples.ts';
import type {Session} from './session.ts';
import {workKey} from './work.ts';
import type {Work} from './work.ts';

/** What a profile says of a launch, in ns. */
export interface Prediction {
  readonly submitNs: number;
  readonly durationNs: number;
  readonly detectNs: number;
}

/** Predicted beside measured, in ns. */
export interface CheckRow {
  readonly work: Work;
  readonly predicted: Prediction;
  /** Measured time from the end of the submission until the end is seen, less detection. */
  readonly durationNs: number;
  readonly roundNs: number;
  readonly submitNs: number;
}

/** Relative errors, predicted over measured less 1. */
export interface CheckErrors {
  readonly rows: number;
  readonly median: number;
  readonly p90: number;
  readonly bias: number;
}

/** Draws works at random whose (shape, size, method) is not in `known`: classes by their share, sizes by their logarithm. */
export function drawUnseen(
  classes: readonly {kernel: Gemm; share: number}[],
  known: (work: Work) => boolean,
  choose: (kernel: Gemm, size: number) => Work,
  {count, maxSize, seed}: {count: number; maxSize: number; seed: string},
): Work[] {
  const random = seedrandom(seed);
  const total = classes.reduce((sum, {share}) => sum + share, 0);
  const drawn = new Map<string, Work>();
  // Half by share of time, half evenly, or the check would see a handful of classes.
  for (let attempt = 0; attempt < 50 * count && drawn.size < count; attempt++) {
    let at = random() * total;
    const even = classes[Math.floor(random() * classes.length)];
    const byShare = classes.find(({share}) => (at -= share) < 0) ?? even;
    const {kernel} = attempt % 2 === 0 ? even : byShare;
    const size = Math.round(Math.exp(random() * Math.log(maxSize)));
    const work = choose(kernel, size);
    if (!known(work)) drawn.set(workKey(work), work);
  }
  return [...drawn.values()];
}

/** Measures each work and puts the prediction beside it. */
export async function checkPredictions(
  bench: Bench,
  works: readonly Work[],
  predict: (work: Work) => Prediction,
  session: Session,
): Promise<CheckRow[]> {
  const rows: CheckRow[] = [];
  for (const work of works) {
    if (!bench.isPossible(work)) continue;
    const row = await session.measure(`check ${workKey(work)}`, (): CheckRow => {
      bench.warmUp(work, 2e6);
      const {submit, round} = bench.roundTrips(work, {least: 9, most: 60, forNs: 8e6});
      const predicted = predict(work);
      const after = spreadOf(round.map((ns, i) => ns - submit[i])).p50;
      return {
        work,
        predicted,
        durationNs: after - predicted.detectNs,
        roundNs: spreadOf(round).p50,
        submitNs: spreadOf(submit).p50,
      };
    });
    if (row !== null) rows.push(row);
  }
  return rows;
}

export function errorsOf(pairs: readonly (readonly [predicted: number, measured: number])[]): CheckErrors {
  const errors = pairs.map(([predicted, measured]) => predicted / measured - 1);
  const {p50, p90} = spreadOf(errors.map(Math.abs));
  return {rows: pairs.length, median: p50, p90, bias: spreadOf(errors).p50};
}

/** The rows with the largest errors of duration, worst first. */
export function worstOf(
  rows: readonly CheckRow[],
  count: number,
): {key: string; error: number; row: CheckRow}[] {
  return rows
    .map((row) => ({
      key: `${kernelKey(row.work.kernel)} ${row.work.method} R=${row.work.size}`,
      error: row.predicted.durationNs / row.durationNs - 1,
      row,
    }))
    .sort((a, b) => Math.abs(b.error) - Math.abs(a.error))
    .slice(0, count);
}
