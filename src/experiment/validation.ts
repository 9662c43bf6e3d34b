// A whole validation: every policy and load of an experiment through both worlds.
import {rmSync} from 'node:fs';
import {Journal} from '../gpu/calibration/journal.ts';
import {LaunchLog} from '../metrics/launchLog.ts';
import {deviceState, requireDevice} from '../gpu/cuda.ts';
import {profileOnDevice} from './checkProfile.ts';
import type {Experiment} from './experiment.ts';
import {launchNames} from './launchNames.ts';
import {LiveThread, StoppedError} from './liveThread.ts';
import {makePlan} from './plan.ts';
import type {Plan} from './plan.ts';
import {readProfile} from './profileFiles.ts';
import {CannotRunError, prepareRun, simulateRun} from './simulate.ts';
import {validateCell} from './validate.ts';
import type {RunCounts, Runner, ValidatedCell} from './validate.ts';
import {verdicts} from './verdict.ts';
import type {Verdict} from './verdict.ts';

/** The GPU is taken to run at the profile's clock where its own is so near: a step of an H200's is 15 MHz. */
const clockMargin = 0.005;

export interface ValidationOptions {
  /** As `readProfile` takes it. */
  readonly profile: string;
  readonly ordinal: number;
  /** Runs of each replication's arrivals. */
  readonly counts: RunCounts;
  readonly signal: AbortSignal;
  /** Use a profile of another GPU all the same. */
  readonly force?: boolean;
  /**
   * File that keeps every finished policy and load until all are done, so that an interrupted validation goes on; null for
   * none.
   */
  readonly partial: string | null;
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
 * where the profile is of another, unless forced, or where `partial` is of another validation.
 */
export async function validateExperiment(
  experiment: Experiment,
  {profile, ordinal, counts, signal, force = false, partial, onCell, warn}: ValidationOptions,
): Promise<Validation> {
  const device = readProfile(profile);
  const gpu = requireDevice()[ordinal];
  const told = new Set<string>();
  const warnOnce = (sentence: string): void => {
    if (!told.has(sentence)) warn(sentence);
    told.add(sentence);
  };
  if (gpu !== undefined) profileOnDevice(device, gpu, {force, warn: warnOnce});
  const plan = await makePlan(experiment, 'live');
  const journal = new Journal(partial, {validation: plan.hash, gpu: gpu?.name, ...counts, format: 3});
  const thread = new LiveThread();
  const simulate: Runner = async (spec, draw) => {
    // Launches are compared of the first run.
    if (draw > 0)
      return {summary: await simulateRun(spec, {profile: device, draw}), launches: [], clockMHz: null};
    const log = new LaunchLog(spec.scenario['own-host'] ? Math.round(device.host.detect_ns.value) : 0);
    const summary = await simulateRun(spec, {profile: device, recorder: log});
    return {summary, launches: log.inOrder(), clockMHz: null};
  };
  const measure: Runner = async (spec) => {
    const outcome = await thread.run({spec, profile, ordinal, log: true, keepHost: true});
    outcome.warnings.forEach(warnOnce);
    // Not in the run, which it might disturb: the clock stays for longer than this takes.
    const clock = gpu === undefined ? NaN : (deviceState(gpu)?.smClockMHz ?? NaN);
    const usual = device.hardware.clock_mhz.value;
    if (Math.abs(clock / usual - 1) > clockMargin) {
      warnOnce(
        `the GPU ran at ${clock} MHz, the profile was measured at ${usual} MHz: what computes takes as much longer or shorter`,
      );
    }
    return {...outcome, clockMHz: Number.isNaN(clock) ? null : clock};
  };
  const onAbort = (): void => thread.stop();
  signal.addEventListener('abort', onAbort);
  const cells: ValidatedCell[] = [];
  const skipped: SkippedCell[] = [];
  try {
    for (const {policy, load, runs} of byLoad(plan)) {
      if (signal.aborted) break;
      const key = `${policy} at ${load ?? 'own'} load`;
      try {
        if (!journal.has(key)) {
          const names = launchNames(await prepareRun(runs[0].spec, device));
          const specs = runs.map(({spec}) => spec);
          journal.record(key, await validateCell(specs, simulate, measure, counts, names));
        }
        const cell = journal.get(key) as ValidatedCell;
        cells.push(cell);
        onCell(cell, cells.length + skipped.length, plan.cells.length);
      } catch (error) {
        if (error instanceof StoppedError) break;
        if (!(error instanceof CannotRunError)) throw error;
        if (skipped.length + 1 === plan.cells.length) throw error;
        skipped.push({policy, load, reason: error.message});
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await thread.close();
    const isDone = cells.length + skipped.length === plan.cells.length;
    if (partial !== null && (isDone || cells.length === 0)) rmSync(partial);
  }
  return {cells, skipped, verdicts: verdicts(cells)};
}

/**
 * All policies at the first load, then at the second: what was done when it is interrupted can be compared, and a host or GPU that
 * changes while it goes on changes for all policies of a load alike. So a live host is kept for the runs of one policy and load, and
 * for the next load only where no other policy comes between. Two hosts kept at once would not do: one's memory, graphs and streams,
 * of which the hardware has queues for some dozens, are missing to the other.
 */
function byLoad({cells}: Plan): Plan['cells'] {
  const loads = [...new Set(cells.map(({load}) => load))];
  return loads.flatMap((load) => cells.filter((cell) => cell.load === load));
}
