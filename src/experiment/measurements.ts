// What a calibration has measured, and how the parts of it are named as sources.
import type {DeviceProperties} from '../gpu/cuda.ts';
import type {HostCalls} from '../gpu/calibration/calls.ts';
import type {ContextCosts} from '../gpu/calibration/contexts.ts';
import type {LaneRun} from '../gpu/calibration/lanes.ts';
import type {Repetition} from '../gpu/calibration/noise.ts';
import type {Point} from '../gpu/calibration/point.ts';
import type {MeasuredShare} from '../gpu/calibration/shares.ts';
import type {Starts} from '../gpu/calibration/starts.ts';
import type {HostRun} from './hostRuns.ts';

/** Everything that a calibration has measured. */
export interface Measurements {
  readonly name: string;
  readonly device: DeviceProperties;
  /** SM clock under load in MHz; NaN where unknown. */
  readonly clockMHz: number;
  readonly cublas: string;
  /** ISO date, e.g. 2026-01-31. */
  readonly date: string;
  /** Driver, clocks, power, temperature, command: for people. */
  readonly note: string;
  readonly calls: HostCalls | null;
  /** Live runs; none before there is a profile for their policies to decide by. */
  readonly hostRuns: readonly HostRun[];
  readonly detectNs: number;
  readonly points: readonly Point[];
  readonly elementwise: readonly Point[];
  readonly lanes: readonly LaneRun[];
  readonly shares: readonly MeasuredShare[];
  readonly starts: Starts | null;
  readonly noise: readonly Repetition[];
  readonly contexts: ContextCosts | null;
}

/** Sources: measured by this calibration, of the device and of the host; and not measured at all. */
export const measuredHere = 'calibration';
export const measuredHost = 'host';
export const assumed = 'assumption';

/** The device cannot do anything in less: a kernel's launch takes longer. */
const leastNs = 500;

/** Time on the device of what took `afterNs` until it was seen. */
export function deviceNs(afterNs: number, detectNs: number): number {
  return Math.max(leastNs, afterNs - detectNs);
}
