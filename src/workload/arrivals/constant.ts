import type {Nanoseconds} from '../../scheduler/clock.ts';
import type {Random} from '../random.ts';
import type {SpecOf} from './schema.ts';
import {TimeList} from './timeList.ts';

/** Evenly spaced arrivals in [0, end), each computed from its index so that long runs do not drift. */
export function drawConstant(spec: SpecOf<'constant'>, end: Nanoseconds, random: Random): Float64Array {
  const gap = 1e9 / spec.rate;
  // A drawn phase keeps tenants of one rate from arriving together, which would flatter coalescing.
  const phase = spec.phase ?? random() * gap;
  const times = new TimeList(end / gap);
  for (let i = 0, at = phase; at < end; at = phase + ++i * gap) times.push(at);
  return times.take();
}
