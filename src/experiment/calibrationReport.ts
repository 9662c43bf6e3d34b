// The figures that say whether a calibration is good, as lines for a screen.
import {group} from 'd3';
import {errorsOf, worstOf} from '../gpu/calibration/check.ts';
import type {CheckErrors, CheckRow} from '../gpu/calibration/check.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import type {CostModel} from '../profile/costModel.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Measurements} from './calibratedProfile.ts';
import {compareForms, speedups} from './laneFit.ts';

export const us = (ns: number | undefined): string => ((ns ?? NaN) / 1e3).toFixed(1);
export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

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

/** Writes everything that matters of a finished calibration, line by line. */
export function report(
  rows: readonly CheckRow[],
  {lanes, noise, contexts, detectNs, points}: Measurements,
  model: CostModel,
  equivalence: readonly Equivalence[],
  log: (line: string) => void,
): void {
  const {host, launch, contention, elementwise} = model.profile;
  for (const [method, {fixed_ns, per_member_ns}] of Object.entries(host.submit)) {
    log(`submit ${method}: ${us(fixed_ns)} us + ${(per_member_ns / 1e3).toFixed(3)} us x R`);
  }
  log(`detect ${us(detectNs)} us, gap ${us(launch.gap_ns.value)} us, decide ${us(host.decide_ns.value)} us`);
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
  for (const form of compareForms(model, lanes)) {
    log(
      `sharing, ${form.form}: interference ${form.interference.toFixed(2)}, median ${percent(form.median)}, p90 ${percent(form.p90)}, bias ${percent(form.bias)}`,
    );
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
