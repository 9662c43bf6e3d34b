import type {ArrivalSpec} from './schema.ts';

/** Whether chance has a part in when requests arrive, and not only the scenario and the answers. */
export function isDrawn(spec: ArrivalSpec): boolean {
  if (spec.process === 'constant') return spec.phase === undefined;
  if (spec.process === 'diurnal') return isDrawn(spec.base);
  if (spec.process === 'closed-loop')
    return typeof spec.think !== 'number' && spec.think.distribution !== 'constant';
  return spec.process !== 'saturated' && spec.process !== 'trace';
}
