import type {Nanoseconds} from '../scheduler/clock.ts';

/** How far a running median moves for one sample, in log units, i.e. shares of the duration; more while it is new. */
const steps = {class: 0.01, load: 0.05, spread: 0.01};
const firstStep = 0.5;
/** Launches before anybody is judged. */
const warmUp = 100;
/** Weight of a tenant's newest residual. */
const weight = 1 / 8;
/** Standard deviation of such a weighted mean relative to that of its samples. */
const deviationOfMean = Math.sqrt(weight / (2 - weight));
/** The standard deviation of a normal distribution is this many median absolute deviations. */
const deviationsPerMad = 1.4826;
/** Probes that a probe is compared with. */
const comparedProbes = 9;

/** A running median that follows the signs of the deviations (Robbins & Monro 1951), so that outliers count once. */
class RunningMedian {
  value: number;
  private readonly step: number;
  private count = 0;

  constructor(first: number, step: number) {
    this.value = first;
    this.step = step;
  }

  add(sample: number): void {
    this.value += Math.max(this.step, firstStep / ++this.count) * Math.sign(sample - this.value);
  }
}

/**
 * Tells slow tenants by the residuals of their launches: the logarithm of actual over predicted duration, less the
 * running median of the kernel class, which is an error of the profile, and less that of all launches of late, which is
 * the load. A tenant is suspected when its mean residual is beyond `slowdown`, and beyond `deviations` robust standard
 * deviations of such a mean, for `patience` launches in a row. A probe, a launch of its own, then tells whether it or its
 * company was slow.
 */
export class Stragglers {
  private readonly slowdown: number;
  private readonly deviations: number;
  private readonly patience: number;
  /** Of log(actual / predicted), by class + 1; entry 0 is that of mixed launches. */
  private readonly medians: RunningMedian[] = [];
  /** Of what the class does not explain. It follows the load faster than a mean residual does, but not faster than suspicion. */
  private readonly load = new RunningMedian(0, steps.load);
  /** Of what neither explains. */
  private readonly spread = new RunningMedian(0, steps.spread);
  private launches = 0;
  private readonly mean: Float64Array;
  private readonly inRow: Int32Array;
  /** Residuals of the last suspects' probes: if all of them are slow, the load has changed and nobody is a straggler. */
  private readonly probes: number[] = [];

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
    const median = (this.medians[cls + 1] ??= new RunningMedian(ratio, steps.class));
    const unexplained = ratio - median.value;
    const residual = unexplained - this.load.value;
    if (learn) {
      this.launches++;
      median.add(ratio);
      this.load.add(unexplained);
      this.spread.add(Math.abs(residual));
    }
    return residual;
  }

  /** Counts a residual for a tenant that took part; true when the tenant has become a suspect. */
  observe(tenant: number, residual: number): boolean {
    if (this.launches < warmUp) return false;
    this.mean[tenant] += weight * (residual - this.mean[tenant]);
    this.inRow[tenant] = this.isBeyond(this.mean[tenant]) ? this.inRow[tenant] + 1 : 0;
    return this.inRow[tenant] >= this.patience;
  }

  /** Whether a probe convicts; the first one of a suspect is kept to compare others with. */
  isSlow(residual: number, isFirst: boolean): boolean {
    const {probes} = this;
    if (isFirst) {
      probes.push(residual);
      if (probes.length > comparedProbes) probes.shift();
    }
    const usual = probes.length < 3 ? 0 : probes.toSorted((a, b) => a - b)[probes.length >> 1];
    return this.isBeyond(residual - Math.max(0, usual));
  }

  /** Forgets what was observed of a tenant. */
  clear(tenant: number): void {
    this.mean[tenant] = 0;
    this.inRow[tenant] = 0;
  }

  private isBeyond(residual: number): boolean {
    const deviation = deviationOfMean * deviationsPerMad * this.spread.value;
    return residual > Math.max(this.slowdown, this.deviations * deviation);
  }
}
