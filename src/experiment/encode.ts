import {z} from 'zod';
import {arrivalSchema} from '../workload/arrivals/schema.ts';
import {formatDuration} from '../workload/units.ts';
import type {Scenario} from './scenario.ts';

/** A scenario as a person could have written it, with every default in place: `parseScenario` gives it back. */
export function encodeScenario(scenario: Scenario): Record<string, unknown> {
  const {duration, warmup, drain, tenants, stragglers, ...rest} = scenario;
  return {
    ...rest,
    duration: formatDuration(duration),
    warmup: formatDuration(warmup),
    ...(drain === undefined ? {} : {drain: formatDuration(drain)}),
    tenants: tenants.map(({slo, arrivals, ...tenant}) => ({
      ...tenant,
      slo: {...slo, latency: formatDuration(slo.latency)},
      arrivals: z.encode(arrivalSchema, arrivals),
    })),
    stragglers: stragglers.map(({from, to, ...straggler}) => ({
      ...straggler,
      from: formatDuration(from),
      to: formatDuration(to),
    })),
  };
}
