// Whether one policy beats another on the GPU, and whether the simulator was near enough to be believed.
import type {RunSummary} from '../metrics/result.ts';
import {estimate, halfWidthOfShares, mean} from '../metrics/stats.ts';
import type {Estimate, Stretch} from '../metrics/stats.ts';
import type {ValidatedCell} from './validate.ts';

/** Whether one policy beats another on the GPU, given the simulator's word for it. */
export interface Verdict {
  readonly better: string;
  readonly base: string;
  readonly load: number | null;
  /** Measured advantage in points of SLO attainment, paired by arrivals, with its 95 % interval: over replications, of one over stretches of its run. */
  readonly advantage: Estimate;
  /** The simulator's largest error of the two cells, in points. */
  readonly simulatorError: number;
  readonly verdict: 'safe' | 'inside the error bar' | 'not better';
}

/** Compares every later policy with the first at the same load. */
export function verdicts(cells: readonly ValidatedCell[]): Verdict[] {
  const result: Verdict[] = [];
  for (const load of new Set(cells.map((cell) => cell.load))) {
    const [base, ...others] = cells.filter((cell) => cell.load === load);
    for (const cell of others) {
      const advantage = advantageOf(base, cell);
      const errorOf = ({metrics}: ValidatedCell): number =>
        Math.abs(metrics.slo_attainment?.error ?? Infinity);
      const simulatorError = Math.max(errorOf(base), errorOf(cell));
      const least = advantage.mean - (advantage.half_width ?? Infinity);
      result.push({
        better: cell.policy,
        base: base.policy,
        load,
        advantage,
        simulatorError,
        verdict:
          advantage.mean <= 0 ? 'not better' : least > simulatorError ? 'safe' : 'inside the error bar',
      });
    }
  }
  return result;
}

/** How much more of the requests a cell had within the SLO than another of the same load, in points. */
function advantageOf(base: ValidatedCell, cell: ValidatedCell): Estimate {
  const [before, after] = [base, cell].map(attainments);
  const advantage = estimate(after.map((value, i) => 100 * (value - before[i])));
  if (advantage.half_width !== null) return advantage;
  const [stretchesBefore, stretchesAfter] = [base, cell].map(({measured}) => stretchesOf(measured));
  const half = halfWidthOfShares(stretchesBefore, stretchesAfter);
  return {...advantage, half_width: half === null ? null : 100 * half};
}

/** The stretches of repeats of the same arrivals, in all of them together. */
function stretchesOf(runs: readonly RunSummary[]): Stretch[] {
  return runs[0].stretches.map((_, i) => ({
    arrived: runs.reduce((sum, {stretches}) => sum + stretches[i].arrived, 0),
    met: runs.reduce((sum, {stretches}) => sum + stretches[i].met, 0),
  }));
}

/** The measured attainment of each replication: repeats of the same arrivals are no samples of their own. */
function attainments({measured, replications}: ValidatedCell): number[] {
  const repeats = measured.length / replications;
  return Array.from({length: replications}, (_, i) =>
    mean(measured.slice(i * repeats, (i + 1) * repeats).map(({slo_attainment}) => slo_attainment ?? 0)),
  );
}
