// What the check, the lanes, the host and the equivalence of a calibration found, small enough to be kept beside the profile.
import {errorsOf} from '../gpu/calibration/check.ts';
import type {CheckErrors, CheckRow} from '../gpu/calibration/check.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import {latencyKinds} from '../gpu/calibration/observedDevice.ts';
import type {Spread} from '../gpu/calibration/samples.ts';
import type {CostModel} from '../profile/costModel.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {shareErrors} from './contentionFit.ts';
import {wakeUpTerms} from './hostFit.ts';
import type {HostRun} from './hostRuns.ts';
import {sharingResiduals} from './laneFit.ts';
import type {Measurements} from './measurements.ts';
import type {SharingFit} from './sharingFit.ts';

/** Predicted against measured durations. */
export const durationErrors = (rows: readonly CheckRow[]): CheckErrors =>
  errorsOf(rows.map((row) => [row.predicted.durationNs, row.durationNs]));

/** Predicted against measured round trips, submission and detection included. */
export const roundTripErrors = (rows: readonly CheckRow[]): CheckErrors =>
  errorsOf(
    rows.map(({predicted, roundNs}) => [
      predicted.submitNs + predicted.durationNs + predicted.detectNs,
      roundNs,
    ]),
  );

/** Predicted against measured host time of the submission: what round trips miss that durations do not. */
export const submitErrors = (rows: readonly CheckRow[]): CheckErrors =>
  errorsOf(rows.map(({predicted, submitNs}) => [predicted.submitNs, submitNs]));

const short = (value: number): number => Number(value.toPrecision(4));
const shorten = (errors: object): object =>
  Object.fromEntries(
    Object.entries(errors).map(([key, value]) => [key, typeof value === 'number' ? short(value) : value]),
  );

/**
 * The host's times in one run, in ns: of wake-ups (of them a `fixed` part, one for each launch seen to end or made, and one for
 * each further member of those), from a launch's predicted end until it was seen, and of the submissions that are common enough to tell.
 */
export function hostRecord(run: HostRun): object {
  const {policy, submits, latencies, wakeUps} = run;
  const spread = ({n, p50, p99}: {n: number; p50: number; p99: number}) => ({
    n,
    p50: Math.round(p50),
    p99: Math.round(p99),
  });
  const edges = ({n, p10, p50, p90}: Spread) => ({
    n,
    p10: Math.round(p10),
    p50: Math.round(p50),
    p90: Math.round(p90),
  });
  const {fixed, perLaunch, perMember} = wakeUpTerms([run]);
  return {
    policy,
    wake_ups: {
      mean: Math.round(wakeUps.whole.mean),
      ...spread(wakeUps.whole),
      fixed: Math.round(fixed),
      per_launch: Math.round(perLaunch),
      per_member: Number(perMember.toFixed(1)),
      until_first_submission: spread(wakeUps.first),
    },
    seen_after_predicted_end: Object.fromEntries(
      latencyKinds.map((kind) => [kind, latencies[kind] === null ? null : edges(latencies[kind])]),
    ),
    submissions: submits
      .filter(({ns}) => ns.n >= 20)
      .map(({op, method, size, steps, ns}) => ({op, method, size, steps, ...spread(ns)})),
  };
}

/** The terms of sharing before and after they were fitted to co-runs, and how far launches are from them. */
function sharingRecord({before, after, train, test, rows, kinds}: SharingFit): object {
  return {
    terms: {before: shorten(before), after: shorten(after)},
    train: shorten(train),
    test: test === null ? null : shorten(test),
    kinds,
    rows: rows.map(shorten),
  };
}

/** What was found, as JSON. */
export function checkRecord(
  rows: readonly CheckRow[],
  measurements: Measurements,
  model: CostModel,
  equivalence: readonly Equivalence[],
  sharing: SharingFit | null = null,
): Record<string, unknown> {
  const {device, cublas, date, note, lanes, hostRuns, starts, contexts} = measurements;
  return {
    profile: model.profile.name,
    gpu: device.name,
    cublas,
    date,
    note,
    unseen:
      rows.length === 0
        ? null
        : {
            durations: shorten(durationErrors(rows)),
            round_trips: shorten(roundTripErrors(rows)),
            submissions: shorten(submitErrors(rows)),
            superkernels: rows.map(({work, predicted, durationNs, roundNs, submitNs}) => ({
              kernel: kernelKey(work.kernel),
              method: work.method,
              size: work.size,
              predicted_ns: predicted.durationNs,
              measured_ns: Math.round(durationNs),
              measured_round_ns: Math.round(roundNs),
              measured_submit_ns: Math.round(submitNs),
            })),
          },
    lanes: sharingResiduals(model, lanes).map(shorten),
    co_runs: sharing === null ? null : sharingRecord(sharing),
    host: hostRuns.map(hostRecord),
    starts: starts?.byLanes.map(([lanes, ns]) => ({lanes, ns: short(ns)})) ?? null,
    yielding: contexts?.yielding ?? null,
    shares: shareErrors(model.profile, measurements),
    equivalence: equivalence.map(({kernel, method, size, elements, equal, worst}) => ({
      kernel: kernelKey(kernel),
      method,
      size,
      bit_exact: short(equal / elements),
      worst_of_tolerance: short(worst),
    })),
  };
}
