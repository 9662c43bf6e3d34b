// A whole validation: every policy and load of an experiment through both worlds.
import {LaunchLog} from '../metrics/launchLog.ts';
import {requireDevice} from '../gpu/cuda.ts';
import {profileOnDevice} from './checkProfile.ts';
import type {Experiment} from './experiment.ts';
import {launchNames} from './launchNames.ts';
import {LiveThread, StoppedError} from './liveThread.ts';
import {readProfile} from './profileFiles.ts';
import {CannotRunError, prepareRun, simulateRun} from './simulate.ts';
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
  /** Use a profile of another GPU all the same. */
  readonly force?: boolean;
  readonly onCell: (cell: ValidatedCell, done: number, all: number) => void;
  readonly warn: (sentence: string) => void;
}

/** A policy that cannot run the scenario, and why. */
export interface SkippedCell {
  readonly policy: string;
  readonly load: number | null;
  readonly reason: string;
}

export interface Validation {
  readonly cells: readonly ValidatedCell[];
  readonly skipped: readonly SkippedCell[];
  readonly verdicts: readonly Verdict[];
}

/**
 * Validates an experiment. When the signal says so it stops at once, and what was done is returned. A policy that cannot
 * run is skipped; where none can, its reason is thrown. Throws a NoDeviceError where there is no GPU, and an InputError
 * where the profile is of another, unless forced.
 */
export async function validateExperiment(
  {scenario, directory}: Experiment,
  {profile, ordinal, repeats, signal, force = false, onCell, warn}: ValidationOptions,
): Promise<Validation> {
  const device = readProfile(profile);
  const gpu = requireDevice()[ordinal];
  const told = new Set<string>();
  const warnOnce = (sentence: string): void => {
    if (!told.has(sentence)) warn(sentence);
    told.add(sentence);
  };
  if (gpu !== undefined) profileOnDevice(device, gpu, {force, warn: warnOnce});
  const thread = new LiveThread();
  const simulate: Runner = async (spec) => {
    const log = new LaunchLog(spec.scenario['own-host'] ? Math.round(device.host.detect_ns.value) : 0);
    return {summary: await simulateRun(spec, {profile: device, recorder: log}), launches: log.inOrder()};
  };
  const measure: Runner = async (spec) => {
    const outcome = await thread.run({spec, profile, ordinal, log: true});
    outcome.warnings.forEach(warnOnce);
    return outcome;
  };
  const onAbort = (): void => thread.stop();
  signal.addEventListener('abort', onAbort);
  const cells: ValidatedCell[] = [];
  const skipped: SkippedCell[] = [];
  try {
    const loads = scenario.loads ?? [null];
    const all = loads.length * scenario.policies.length;
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
        try {
          const names = launchNames(await prepareRun(specs[0], device));
          const cell = await validateCell(specs, simulate, measure, repeats, names);
          cells.push(cell);
          onCell(cell, cells.length + skipped.length, all);
        } catch (error) {
          if (error instanceof StoppedError) break;
          if (!(error instanceof CannotRunError)) throw error;
          if (skipped.length + 1 === all) throw error;
          skipped.push({policy, load, reason: error.message});
        }
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await thread.close();
  }
  return {cells, skipped, verdicts: verdicts(cells)};
}
