// The mean rate of arrivals, and the same arrivals at another mean rate: how a caller sets a load.
import {InputError} from '../../scheduler/errors.ts';
import {modulatedRate, statesOf} from './modulated.ts';
import {isClosed, type ArrivalSpec, type OpenSpec} from './schema.ts';

/**
 * Requests per second in the long run. Null where the arrivals have none of their own: closed loops go as fast as they
 * are answered, and a single time that does not repeat has no rate.
 */
export function meanRate(spec: ArrivalSpec): number | null {
  if (isClosed(spec)) return null;
  if (spec.process === 'diurnal') return meanRate(spec.base);
  if (spec.process === 'on-off' || spec.process === 'mmpp') return modulatedRate(statesOf(spec));
  if (spec.process !== 'trace') return spec.rate;
  const {at, repeat} = spec;
  if (repeat !== undefined) return (at.length / repeat) * 1e9;
  const span = at[at.length - 1] - at[0];
  return span === 0 ? null : ((at.length - 1) / span) * 1e9;
}

/**
 * The same arrivals at another mean rate (per second). Burstiness stays: modulated processes keep their sojourns and
 * scale the rates of their states, diurnal ones keep their period, given times are stretched or compressed. Throws an
 * InputError where the arrivals have no rate to change.
 */
export function withRate<S extends ArrivalSpec>(spec: S, ratePerSecond: number): S;
export function withRate(spec: ArrivalSpec, ratePerSecond: number): ArrivalSpec {
  if (!(ratePerSecond > 0 && ratePerSecond < Infinity))
    throw new InputError(`invalid rate: ${ratePerSecond} (expected a number above 0)`);
  const mean = meanRate(spec);
  if (isClosed(spec) || mean === null)
    throw new InputError(`${spec.process} arrivals have no rate to set (expected an open process)`);
  return scaled(spec, ratePerSecond, ratePerSecond / mean);
}

function scaled(spec: OpenSpec, rate: number, factor: number): OpenSpec {
  if (spec.process === 'diurnal') return {...spec, base: withRate(spec.base, rate)};
  if (spec.process === 'on-off')
    return {...spec, onRate: spec.onRate * factor, offRate: spec.offRate * factor};
  if (spec.process === 'mmpp')
    return {...spec, states: spec.states.map((state) => ({...state, rate: state.rate * factor}))};
  if (spec.process !== 'trace') return {...spec, rate};
  const at = spec.at.map((time) => Math.round(time / factor));
  if (spec.repeat === undefined) return {...spec, at};
  return {...spec, at, repeat: Math.max(Math.round(spec.repeat / factor), at[at.length - 1] + 1)};
}
