import type {RunSummary} from '../metrics/result.ts';
import {aggregate} from '../metrics/aggregate.ts';
import type {CellResult} from '../metrics/result.ts';
import type {Cell, Plan} from './plan.ts';

/** What a run came to: figures, or why its policy cannot run the scenario at all. */
export type Outcome = {readonly summary: RunSummary} | {readonly cannot_run: string};

/** A row of a result: a cell with the parameters that it ran at. */
export interface SweepCell extends CellResult {
  /** Empty where nothing varies. */
  parameters: Readonly<Record<string, unknown>>;
}

/** The results of all cells; every run has to have an outcome. */
export function collect(plan: Plan, outcomes: ReadonlyMap<string, Outcome>): SweepCell[] {
  return plan.cells.map((cell) => collectCell(cell, outcomes));
}

function collectCell({variant, policy, load, runs}: Cell, outcomes: ReadonlyMap<string, Outcome>): SweepCell {
  const {parameters} = variant;
  const replications: RunSummary[] = [];
  for (const {hash} of runs) {
    const outcome = outcomes.get(hash)!;
    if ('cannot_run' in outcome) {
      return {parameters, policy, load, replications: [], aggregate: null, error: outcome.cannot_run};
    }
    replications.push(outcome.summary);
  }
  // The tenants' own rates come to a load as well.
  return {
    parameters,
    policy,
    load: load ?? replications[0].load,
    replications,
    aggregate: aggregate(replications),
  };
}
