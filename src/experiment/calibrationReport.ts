// The figures that say whether a calibration is good, as lines for a screen.
import {group} from 'd3';
import {errorsOf, worstOf} from '../gpu/calibration/check.ts';
import type {CheckErrors, CheckRow} from '../gpu/calibration/check.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import {workKey} from '../gpu/calibration/bench.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {shareErrors} from './calibratedProfile.ts';
import type {Measurements} from './calibratedProfile.ts';
import {compareForms, mixedRuns, speedups} from './laneFit.ts';

export const us = (ns: number | undefined): string => ((ns ?? NaN) / 1e3).toFixed(1);
export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

const equalRuns = (lanes: Measurements['lanes'], least: number, most: number): Measurements['lanes'] => {
  const mixed = new Set(mixedRuns(lanes));
  return lanes.filter((run) => !mixed.has(run) && run.works.length >= least && run.works.length <= most);
};

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

/** What the check, the lanes and the equivalence found, to be kept beside the profile as JSON. */
export function checkRecord(
  rows: readonly CheckRow[],
  measurements: Measurements,
  model: CostModel,
  equivalence: readonly Equivalence[],
): Record<string, unknown> {
  const {device, cublas, date, note, lanes} = measurements;
  const short = (value: number): number => Number(value.toPrecision(4));
  const shorten = (errors: object): object =>
    Object.fromEntries(
      Object.entries(errors).map(([key, value]) => [key, typeof value === 'number' ? short(value) : value]),
    );
  const sharing = (runs: Measurements['lanes']): object[] => compareForms(model, lanes, runs).map(shorten);
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
    sharing: {all: sharing(lanes), mixed: sharing(mixedRuns(lanes))},
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

/** Writes everything that matters of a finished calibration, line by line. */
export function report(
  rows: readonly CheckRow[],
  measurements: Measurements,
  model: CostModel,
  equivalence: readonly Equivalence[],
  log: (line: string) => void,
): void {
  const {lanes, noise, contexts, detectNs, points, shares} = measurements;
  const {host, launch, contention, elementwise} = model.profile;
  for (const [method, terms] of Object.entries(host.submit)) {
    if (terms === undefined) continue;
    const {fixed_ns, per_member_ns} = terms;
    log(`submit ${method}: ${us(fixed_ns)} us + ${(per_member_ns / 1e3).toFixed(3)} us x R`);
  }
  log(
    `detect ${us(detectNs)} us, gap ${us(launch.gap_ns.value)} us, pointers besides ${us(launch.pointer_copy_ns?.value)} us, decide ${us(host.decide_ns.value)} us`,
  );
  const gaps = group(
    points.filter(({queuedNs}) => queuedNs !== null),
    ({method}) => method,
  );
  for (const [method, members] of gaps) {
    const ratios = members
      .map(({queuedNs, after}) => queuedNs! / Math.max(500, after.p50 - detectNs))
      .sort((a, b) => a - b);
    const at = (p: number): string => ratios[Math.floor(p * (ratios.length - 1))].toFixed(2);
    log(
      `time per launch in a full lane over alone, ${method}: p10 ${at(0.1)} p50 ${at(0.5)} p90 ${at(0.9)} (${members.length})`,
    );
  }
  log(
    `element-wise: ${us(elementwise.launch_ns)} us + DRAM ${elementwise.gb_per_s} GB/s, L2 ${elementwise.l2_gb_per_s} GB/s`,
  );
  for (const {work, lanes: count, speedup} of speedups(lanes))
    log(`lanes ${count} x ${work}: ${speedup.toFixed(2)} x one`);
  const modelled = costModel(model.profile, {corrected: false});
  for (const {work, share, speedups} of shares) {
    const {kernel, size, method} = work;
    const of = speedups.map(([count, speedup]) => `${count}: ${speedup.toFixed(2)}`).join(' ');
    log(
      `share ${workKey(work)}: ${share.toFixed(3)} (modelled ${modelled.smShare(kernel, size, method).toFixed(3)}; speed-up ${of})`,
    );
  }
  const ofShares = shareErrors(model.profile, measurements);
  if (ofShares !== null) {
    const {rows, scale, median, scaledMedian} = ofShares;
    log(
      `shares, modelled: ${rows} rows, median ${percent(median)}; scaled by the other classes' ${scale.toFixed(2)}: ${percent(scaledMedian)}; ${contention.share_scale === undefined ? 'not scaled' : 'scaled'}`,
    );
  }
  const mixed = mixedRuns(lanes);
  for (const [name, runs] of [
    ['all lanes', lanes],
    ['mixed lanes', mixed],
    ['2 equal lanes', equalRuns(lanes, 2, 2)],
    ['3 and 4 equal lanes', equalRuns(lanes, 3, 4)],
    ['6 equal lanes and more', equalRuns(lanes, 6, Infinity)],
  ] as const) {
    for (const form of compareForms(model, lanes, runs)) {
      log(
        `sharing of ${name}, ${form.form}: interference ${form.interference.toFixed(2)}, median ${percent(form.median)}, p90 ${percent(form.p90)}, bias ${percent(form.bias)}`,
      );
    }
  }
  log(`interference ${contention.interference.value}`);
  for (const {work, medians, differences} of noise) {
    const spread = (Math.max(...medians) - Math.min(...medians)) / 2;
    log(
      `noise ${kernelKey(work.kernel)} R=${work.size}: median ${us(medians[0])} us, rounds +-${us(spread)} us, p90 +${us(differences[180])} us`,
    );
  }
  if (contexts !== null) {
    const {slicing, contextBytes} = contexts;
    log(
      `context ${((contextBytes ?? NaN) / 2 ** 20).toFixed(0)} MiB; time slice ${us(slicing?.sliceNs ?? NaN)} us, switch ${us(slicing?.switchNs ?? NaN)} us, ${slicing?.turns ?? 0} turns`,
    );
  }
  for (const {kernel, method, size, elements, equal, worst} of equivalence) {
    log(
      `equivalence ${kernelKey(kernel)} ${method} R=${size}: ${percent(equal / elements)} bit-exact, worst ${worst.toFixed(3)} of the tolerance`,
    );
  }
  if (rows.length === 0) return;
  for (const [name, errors] of [
    ['durations', durationErrors(rows)],
    ['round trips', roundTripErrors(rows)],
    ['submissions', submitErrors(rows)],
  ] as const) {
    log(
      `check of ${errors.rows} unseen superkernels, ${name}: median ${percent(errors.median)}, p90 ${percent(errors.p90)}, bias ${percent(errors.bias)}`,
    );
  }
  for (const {key, error, row} of worstOf(rows, 8)) {
    log(
      `  ${key}: ${percent(error)} (predicted ${us(row.predicted.durationNs)}, measured ${us(row.durationNs)} us)`,
    );
  }
}
