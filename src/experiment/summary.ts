// The result of an experiment as it stands in summary.json: the same bytes for the same manifest.
import {InputError} from '../scheduler/errors.ts';
import {schemaVersion} from '../report/json.ts';
import {version} from './build.ts';
import type {Experiment} from './experiment.ts';
import {tenantNames} from './replay.ts';
import type {Plan, World} from './plan.ts';
import type {SweepCell} from './outcome.ts';

/** All figures of a result; `formatJson` puts the schema version in front. */
export interface Summary {
  readonly kind: 'superkernel-summary';
  readonly hash: string;
  readonly version: string;
  readonly name: string;
  readonly device: string;
  readonly world: World;
  readonly seed: number | string;
  readonly tenants: number;
  readonly duration_ns: number;
  readonly warmup_ns: number;
  readonly replications: number;
  /** The settings that vary. */
  readonly parameters: readonly string[];
  readonly cells: readonly SweepCell[];
}

export function summaryOf(
  {scenario, parameters}: Experiment,
  plan: Plan,
  cells: readonly SweepCell[],
): Summary {
  return {
    kind: 'superkernel-summary',
    hash: plan.hash,
    version,
    name: scenario.name,
    device: scenario.device,
    world: plan.world,
    seed: scenario.seed,
    tenants: tenantNames(scenario).length,
    duration_ns: scenario.duration,
    warmup_ns: scenario.warmup,
    replications: plan.cells.reduce((most, {runs}) => Math.max(most, runs.length), 0),
    parameters: parameters.map(({key}) => key),
    cells,
  };
}

/** Reads a summary back. Throws an InputError where the text is none, or of another version. */
export function parseSummary(text: string, file: string): Summary {
  let value: Partial<Summary> & {schema_version?: unknown};
  try {
    value = JSON.parse(text) as typeof value;
  } catch (error) {
    throw new InputError(`${file}: invalid JSON: ${(error as Error).message}`, {cause: error});
  }
  if (value?.kind !== 'superkernel-summary') throw new InputError(`${file}: not a summary of superkernel`);
  if (value.schema_version !== schemaVersion) {
    throw new InputError(
      `${file}: schema_version: expected ${schemaVersion}, got ${String(value.schema_version)}`,
    );
  }
  return value as Summary;
}
