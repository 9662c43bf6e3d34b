import type {Nanoseconds} from '../scheduler/clock.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel, KernelClasses, Method} from '../scheduler/kernel.ts';
import {sharingTermsOf} from './contention.ts';
import type {CostModel} from './costModel.ts';

/** Methods that a scheduler may choose freely: operands of different tenants are neither equally strided nor padded. */
const free: readonly Method[] = ['single', 'batched', 'grouped'];
/**
 * A grouped call has to be so much faster alone to be worth it. It is several kernels and copies in a row, each of which
 * waits for its turn: beside launches of others it takes 4 to 7 times as long as alone on an H200, where a batched one of
 * the same products takes 2 to 2.5 times as long.
 */
const groupedGain = 0.8;

/**
 * A cost model by shape class, remembered: tables of [class, size] in typed arrays, filled when first asked for.
 * Classes that are interned later are found too; sizes go from 1 to `maxSize`.
 */
export class CostTable implements Costs {
  private readonly model: CostModel;
  private readonly classes: KernelClasses;
  private readonly width: number;
  private readonly free: readonly number[];
  private capacity = 0;
  /** By method, then class * width + size; 0: not asked for yet. */
  private duration: Float64Array[] = [];
  private sm: Float64Array[] = [];
  private bandwidth: Float64Array[] = [];
  /** Index of the best method + 1; 0: not asked for yet. */
  private best: Uint8Array = new Uint8Array(0);
  /** NaN: not asked for yet. */
  private submit: Float64Array[] = [];
  private follow: Float64Array[] = [];

  readonly launchNs: Nanoseconds;
  readonly memberNs: number;

  /** `policy`: the name of the one that decides by it, where that is known. */
  constructor(model: CostModel, classes: KernelClasses, maxSize: number, policy?: string) {
    this.model = model;
    this.launchNs = policy === undefined ? 0 : model.decideLaunchNs(policy);
    this.memberNs = policy === undefined ? 0 : model.decideMemberNs(policy);
    this.classes = classes;
    this.width = maxSize + 1;
    this.free = free.map((method) => methods.indexOf(method));
  }

  durationNs(cls: number, size: number, method: number): Nanoseconds {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.duration[method][at];
    if (known !== 0) return known;
    return (this.duration[method][at] = this.model.durationNs(
      this.classes.kernels[cls],
      size,
      methods[method],
    ));
  }

  bestMethod(cls: number, size: number): number {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.best[at];
    if (known !== 0) return known - 1;
    // Of equal times the first method: fewest surprises. One member alone is no batch.
    let best = this.free[0];
    for (const method of size === 1 ? [] : this.free) {
      if (!this.isPossible(cls, method)) continue;
      const gain = methods[method] === 'grouped' ? groupedGain : 1;
      if (this.durationNs(cls, size, method) < gain * this.durationNs(cls, size, best)) best = method;
    }
    this.best[at] = best + 1;
    return best;
  }

  bestNs(cls: number, size: number): Nanoseconds {
    return this.durationNs(cls, size, this.bestMethod(cls, size));
  }

  mixedNs(classes: Int32Array, size: number): Nanoseconds {
    const kernels: Kernel[] = [];
    for (let i = 0; i < size; i++) kernels.push(this.classes.kernels[classes[i]]);
    return this.model.groupedNs(kernels);
  }

  submitNs(cls: number, size: number, method: number): Nanoseconds {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.submit[method][at];
    if (known >= 0) return known;
    return (this.submit[method][at] = this.model.submitNs(this.classes.kernels[cls], size, methods[method]));
  }

  followNs(cls: number, size: number, method: number): Nanoseconds {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.follow[method][at];
    if (known >= 0) return known;
    return (this.follow[method][at] = this.model.followNs(this.classes.kernels[cls], size, methods[method]));
  }

  /** The same for all methods: the pointers of all steps travel in one copy, before the first. */
  get stepGapNs(): Nanoseconds {
    return this.model.stepGapNs;
  }

  get sharing(): SharingTerms {
    return sharingTermsOf(this.model.profile);
  }

  smShare(cls: number, size: number, method: number): number {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.sm[method][at];
    if (known !== 0) return known;
    return (this.sm[method][at] = this.model.smShare(this.classes.kernels[cls], size, methods[method]));
  }

  /** Share (0 to 1) of the DRAM bandwidth that a superkernel takes while it runs alone. */
  bandwidthShare(cls: number, size: number, method: number): number {
    if (cls >= this.capacity) this.grow(cls);
    const at = cls * this.width + size;
    const known = this.bandwidth[method][at];
    if (known >= 0) return known;
    return (this.bandwidth[method][at] = this.model.bandwidthShare(
      this.classes.kernels[cls],
      size,
      methods[method],
    ));
  }

  /** Whoever asks for it remembers it with the rest of the step. */
  exposure(cls: number, size: number, method: number): number {
    return this.model.exposure(this.classes.kernels[cls], size, methods[method]);
  }

  pressure(cls: number, size: number, method: number): number {
    return this.model.pressure(this.classes.kernels[cls], size, methods[method]);
  }

  /** Element-wise kernels and kernels of several products have no grouped form. */
  private isPossible(cls: number, method: number): boolean {
    const kernel = this.classes.kernels[cls];
    return methods[method] !== 'grouped' || (kernel.op === 'gemm' && kernel.count === 1);
  }

  private grow(cls: number): void {
    const capacity = Math.max(16, this.capacity * 2, cls + 1);
    const length = capacity * this.width;
    const copy = (old: Float64Array | undefined, empty: number): Float64Array => {
      const table = new Float64Array(length).fill(empty);
      if (old !== undefined) table.set(old);
      return table;
    };
    this.duration = methods.map((_, i) => copy(this.duration[i], 0));
    this.sm = methods.map((_, i) => copy(this.sm[i], 0));
    this.bandwidth = methods.map((_, i) => copy(this.bandwidth[i], -1));
    this.submit = methods.map((_, i) => copy(this.submit[i], NaN));
    this.follow = methods.map((_, i) => copy(this.follow[i], NaN));
    const best = new Uint8Array(length);
    best.set(this.best);
    this.best = best;
    this.capacity = capacity;
  }
}
