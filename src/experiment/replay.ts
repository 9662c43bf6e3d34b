// A trace as the arrivals of a scenario's tenants.
import {relative, resolve} from 'node:path';
import {z} from 'zod';
import {arrivalSchema, isClosed} from '../workload/arrivals/schema.ts';
import {mergeArrivals} from '../workload/arrivals/merge.ts';
import {InputError} from '../scheduler/errors.ts';
import {tenantArrivals} from '../workload/traces/tenants.ts';
import type {TenantRule} from '../workload/traces/tenants.ts';
import type {Trace, TraceOptions} from '../workload/traces/trace.ts';
import type {FixedArrivals} from './arrivals.ts';
import type {Scenario} from './scenario.ts';

/** A trace that replaces the arrivals of a scenario's tenants, as plain data for manifests. */
export interface TraceSource {
  /** Relative to the folder of the experiment. */
  readonly file: string;
  /** How the trace's keys become tenants. */
  readonly rule: TenantRule['rule'];
  /** How it is read; the seed is the run's. */
  readonly options: Omit<TraceOptions, 'seed'>;
}

/** The tenants' names in the order of a run: replicas are named name/0, name/1, ... */
export function tenantNames({tenants}: Scenario): string[] {
  return tenants.flatMap(({name, replicas}) =>
    replicas === 1 ? [name] : Array.from({length: replicas}, (_, replica) => `${name}/${replica}`),
  );
}

/**
 * The arrivals of a replication, in memory that worker threads share. Replications differ where something is drawn: in
 * which requests a rate scale keeps or copies, and in where counts by the minute are placed.
 */
export async function traceArrivals(
  {file, rule, options}: TraceSource,
  scenario: Scenario,
  replication: number,
  directory: string,
): Promise<{arrivals: FixedArrivals; sha256: string; lengthNs: number; dropped: number}> {
  const path = relative('.', resolve(directory, file));
  const {readTrace} = await import('./readTrace.ts');
  const trace = await readTrace(path, {...options, seed: `${scenario.seed}/${replication}`});
  // Tenants that closed loops drive keep them: answers, not the trace, set their requests off.
  const names = tenantNames(scenario);
  const open = scenario.tenants.flatMap(({arrivals, replicas}) =>
    Array.from({length: replicas}, () => !isClosed(arrivals)),
  );
  const {arrivals, dropped} = tenantArrivals(trace, {
    rule,
    tenants: names.filter((_, tenant) => open[tenant]),
  });
  let next = 0;
  const merged = mergeArrivals(
    names.map((_, tenant) => (open[tenant] ? arrivals[next++] : new Float64Array(0))),
  );
  return {
    arrivals: {at: shared(Float64Array, merged.at), tenant: shared(Int32Array, merged.tenant)},
    sha256: trace.sha256,
    lengthNs: trace.lengthNs,
    dropped,
  };
}

function shared<T extends Float64Array | Int32Array>(
  type: (new (buffer: SharedArrayBuffer) => T) & {readonly BYTES_PER_ELEMENT: number},
  values: T,
): T {
  const copy = new type(new SharedArrayBuffer(values.length * type.BYTES_PER_ELEMENT));
  copy.set(values);
  return copy;
}

/** What `replay` makes tenants of where no scenario gives them. */
export interface TenantDefaults {
  /** Models dealt out in turn. */
  readonly models: readonly string[];
  /** By the trace's key. */
  readonly modelOf: ReadonlyMap<string, string>;
  readonly slo: string;
  /** How many tenants the keys are dealt to; one a key where null. */
  readonly count: number | null;
}

/** More keys than this are too many to be tenants unasked: function traces have tens of thousands. */
const mostTenants = 64;

/** The scenario of a trace's own tenants: one a key, or `count` of them. */
export function scenarioOf(
  trace: Trace,
  {models, modelOf, slo, count}: TenantDefaults,
): Record<string, unknown> {
  const {keys} = trace;
  if (count === null && keys.length > mostTenants) {
    throw new InputError(
      `trace ${trace.name} tells ${keys.length} clients apart: say how many tenants they are dealt to, e.g. --tenants 20`,
    );
  }
  const names = count === null ? keys : Array.from({length: count}, (_, i) => `tenant-${i}`);
  const loops = trace.closedLoops.map(({name, arrivals}, i) => ({
    name,
    model: modelOf.get(name) ?? models[(names.length + i) % models.length],
    slo,
    arrivals: z.encode(arrivalSchema, arrivals),
  }));
  const open = names.map((name, i) => ({
    name,
    model: modelOf.get(name) ?? models[i % models.length],
    slo,
    // The trace replaces them; the rate is what a reader of the manifest may expect.
    arrivals: {
      process: 'poisson',
      rate: Math.max(1e-9, trace.at.length / names.length / (trace.lengthNs / 1e9)),
    },
  }));
  return {name: trace.name, tenants: [...open, ...loops]};
}
