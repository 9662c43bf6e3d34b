// A finished profile against superkernels that it has not seen.
import type {Bench} from '../gpu/calibration/bench.ts';
import {checkPredictions, drawUnseen} from '../gpu/calibration/check.ts';
import type {CheckRow} from '../gpu/calibration/check.ts';
import type {Point} from '../gpu/calibration/point.ts';
import type {Session} from '../gpu/calibration/session.ts';
import type {ShapeClass} from '../gpu/calibration/solo.ts';
import type {Work} from '../gpu/calibration/work.ts';
import type {CostModel} from '../profile/costModel.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Gemm, Kernel} from '../scheduler/kernel.ts';
import {isUsed, until} from './calibrationPlan.ts';
import type {Extent} from './calibrationPlan.ts';

/** So many are measured though the time is over: it takes half a second, and a handful tells nothing. */
const fewestChecked = 40;

/** Measures sizes of the models' classes that no table holds, each by the faster of batched and grouped. */
export async function checkUnseen(
  bench: Bench,
  model: CostModel,
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  points: readonly Point[],
  detectNs: number,
  {maxSize, checks}: Extent,
  session: Session,
): Promise<CheckRow[]> {
  const key = (kernel: Kernel, size: number, method: string): string =>
    `${kernelKey(kernel)} ${method} ${size}`;
  const seen = new Set(points.map(({kernel, size, method}) => key(kernel, size, method)));
  const candidates = classes
    .filter(isUsed)
    .map(({kernel}) => ({kernel, share: shares.get(kernelKey(kernel)) ?? 0}));
  const choose = (kernel: Gemm, size: number): Work => {
    const batched = {kernel, size, method: 'batched'} as const;
    const grouped = {kernel, size, method: 'grouped'} as const;
    if (!bench.isPossible(grouped)) return batched;
    return model.durationNs(kernel, size, 'grouped') < model.durationNs(kernel, size, 'batched')
      ? grouped
      : batched;
  };
  const works = drawUnseen(
    candidates,
    ({kernel, size, method}) => seen.has(key(kernel, size, method)),
    choose,
    {
      count: checks,
      maxSize,
      seed: 'check',
    },
  );
  const rows: CheckRow[] = [];
  for (const work of works) {
    if (session.used > until.check && rows.length >= fewestChecked) break;
    rows.push(
      ...(await checkPredictions(
        bench,
        [work],
        ({kernel, size, method}) => ({
          durationNs: model.durationNs(kernel, size, method),
          submitNs: model.submitNs(kernel, size, method),
          // As in the loops that durations come from: live runs see the end later.
          detectNs,
        }),
        session,
      )),
    );
  }
  return rows;
}
