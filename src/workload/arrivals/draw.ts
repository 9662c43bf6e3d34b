import type {Nanoseconds} from '../../scheduler/clock.ts';
import {InputError} from '../../scheduler/errors.ts';
import type {Random} from '../random.ts';
import {drawConstant} from './constant.ts';
import {operationalTime, rescale} from './diurnal.ts';
import {drawModulated} from './modulated.ts';
import {drawRenewal} from './renewal.ts';
import {replay} from './replay.ts';
import {isClosed, type ArrivalSpec, type StationarySpec} from './schema.ts';

/**
 * The arrivals of a tenant in [0, durationNs): sorted, in whole nanoseconds. Random processes start in their stationary
 * state, so that a run of any length expects rate x duration arrivals. Give each tenant a stream of its own, and the
 * others' arrivals do not depend on it. Throws an InputError for closed loops, which answers set off.
 */
export function drawArrivals(spec: ArrivalSpec, durationNs: Nanoseconds, random: Random): Float64Array {
  if (isClosed(spec))
    throw new InputError(`${spec.process} arrivals cannot be drawn ahead: answers set them off`);
  if (!(durationNs >= 0 && durationNs <= Number.MAX_SAFE_INTEGER))
    throw new InputError(`invalid duration: ${durationNs} ns (expected 0 to 2^53 ns)`);
  if (spec.process === 'trace') return replay(spec, durationNs);
  if (spec.process !== 'diurnal') return drawStationary(spec, durationNs, random);
  const time = operationalTime(spec);
  return rescale(drawStationary(spec.base, time.at(durationNs), random), time, durationNs);
}

function drawStationary(spec: StationarySpec, end: number, random: Random): Float64Array {
  if (spec.process === 'constant') return drawConstant(spec, end, random);
  if (spec.process === 'on-off' || spec.process === 'mmpp') return drawModulated(spec, end, random);
  return drawRenewal(spec, end, random);
}
