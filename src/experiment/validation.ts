// A whole validation: every policy and load of an experiment through both worlds.
import {LaunchLog} from '../metrics/launchLog.ts';
import type {Experiment} from './experiment.ts';
import {LiveThread} from './liveThread.ts';
import {readProfile} from './profileFiles.ts';
import {simulateRun} from './simulate.ts';
import type {RunSpec} from './simulate.ts';
import {validateCell, verdicts} from './validate.ts';
import type {Runner, ValidatedCell, Verdict} from './validate.ts';

export interface ValidationOptions {
  /** As `readProfile` takes it. */
  readonly profile: string;
  readonly ordinal: number;
  /** Measured runs of each replication's arrivals. */
  readonly repeats: number;
  readonly signal: AbortSignal;
  readonly onCell: (cell: ValidatedCell, done: number, all: number) => void;
  readonly warn: (sentence: string) => void;
}

export interface Validation {
  readonly cells: readonly ValidatedCell[];
  readonly verdicts: readonly Verdict[];
}

/** Validates an experiment. Stops after the cell in progress when the signal says so; what was done is returned. */
export async function validateExperiment(
  {scenario, directory}: Experiment,
  {profile, ordinal, repeats, signal, onCell, warn}: ValidationOptions,
): Promise<Validation> {
  const device = readProfile(profile);
  const thread = new LiveThread();
  const simulate: Runner = async (spec) => {
    const log = new LaunchLog();
    return {summary: await simulateRun(spec, {profile: device, recorder: log}), launches: log.inOrder()};
  };
  const measure: Runner = async (spec) => {
    const outcome = await thread.run({spec, profile, ordinal, log: true});
    outcome.warnings.forEach(warn);
    return outcome;
  };
  const onAbort = (): void => thread.stop();
  signal.addEventListener('abort', onAbort);
  const cells: ValidatedCell[] = [];
  try {
    const loads = scenario.loads ?? [null];
    for (const load of loads) {
      for (const policy of scenario.policies) {
        if (signal.aborted) break;
        const specs = Array.from({length: scenario.replications}, (_, replication): RunSpec => ({
          scenario,
          policy,
          load,
          replication,
          directory,
        }));
        const cell = await validateCell(specs, simulate, measure, repeats);
        if (signal.aborted) break;
        cells.push(cell);
        onCell(cell, cells.length, loads.length * scenario.policies.length);
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await thread.close();
  }
  return {cells, verdicts: verdicts(cells)};
}
