import type {Nanoseconds} from './clock.ts';

/** The owner of a model, an arrival process and a service-level objective. */
export interface Tenant {
  readonly name: string;
  /** The model's name; tenants of one model run kernels of the same shapes with different weights. */
  readonly model: string;
  /** Which tenants may share a batch: the replicas of one scenario entry hold the same model. */
  readonly family: number;
  /** Latency that `sloQuantile` of the requests have to stay within. */
  readonly sloNs: Nanoseconds;
  /** The quantile at which the SLO holds, e.g. 0.99. */
  readonly sloQuantile: number;
  /** Share of the device relative to the other tenants', above 0. */
  readonly weight: number;
  /** Higher runs first where a policy knows priorities. */
  readonly priority: number;
  /** First kernel of the program that serves `batch` requests at once: an index into `Programs`. */
  program(batch: number): number;
}
