// The figures that say whether a calibration is good, as lines for a screen.
import {group} from 'd3-array';
import {worstOf} from '../gpu/calibration/check.ts';
import type {CheckRow} from '../gpu/calibration/check.ts';
import type {Equivalence} from '../gpu/calibration/equivalence.ts';
import {latencyKinds} from '../gpu/calibration/observedDevice.ts';
import {workKey} from '../gpu/calibration/work.ts';
import {sharingTermsOf} from '../profile/contention.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import {durationErrors, roundTripErrors, submitErrors} from './calibrationRecord.ts';
import {shareErrors} from './contentionFit.ts';
import type {HostRun} from './hostRuns.ts';
import {sharingResiduals, speedups} from './laneFit.ts';
import type {Measurements} from './measurements.ts';
import type {SharingFit} from './sharingFit.ts';

export const us = (ns: number | undefined): string => ((ns ?? NaN) / 1e3).toFixed(1);
export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Writes the host's terms, and what they come from. */
export function reportHost(
  runs: readonly HostRun[],
  {host}: DeviceProfile,
  log: (line: string) => void,
): void {
  const line = (name: string, {fixed_ns, per_member_ns}: {fixed_ns: number; per_member_ns: number}): void =>
    log(`${name}: ${us(fixed_ns)} us + ${(per_member_ns / 1e3).toFixed(3)} us x R`);
  const each = (ofPolicies: Readonly<Record<string, {value: number}>> | undefined, policy: string): string =>
    ((ofPolicies?.[policy]?.value ?? 0) / 1e3).toFixed(3);
  for (const [method, terms] of Object.entries(host.submit))
    if (terms !== undefined) line(`submit ${method}`, terms);
  for (const [method, terms] of Object.entries(host.follow ?? {})) line(`follow ${method}`, terms);
  log(`detect ${us(host.detect_ns.value)} us, decide ${us(host.decide_ns.value)} us`);
  for (const [policy, {value}] of Object.entries(host.decide_by_policy ?? {}))
    log(
      `decide under ${policy}: ${us(value)} us + ${each(host.decide_launches_by_policy, policy)} us x launches seen and made + ${each(host.decide_members_by_policy, policy)} us x their further members`,
    );
  for (const {policy, latencies} of runs) {
    const of = latencyKinds.flatMap((kind) => {
      const spread = latencies[kind];
      if (spread === null) return [];
      const {n, p10, p50, p90} = spread;
      return [`${kind} ${n}, p10 ${us(p10)} p50 ${us(p50)} p90 ${us(p90)}`];
    });
    if (of.length > 0) log(`seen after the predicted end under ${policy}, us: ${of.join('; ')}`);
  }
  for (const {policy, wakeUps, submits} of runs) {
    const {whole, first} = wakeUps;
    log(
      `wake-ups under ${policy}: ${whole.n}, mean ${us(whole.mean)} us, p50 ${us(whole.p50)}, p99 ${us(whole.p99)}; until the first submission p50 ${us(first.p50)}, p99 ${us(first.p99)}`,
    );
    const common = submits.toSorted((a, b) => b.ns.n - a.ns.n).slice(0, 4);
    for (const {op, method, size, steps, ns} of common) {
      log(
        `  submit ${op} ${method} R=${size}, ${steps} steps: ${ns.n}, p50 ${us(ns.p50)} us, p99 ${us(ns.p99)} us`,
      );
    }
  }
}

const termsText = ({interference, crowding, crowdedInterference, mixing, coalesced}: SharingTerms): string =>
  `interference ${interference.toFixed(3)}, crowding ${crowding.toFixed(3)} to ${crowdedInterference.toFixed(3)}, mixing ${mixing.toFixed(3)}, of launches that coalesce times ${coalesced.toFixed(3)}`;

const named = (model: string, batch: number): string => (batch === 1 ? model : `${model} (batch ${batch})`);

