import type {Nanoseconds} from '../scheduler/clock.ts';

/** How far a running median moves for one sample, in log units: 1 % of the duration. */
const step = 0.01;
/** Weight of a tenant's newest residual. */
const weight = 1 / 4;
/** The standard deviation of a normal distribution is this many median absolute deviations. */
const deviationsPerMad = 1.4826;
/** Standard deviation of such a weighted mean relative to that of its samples. */
const deviationOfMean = Math.sqrt(weight / (2 - weight));

/**
 * Tells slow tenants by the residuals of their launches: the logarithm of actual over predicted duration, less the
 * running median of the kernel class, so that neither an error of the profile nor load that slows everybody counts.
 * Medians are followed by signs (Robbins & Monro 1951), so a few stragglers do not move them. A tenant is slow when its
 * mean residual is beyond `slowdown`, and beyond `deviations` robust standard deviations, for `patience` launches in a row.
 */
export class Stragglers {
  private readonly slowdown: number;
  private readonly deviations: number;
  private readonly patience: number;
  /** Running median of log(actual / predicted) by class + 1; entry 0 is that of mixed launches. */
  private readonly median: number[] = [];
  /** Running median of the distance from it, of all classes. */
  private mad = 0.05;
  private readonly mean: Float64Array;
  private readonly inRow: Int32Array;

  constructor(tenants: number, slowdown: number, deviations: number, patience: number) {
    this.slowdown = Math.log(slowdown);
    this.deviations = deviations;
    this.patience = patience;
    this.mean = new Float64Array(tenants);
    this.inRow = new Int32Array(tenants);
  }

  /** The residual of a launch, of which `learn` says whether it moves the medians. */
  residual(cls: number, actualNs: Nanoseconds, predictedNs: Nanoseconds, learn: boolean): number {
    const ratio = Math.log(Math.max(actualNs, 1) / Math.max(predictedNs, 1));
    const median = (this.median[cls + 1] ??= ratio);
    const residual = ratio - median;
    if (learn) {
      this.median[cls + 1] = median + step * Math.sign(residual);
      this.mad = Math.max(0, this.mad + step * Math.sign(Math.abs(residual) - this.mad));
    }
    return residual;
  }

  /** Whether a mean residual is beyond what healthy tenants show. A probe counts as much: it runs apart from the others. */
  isBeyond(residual: number): boolean {
    return residual > Math.max(this.slowdown, this.deviations * deviationOfMean * deviationsPerMad * this.mad);
  }

  /** Counts a residual for a tenant that took part; true when the tenant has become a suspect. */
  observe(tenant: number, residual: number): boolean {
    this.mean[tenant] += weight * (residual - this.mean[tenant]);
    this.inRow[tenant] = this.isBeyond(this.mean[tenant]) ? this.inRow[tenant] + 1 : 0;
    return this.inRow[tenant] >= this.patience;
  }

  /** Forgets what was observed of a tenant. */
  clear(tenant: number): void {
    this.mean[tenant] = 0;
    this.inRow[tenant] = 0;
  }
}
