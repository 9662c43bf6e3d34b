import type {Nanoseconds} from '../scheduler/clock.ts';
import {LogLinearHistogram} from './histogram.ts';
import {quantileSorted} from './quantile.ts';

/** A sample of durations, ready to be asked. */
export interface Durations {
  readonly count: number;
  /** The quantile at `p` by the R-7 rule (as d3, NumPy and DuckDB's `quantile_cont`); NaN where empty. */
  quantile(p: number): Nanoseconds;
}

/**
 * Every tenant's latencies: exact values up to `exactSamples` in all, counted in histograms (within 0.4 %) beyond.
 */
export class Latencies {
  count = 0;
  private values = new Float64Array(4096);
  private tenantOf = new Int32Array(4096);
  private histograms: LogLinearHistogram[] | null = null;
  private readonly tenants: number;
  private readonly exactSamples: number;

  constructor(tenants: number, exactSamples: number) {
    this.tenants = tenants;
    this.exactSamples = exactSamples;
  }

  /** False once there were too many values to keep each. */
  get exact(): boolean {
    return this.histograms === null;
  }

  add(tenant: number, latency: Nanoseconds): void {
    if (this.histograms !== null) {
      this.histograms[tenant].add(latency);
    } else {
      if (this.count === this.values.length) {
        if (this.count >= this.exactSamples) return this.overflow(tenant, latency);
        this.grow();
      }
      this.values[this.count] = latency;
      this.tenantOf[this.count] = tenant;
    }
    this.count++;
  }

  /** The latencies in order of completion, while they are exact; null beyond. */
  inOrder(): Float64Array | null {
    return this.exact ? this.values.subarray(0, this.count) : null;
  }

  /** By tenant, and of all tenants together. */
  durations(): {byTenant: Durations[]; all: Durations} {
    const {histograms, tenants, count} = this;
    if (histograms !== null) {
      const all = new LogLinearHistogram();
      for (const histogram of histograms) all.merge(histogram);
      return {byTenant: histograms, all};
    }
    // Counting sort by tenant, then each tenant's stretch by value.
    const starts = new Int32Array(tenants + 1);
    for (let i = 0; i < count; i++) starts[this.tenantOf[i] + 1]++;
    for (let tenant = 0; tenant < tenants; tenant++) starts[tenant + 1] += starts[tenant];
    const next = starts.slice();
    const grouped = new Float64Array(count);
    for (let i = 0; i < count; i++) grouped[next[this.tenantOf[i]]++] = this.values[i];
    const all = sorted(this.values.slice(0, count));
    const byTenant = Array.from({length: tenants}, (_, tenant) =>
      sorted(grouped.subarray(starts[tenant], starts[tenant + 1])),
    );
    return {byTenant, all};
  }

  private grow(): void {
    const capacity = Math.min(2 * this.values.length, Math.max(this.exactSamples, this.values.length + 1));
    const values = new Float64Array(capacity);
    values.set(this.values);
    this.values = values;
    const tenantOf = new Int32Array(capacity);
    tenantOf.set(this.tenantOf);
    this.tenantOf = tenantOf;
  }

  private overflow(tenant: number, latency: Nanoseconds): void {
    const histograms = Array.from({length: this.tenants}, () => new LogLinearHistogram());
    for (let i = 0; i < this.count; i++) histograms[this.tenantOf[i]].add(this.values[i]);
    this.histograms = histograms;
    this.values = new Float64Array(0);
    this.tenantOf = new Int32Array(0);
    this.add(tenant, latency);
  }
}

function sorted(values: Float64Array): Durations {
  values.sort();
  return {count: values.length, quantile: (p) => quantileSorted(values, p)};
}
