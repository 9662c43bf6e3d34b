// What a source's times say of a kernel: the kernel itself, a host's part, and a GPU that slows under load.
import type {LaunchKind} from './gemmModel.ts';
import {launchKindOf} from './measurement.ts';
import type {Measurement} from './measurement.ts';
import type {DeviceProfile, Throttle} from './profile.ts';

/** Under which conditions a launch was measured. */
export interface Conditions {
  /** What the time holds besides the kernel, in ns; below 0 where too much was taken off. */
  readonly host: {readonly ns: number};
  /** How the GPU slowed down under the load of the measurement; none: it held its clock. */
  readonly throttle?: Throttle | undefined;
}

/** What a profile knows of the conditions of a measurement. A session with a name of its own held the clock. */
export function conditionsOf({sources}: DeviceProfile, {source, session, method}: Measurement): Conditions {
  const known = sources[source];
  const kind = launchKindOf(method);
  if (kind === 'grouped' || known === undefined) return {host: {ns: 0}};
  const throttle = session === undefined ? known.throttle?.[kind] : undefined;
  return {host: {ns: known.host_ns?.[kind] ?? 0}, throttle};
}

/** Launches whose conditions a source states: nobody has published grouped ones. */
export type PublishedLaunch = Exclude<LaunchKind, 'grouped'>;

/** No launch is shown to take less, whatever was taken off its time. */
const leastShownNs = 2000;

/** The time in ns that is measured of a kernel that takes `kernelNs` at the clock that its source names. */
export function shownNs(kernelNs: number, {host, throttle}: Conditions): number {
  const ns = throttle === undefined ? kernelNs : throttledNs(kernelNs, throttle);
  return Math.max(ns + host.ns, Math.min(ns, leastShownNs));
}

/**
 * A launch is repeated to be measured: the longer it takes, the longer the GPU is under full load, until it lowers its
 * clock to stay within its power limit.
 */
function throttledNs(kernelNs: number, {share, half_ns}: Throttle): number {
  const load = (kernelNs / half_ns) ** 2;
  return kernelNs * (1 + (share * load) / (1 + load));
}
