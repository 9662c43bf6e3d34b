// What launches of one kind cost the host, over their members and steps.
import {affineFit} from '../gpu/calibration/samples.ts';
import {leastSquares} from '../profile/leastSquares.ts';

/** The mean host time of equal launches. */
export interface CostRow {
  readonly size: number;
  readonly steps: number;
  readonly ns: number;
  /** How many launches it is the mean of. */
  readonly count: number;
}

/** fixed + perMember R + (steps - 1) (stepFixed + stepPerMember R), in ns. */
export interface LaunchCost {
  readonly fixed: number;
  readonly perMember: number;
  readonly stepFixed: number;
  readonly stepPerMember: number;
}

export const costOf = (
  {fixed, perMember, stepFixed, stepPerMember}: LaunchCost,
  size: number,
  steps: number,
): number => fixed + perMember * size + (steps - 1) * (stepFixed + stepPerMember * size);

/** Relative errors beyond this count linearly: what happens to a few launches is not what launches cost. */
const outlier = 0.15;
/** Launches that took this many times as long as the fit says do not count in the total either. */
const oddFactor = 3;
/** Bounds of a term in ns; the lower one stands for none at all. */
const [least, most] = [1, 1e7];
/** What a call by itself counts beside a live launch: it says how cost grows with size, not how much it is. */
const callWeight = 0.3;

/**
 * Fits live launches, so that all of them together take as long as they did; null where there is nothing to fit. Sizes that no live launch had are as the calls by themselves
 * say, times what live launches take longer than those. `perMemberSteps`: a step costs by its members alone.
 */
export function fitLaunches(
  live: readonly CostRow[],
  calls: readonly (readonly [size: number, ns: number])[],
  {perMemberSteps = false} = {},
): LaunchCost | null {
  const alone = calls.length === 0 ? null : affineFit(calls);
  const first = live.filter(({steps}) => steps === 1);
  if (live.length === 0) return alone && {fixed: alone.a, perMember: alone.b, stepFixed: 0, stepPerMember: 0};
  const scale = alone === null ? 1 : medianRatio(first, (size) => alone.a + alone.b * size);
  const sizes = first.map(({size}) => size);
  const total = live.reduce((sum, {count}) => sum + count, 0);
  const rows = [
    ...live.map((row) => ({...row, weight: Math.sqrt((row.count * live.length) / total)})),
    ...calls
      .filter(([size]) => !(size >= Math.min(...sizes) && size <= Math.max(...sizes)))
      .map(([size, ns]) => ({size, steps: 1, ns: scale * ns, weight: callWeight})),
  ];
  const hasSteps = live.some(({steps}) => steps > 1);
  const termsOf = (x: readonly number[]): LaunchCost => ({
    fixed: Math.exp(x[0]),
    perMember: Math.exp(x[1]),
    stepFixed: hasSteps && !perMemberSteps ? Math.exp(x[2]) : 0,
    stepPerMember: hasSteps ? Math.exp(x[3]) : 0,
  });
  const shortest = Math.min(...rows.map(({ns}) => ns));
  const start = [shortest / 2, shortest / 2, shortest / 4, shortest / 4].map((ns) =>
    Math.log(Math.max(least, ns)),
  );
  const {x} = leastSquares(
    (x, out) => {
      const terms = termsOf(x);
      rows.forEach(({size, steps, ns, weight}, i) => {
        out[i] = weight * Math.log(costOf(terms, size, steps) / ns);
      });
    },
    start,
    rows.length,
    {
      outlier,
      iterations: 200,
      lower: start.map(() => Math.log(least)),
      upper: start.map(() => Math.log(most)),
    },
  );
  const some = (ns: number): number => (ns < 2 * least ? 0 : ns);
  const terms = termsOf(x);
  // The fit minds relative errors; what makes others wait is the time that all of them take.
  const expected = ({size, steps}: CostRow): number => costOf(terms, size, steps);
  const usual = live.filter((row) => row.ns < oddFactor * expected(row));
  const sum = (of: (row: CostRow) => number): number =>
    usual.reduce((total, row) => total + row.count * of(row), 0);
  const inTotal = usual.length === 0 ? 1 : sum(({ns}) => ns) / sum(expected);
  return {
    fixed: some(inTotal * terms.fixed),
    perMember: some(inTotal * terms.perMember),
    stepFixed: some(inTotal * terms.stepFixed),
    stepPerMember: some(inTotal * terms.stepPerMember),
  };
}

/** The median over all launches of measured over expected; 1 where there are none. */
function medianRatio(rows: readonly CostRow[], expected: (size: number) => number): number {
  const sorted = rows
    .map(({size, ns, count}) => ({ratio: ns / expected(size), count}))
    .toSorted((a, b) => a.ratio - b.ratio);
  let left = sorted.reduce((sum, {count}) => sum + count, 0) / 2;
  return sorted.find(({count}) => (left -= count) <= 0)?.ratio ?? 1;
}
