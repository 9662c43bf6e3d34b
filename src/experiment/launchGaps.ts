// What lies between two kernels of a lane, and between the starts of kernels on the device.
import {timesHost} from '../gpu/calibration/point.ts';
import type {Point} from '../gpu/calibration/point.ts';
import {medianOf} from '../gpu/calibration/samples.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import {assumed, measuredHere} from './measurements.ts';
import type {Measurements} from './measurements.ts';

/** Fewer kernels that differ say nothing. */
const leastPoints = 5;

/** The profile's `launch`. */
export function launchTerms(
  {points, detectNs, starts}: Pick<Measurements, 'points' | 'detectNs' | 'starts'>,
  base: DeviceProfile['launch'],
): DeviceProfile['launch'] {
  const {gap, step, copy} = gapsOf(points, detectNs);
  const measured = (ns: number) => ({value: Math.round(ns), source: measuredHere});
  return {
    gap_ns: gap === null ? {value: base.gap_ns.value, source: assumed} : measured(gap),
    ...(copy === null ? {} : {pointer_copy_ns: measured(Math.max(0, copy - (gap ?? base.gap_ns.value)))}),
    // Not the gap between launches, as for kernels that no run was captured of: there is no flag between them.
    step_gap_ns: step === null ? {value: base.step_gap_ns?.value ?? 0, source: assumed} : measured(step),
    ...(starts === null ? {} : {start_interval_ns: measured(starts.intervalNs)}),
  };
}

/**
 * What a kernel takes longer behind another than on an idle lane, in ns; null where unknown. Behind another launch: the
 * other's flag (`gap`), and the copy of the arrays of pointers, which an idle lane does while the host submits (`copy`
 * holds both). Behind a kernel of the same captured run: little or nothing (`step`), as detection is what singles on an
 * idle lane take beyond that.
 */
export function gapsOf(
  points: readonly Point[],
  detectNs: number,
): {gap: number | null; step: number | null; copy: number | null} {
  const beyond = (
    timeOf: (point: Point) => number | null,
    isCounted: (point: Point) => boolean,
  ): number | null => {
    const found = points.flatMap((point) => {
      const {kernel, after, submit} = point;
      const ns = timeOf(point);
      const shows = kernel.op === 'gemm' && ns !== null && after.p50 > timesHost * submit.p50;
      return shows && isCounted(point) ? [ns - (after.p50 - detectNs)] : [];
    });
    return found.length < leastPoints ? null : Math.max(0, medianOf(found));
  };
  const isSingle = ({method, size}: Point): boolean => method === 'single' && size === 1;
  return {
    gap: beyond(({queuedNs}) => queuedNs, isSingle),
    step: beyond(({stepNs}) => stepNs, isSingle),
    copy: beyond(
      ({queuedNs}) => queuedNs,
      ({method}) => method === 'batched' || method === 'grouped',
    ),
  };
}

/** What pointers cost over equal distances in ns, where both were measured; else null. */
export function pointersNs(points: readonly Point[]): number | null {
  const key = ({kernel, size}: Point): string => `${kernelKey(kernel)} ${size}`;
  const batched = new Map(
    points.filter(({method}) => method === 'batched').map((point) => [key(point), point]),
  );
  const differences = points
    .filter((point) => point.method === 'strided' && batched.has(key(point)))
    .map((point) => batched.get(key(point))!.after.p50 - point.after.p50);
  return differences.length === 0 ? null : Math.max(0, Math.round(medianOf(differences)));
}