/** Writes what co-runs of models made of the terms of sharing. */
export function reportSharing(
  {before, after, train, test, holds, rows, kinds, lateNs}: SharingFit,
  log: (line: string) => void,
): void {
  const both = (of: {before: number; after: number}): string =>
    `${percent(of.before)} -> ${percent(of.after)}`;
  log(`co-runs: ${termsText(before)} -> ${termsText(after)}`);
  log(`  mean error of kinds ${both(train)}${test === null ? '' : `, of unseen runs ${both(test)}`}`);
  if (!holds)
    log('  what some runs show does not hold for the others: terms stay as lanes side by side have them');
  log(`  ends seen ${us(lateNs)} us later than by a host that only waits`);
  for (const {model, batch, method, size, launches, pace, exposure, pressure} of kinds)
    log(
      `  ${named(model, batch)} ${method} R=${size}, ${launches} launches: pace ${pace}, exposure ${exposure}, pressure ${pressure}`,
    );
  for (const {policy, load, model, batch, method, size, launches, before, after} of rows) {
    log(
      `  ${policy} at ${load}, ${named(model, batch)} ${method} R=${size}, ${launches} launches: ${percent(before)} off -> ${percent(after)}`,
    );
  }
}

function reportGaps(
  {points, detectNs, starts}: Measurements,
  {launch}: DeviceProfile,
  log: (line: string) => void,
): void {
  log(
    `gap ${us(launch.gap_ns.value)} us, in a captured run ${us(launch.step_gap_ns?.value)} us, pointers besides ${us(launch.pointer_copy_ns?.value)} us`,
  );
  for (const [lanes, ns] of starts?.byLanes ?? [])
    log(`a tiny kernel on ${lanes} lanes every ${Math.round(ns)} ns`);
  const times = points.flatMap(({method, queuedNs, stepNs, after}) => {
    const alone = Math.max(500, after.p50 - detectNs);
    return [
      ...(queuedNs === null ? [] : [{name: `a full lane over alone, ${method}`, ratio: queuedNs / alone}]),
      ...(stepNs === null ? [] : [{name: `a captured run over alone, ${method}`, ratio: stepNs / alone}]),
    ];
  });
  for (const [name, members] of group(times, ({name}) => name)) {
    const ratios = members.map(({ratio}) => ratio).sort((a, b) => a - b);
    const at = (p: number): string => ratios[Math.floor(p * (ratios.length - 1))].toFixed(2);
    log(`time per launch in ${name}: p10 ${at(0.1)} p50 ${at(0.5)} p90 ${at(0.9)} (${members.length})`);
  }
}

/** Writes everything that matters of a finished calibration, line by line. */
export function report(
  rows: readonly CheckRow[],
  measurements: Measurements,
  model: CostModel,
  equivalence: readonly Equivalence[],
  log: (line: string) => void,
): void {
  const {lanes, noise, contexts, shares} = measurements;
  const {contention, elementwise} = model.profile;
  const {interference, crowding, crowdedInterference, mixing, coalesced} = sharingTermsOf(model.profile);
  reportHost(measurements.hostRuns, model.profile, log);
  reportGaps(measurements, model.profile, log);
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
  log(
    `interference ${interference}, crowding ${crowding} to ${crowdedInterference}, mixing ${mixing}, of launches that coalesce times ${coalesced}`,
  );
  for (const {group, runs, median, p90, bias} of sharingResiduals(model, lanes)) {
    log(
      `  with it, ${group}: ${runs} runs, median ${percent(median)}, p90 ${percent(p90)}, bias ${percent(bias)}`,
    );
  }
  for (const {work, medians, differences} of noise) {
    const spread = (Math.max(...medians) - Math.min(...medians)) / 2;
    log(
      `noise ${kernelKey(work.kernel)} R=${work.size}: median ${us(medians[0])} us, rounds +-${us(spread)} us, p90 +${us(differences[180])} us`,
    );
  }
  if (contexts !== null) {
    const {slicing, yielding, contextBytes} = contexts;
    log(
      `context ${((contextBytes ?? NaN) / 2 ** 20).toFixed(0)} MiB; time slice ${us(slicing?.sliceNs ?? NaN)} us, switch ${us(slicing?.switchNs ?? NaN)} us, ${slicing?.turns ?? 0} turns; yield ${us(yielding?.queuedNs ?? NaN)} us with work waiting, ${us(yielding?.idleNs ?? NaN)} us without`,
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
