// From what a trace tells apart to the tenants of a run.
import {InputError} from '../../scheduler/errors.ts';
import type {Trace} from './trace.ts';

/** How the keys of a trace become tenants. `tenants` are their names. */
export type TenantRule =
  /** Each key is the tenant of its name; with `tenants`, exactly those, in that order. */
  | {readonly rule: 'name'; readonly tenants?: readonly string[]}
  /** Keys are dealt out in turn, in order of first appearance; a tenant's arrivals are those of all its keys. */
  | {readonly rule: 'round-robin'; readonly tenants: readonly string[]}
  /** The key with most arrivals is the first tenant, and so on; keys beyond the last tenant are dropped. */
  | {readonly rule: 'popularity'; readonly tenants: readonly string[]};

/** The arrivals of a trace by tenant. */
export interface TenantArrivals {
  readonly tenants: readonly string[];
  /** Sorted arrivals, one array a tenant. */
  readonly arrivals: readonly Float64Array[];
  /** The tenant of each key of the trace, or -1 where it was dropped. */
  readonly tenantOf: Int32Array;
  /** Arrivals of keys that were dropped. */
  readonly dropped: number;
}

/** Deals the arrivals of a trace out to tenants. Throws an InputError where a key has no tenant to go to. */
export function tenantArrivals(trace: Trace, rule: TenantRule): TenantArrivals {
  const counts = countsOf(trace);
  const tenants = rule.tenants ?? trace.keys;
  if (tenants.length === 0) throw new InputError('missing tenants: a trace needs at least 1');
  const tenantOf = assign(trace, rule, tenants, counts);

  const sizes = new Float64Array(tenants.length);
  let dropped = 0;
  counts.forEach((count, key) => {
    if (tenantOf[key] < 0) dropped += count;
    else sizes[tenantOf[key]] += count;
  });
  const arrivals = Array.from(sizes, (size) => new Float64Array(size));
  const filled = new Uint32Array(tenants.length);
  for (let i = 0; i < trace.at.length; i++) {
    const tenant = tenantOf[trace.key[i]];
    if (tenant >= 0) arrivals[tenant][filled[tenant]++] = trace.at[i];
  }
  return {tenants, arrivals, tenantOf, dropped};
}

function countsOf({keys, key}: Trace): Float64Array {
  const counts = new Float64Array(keys.length);
  for (const id of key) counts[id]++;
  return counts;
}

function assign(
  {keys, name}: Trace,
  {rule}: TenantRule,
  tenants: readonly string[],
  counts: Float64Array,
): Int32Array {
  if (rule === 'round-robin') return Int32Array.from(keys, (_, key) => key % tenants.length);
  const tenantOf = new Int32Array(keys.length).fill(-1);
  if (rule === 'popularity') {
    const ranked = keys.map((_, key) => key).sort((a, b) => counts[b] - counts[a] || a - b);
    ranked.slice(0, tenants.length).forEach((key, rank) => (tenantOf[key] = rank));
    return tenantOf;
  }
  const ids = new Map(tenants.map((tenant, i) => [tenant, i]));
  keys.forEach((key, i) => {
    const tenant = ids.get(key);
    if (tenant === undefined)
      throw new InputError(
        `unknown tenant in trace ${name}: ${JSON.stringify(key)} (known: ${tenants.slice(0, 8).join(', ')}; or deal them out with --deal round-robin or popularity)`,
      );
    tenantOf[i] = tenant;
  });
  return tenantOf;
}

/**
 * The model of each tenant: by name from a record, or a list dealt out in turn. Throws an InputError where a tenant is
 * missing from the record.
 */
export function modelsOf(
  tenants: readonly string[],
  models: readonly string[] | Readonly<Record<string, string>>,
): string[] {
  if (Array.isArray(models)) {
    const list: readonly string[] = models;
    if (list.length === 0) throw new InputError('missing models: a trace needs at least 1');
    return tenants.map((_, i) => list[i % list.length]);
  }
  const byName = new Map(Object.entries(models));
  return tenants.map((tenant) => {
    const model = byName.get(tenant);
    if (model === undefined) throw new InputError(`missing model of tenant ${JSON.stringify(tenant)}`);
    return model;
  });
}
