import type {Plan, PlannedRun} from './plan.ts';
import {CannotRunError} from './simulate.ts';

/**
 * Does the first run of the plan that is possible, by `simulate`, and returns it. Throws a CannotRunError where none is
 * possible.
 */
export async function firstPossibleRun(
  plan: Plan,
  simulate: (run: PlannedRun) => Promise<void>,
): Promise<PlannedRun> {
  let problem: CannotRunError | null = null;
  for (const {runs} of plan.cells) {
    const [run] = runs;
    try {
      await simulate(run);
      return run;
    } catch (error) {
      if (!(error instanceof CannotRunError)) throw error;
      problem ??= error;
    }
  }
  throw problem!;
}
