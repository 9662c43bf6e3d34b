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
  /** What share longer every kernel of the session took, as at a lower clock; none: nothing. */
  readonly slower?: {readonly share: number} | undefined;
}

/** What a profile knows of the conditions of a measurement. A session with a name of its own held the clock. */
export function conditionsOf({sources}: DeviceProfile, {source, session, method}: Measurement): Conditions {
  const known = sources[source];
  const kind = launchKindOf(method);
  if (kind === 'grouped' || known === undefined) return {host: {ns: 0}};
  const host = {ns: known.host_ns?.[kind] ?? 0};
  if (session === undefined) return {host, throttle: known.throttle?.[kind]};
  const share = known.slower?.[session];
  return {host, slower: share === undefined ? undefined : {share}};
}

/** Launches whose conditions a source states: nobody has published grouped ones. */
export type PublishedLaunch = Exclude<LaunchKind, 'grouped'>;

/** No launch is shown to take less, whatever was taken off its time. */
const leastShownNs = 2000;

/** The time in ns that is measured of a kernel that takes `kernelNs` at the clock that its source names. */
export function shownNs(
  kernelNs: number,
  {host, throttle, slower}: Conditions,
  problem: Measurement,
): number {
  const held = slower === undefined ? kernelNs : kernelNs * (1 + slower.share);
  const ns = throttle === undefined ? held : throttledNs(held, throttle, problem);
  return Math.max(ns + host.ns, Math.min(ns, leastShownNs));
}

/**
 * A launch is repeated to be measured: the longer it takes, the longer the GPU is under full load, until it lowers its
 * clock to stay within its power limit. It is the arithmetic that draws the power, and the part of a tile that lies outside
 * of C multiplies zeros, which draw little: only what its useful part takes counts.
 */
function throttledNs(
  kernelNs: number,
  {share, half_ns, tflops}: Throttle,
  {batch, m, n, k}: Measurement,
): number {
  const load = (kernelNs / half_ns) ** 2;
  const loadedNs =
    tflops === undefined ? kernelNs : Math.min(kernelNs, (2 * batch * m * n * k) / (1000 * tflops));
  return kernelNs + (loadedNs * share * load) / (1 + load);
}
