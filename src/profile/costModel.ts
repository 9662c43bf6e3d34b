import {median} from 'd3-array';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {DeviceError} from '../scheduler/errors.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {DataType, Gemm, Kernel, Method} from '../scheduler/kernel.ts';
import {elementwiseBandwidthShare, elementwiseNs} from './elementwise.ts';
import {gemmModelOf} from './gemmModel.ts';
import type {GemmModel, LaunchKind} from './gemmModel.ts';
import type {Problem} from './tileTime.ts';
import {MeasuredTables, interpolate} from './measured.ts';
import type {Correction} from './measured.ts';
import {dataTypesOf} from './profile.ts';
import type {DeviceProfile, Region} from './profile.ts';

/** What a profile predicts of kernels, launches and the host. Times in whole ns. */
export interface CostModel {
  readonly profile: DeviceProfile;
  /**
   * Time on an idle device of a superkernel: `size` members of shape `kernel`, executed by `method`. `single` is `size`
   * launches in a row on one lane; the other methods launch once. Throws a DeviceError for what the profile cannot
   * predict.
   */
  durationNs(kernel: Kernel, size: number, method: Method): Nanoseconds;
  /** Whether shape or size lie outside what the profile was fitted on. */
  isExtrapolated(kernel: Kernel, size: number, method: Method): boolean;
  /** Time on an idle device of one grouped launch of mixed GEMM shapes of one data type. */
  groupedNs(kernels: readonly Kernel[]): Nanoseconds;
  /**
   * Share (0 to 1] of the device that a superkernel takes while it runs alone: as measured beside its equals, or by the
   * model, of the resident blocks or of the arithmetic, whichever is larger.
   */
  smShare(kernel: Kernel, size: number, method: Method): number;
  /**
   * Share (0 to 1] of the DRAM bandwidth that a superkernel takes while it runs alone. Where its share of the device is
   * measured, no more than that: what equals leave each other includes the bandwidth.
   */
  bandwidthShare(kernel: Kernel, size: number, method: Method): number;
  /** How much a superkernel suffers from what runs beside it; see `SharingTerms`. */
  exposure(kernel: Kernel, size: number, method: Method): number;

  /** How much it presses on others, for each share of the device that it takes; see `SharingTerms`. */
  pressure(kernel: Kernel, size: number, method: Method): number;
  /** Time that the host is busy submitting one superkernel. */
  submitNs(kernel: Kernel, size: number, method: Method): Nanoseconds;
  /** Time that the host is busy submitting it behind another kernel of the same launch: no new ticket, no new flag. */
  followNs(kernel: Kernel, size: number, method: Method): Nanoseconds;
  /** From the end on the device until the host can see it. */
  readonly detectNs: Nanoseconds;
  /** Host time of one wake-up under a policy of this name, by itself: seeing what happened, deciding. */
  decideNs(policy: string): Nanoseconds;
  /** Besides, for each launch whose end the wake-up sees and each that it makes: of a policy that was not measured as most take. */
  decideLaunchNs(policy: string): Nanoseconds;
  /**
   * Besides, for each member but the first of the launches whose ends the wake-up sees and of those it makes, in ns: not
   * rounded, as there are many. 0 where that was not measured.
   */
  decideMemberNs(policy: string): number;
  /** Idle time of a lane between two kernels that it holds. */
  readonly gapNs: Nanoseconds;
  /** Besides the gap, before a launch that takes arrays of pointers. */
  readonly pointerCopyNs: Nanoseconds;
  /** Idle time of a lane between two kernels of one launch. */
  readonly stepGapNs: Nanoseconds;
  /** Least time between the starts of two kernels on the device, whatever their lanes. */
  readonly startIntervalNs: Nanoseconds;
}

/** The cost model of a profile; `corrected: false` leaves out the measured tables and predicts from the model alone. */
export function costModel(profile: DeviceProfile, {corrected = true} = {}): CostModel {
  return new ProfileCosts(profile, corrected);
}

class ProfileCosts implements CostModel {
  readonly profile: DeviceProfile;
  readonly detectNs: Nanoseconds;
  readonly gapNs: Nanoseconds;
  readonly pointerCopyNs: Nanoseconds;
  readonly stepGapNs: Nanoseconds;
  readonly startIntervalNs: Nanoseconds;
  private readonly tables: MeasuredTables;
  private readonly shareScale: number;
  private readonly coalesced: number;
  /** [log2 of bytes, share] of element-wise kernels. */
  private readonly elementwiseShares: readonly (readonly [number, number])[];
  private readonly gemms = new Map<DataType, GemmModel>();
  /**
   * Of kernels that were asked for lately, the time of one single launch: however many follow each other, it is the same.
   * By a hash of the shape; a map of kernels would take as long as half a prediction.
   */
  private readonly lately: (Kernel | undefined)[] = new Array<undefined>(remembered).fill(undefined);
  private readonly singles = new Float64Array(remembered);

  constructor(profile: DeviceProfile, corrected: boolean) {
    this.profile = profile;
    this.tables = new MeasuredTables(corrected ? profile : {});
    this.shareScale = corrected ? (profile.contention.share_scale?.value ?? 1) : 1;
    this.coalesced = profile.contention.coalesced?.value ?? 1;
    const byBytes = corrected ? (profile.elementwise.shares ?? []) : [];
    this.elementwiseShares = byBytes.map(([bytes, share]) => [Math.log2(bytes), share]);
    this.detectNs = Math.round(profile.host.detect_ns.value);
    this.gapNs = Math.round(profile.launch.gap_ns.value);
    this.pointerCopyNs = Math.round(profile.launch.pointer_copy_ns?.value ?? 0);
    this.stepGapNs = Math.round((profile.launch.step_gap_ns ?? profile.launch.gap_ns).value);
    this.startIntervalNs = Math.round(profile.launch.start_interval_ns?.value ?? 0);
    for (const dtype of dataTypesOf(profile)) this.gemms.set(dtype, gemmModelOf(profile, dtype));
  }

  durationNs(kernel: Kernel, size: number, method: Method): Nanoseconds {
    if (method !== 'single') return whole(this.launchNs(kernel, size, method), kernel, size);
    // Members follow each other as the kernels of one launch do; of one tenant, the second finds the first one's weights.
    const pace = size === 1 ? 1 : this.pace(kernel, size, method) / this.pace(kernel, 1, method);
    return whole(size * pace * this.singleNs(kernel) + (size - 1) * this.stepGapNs, kernel, size);
  }

  isExtrapolated(kernel: Kernel, size: number, method: Method): boolean {
    const members = method === 'single' ? 1 : size;
    if (kernel.op === 'elementwise') {
      const range = this.profile.elementwise.bytes;
      const bytes = kernel.bytes * members;
      return range !== undefined && (bytes < range[0] || bytes > range[1]);
    }
    const terms = this.profile.gemm[kernel.dtype];
    if (terms === undefined) return true;
    const table = this.tableOf(kernel, method);
    if (table !== undefined && members >= table.least && members <= table.most) return false;
    return !isInside(terms.region, problemOf(kernel, members));
  }

  groupedNs(kernels: readonly Kernel[]): Nanoseconds {
    const first = kernels[0];
    if (first.op !== 'gemm') throw new DeviceError(`cannot group ${kernelKey(first)}: expected GEMMs`);
    const problems = kernels.map((kernel) => {
      if (kernel.op !== 'gemm' || kernel.dtype !== first.dtype) {
        throw new DeviceError(
          `cannot group ${kernelKey(kernel)} with ${kernelKey(first)}: expected GEMMs of one data type`,
        );
      }
      return problemOf(kernel, 1);
    });
    return whole(this.gemmOf(first).groupedNs(problems), first, kernels.length);
  }

  smShare(kernel: Kernel, size: number, method: Method): number {
    const known = this.measuredShare(kernel, size, method);
    if (known !== undefined) return known;
    // A memory-bound kernel launches more threads than fit.
    if (kernel.op === 'elementwise') return 1;
    const members = method === 'single' ? 1 : size;
    const share = this.gemmOf(kernel).smShare(problemOf(kernel, members), kindOf(kernel, method));
    return Math.min(1, this.shareScale * share);
  }

  bandwidthShare(kernel: Kernel, size: number, method: Method): number {
    const members = method === 'single' ? 1 : size;
    const share =
      kernel.op === 'elementwise'
        ? elementwiseBandwidthShare(this.profile, kernel.bytes * members)
        : this.gemmOf(kernel).bandwidthShare(problemOf(kernel, members), kindOf(kernel, method));
    return Math.min(share, this.measuredShare(kernel, size, method) ?? 1);
  }

  exposure(kernel: Kernel, size: number, method: Method): number {
    const isSingle = method === 'single';
    const known = kernel.op === 'gemm' ? this.tables.of(kernel)?.exposures : undefined;
    const points = known?.[isSingle ? 'single' : 'batched'];
    if (points !== undefined) return interpolate(points, size);
    return isSingle ? 1 : this.coalesced;
  }

  pressure(kernel: Kernel, size: number, method: Method): number {
    const isSingle = method === 'single';
    const as = isSingle ? 'single' : 'batched';
    const tables = kernel.op === 'gemm' ? this.tables.of(kernel) : null;
    const inRuns = tables?.pressures[as];
    if (inRuns !== undefined) return interpolate(inRuns, size);
    const beside = tables?.pressing[as];
    return (beside === undefined ? 1 : interpolate(beside, size)) / this.exposure(kernel, size, method);
  }

  /**
   * Of several members all methods launch about the same blocks: what batched launches take stands for them. A member's
   * blocks take the device for about as long in a larger launch: between measured sizes and beyond them the device time of a
   * member is interpolated, not the share, which falls where one more member begins another wave.
   */
  private measuredShare(kernel: Kernel, size: number, method: Method): number | undefined {
    if (kernel.op === 'elementwise') {
      if (this.elementwiseShares.length === 0) return undefined;
      return interpolate(this.elementwiseShares, Math.log2(kernel.bytes * (method === 'single' ? 1 : size)));
    }
    const isSingle = method === 'single';
    const points = this.tables.of(kernel)?.shares[isSingle ? 'single' : 'batched'];
    if (points === undefined) return undefined;
    if (isSingle) return interpolate(points, 1);
    const perMember = points.map(([n, share]): [number, number] => [
      n,
      (share * this.durationNs(kernel, n, 'batched')) / n,
    ]);
    return Math.min(1, (interpolate(perMember, size) * size) / this.durationNs(kernel, size, method));
  }

  submitNs(kernel: Kernel, size: number, method: Method): Nanoseconds {
    const {submit} = this.profile.host;
    const {fixed_ns, per_member_ns} =
      (kernel.op === 'elementwise' ? submit.elementwise : undefined) ?? submit[method];
    return Math.round(fixed_ns + per_member_ns * size + this.productsNs(kernel, size, method));
  }

  followNs(kernel: Kernel, size: number, method: Method): Nanoseconds {
    const {follow, submit} = this.profile.host;
    const terms = follow?.[method];
    if (terms !== undefined)
      return Math.round(terms.fixed_ns + terms.per_member_ns * size + this.productsNs(kernel, size, method));
    const perLaunchNs = Math.round(submit.single.fixed_ns);
    return Math.max(0, this.submitNs(kernel, size, method) - perLaunchNs);
  }

  /** What the addresses of further products of the members take. */
  private productsNs(kernel: Kernel, size: number, method: Method): number {
    if (kernel.op !== 'gemm' || (method !== 'batched' && method !== 'padded')) return 0;
    return (this.profile.host.per_product_ns?.value ?? 0) * (kernel.count - 1) * size;
  }

  decideNs(policy: string): Nanoseconds {
    const {decide_ns, decide_by_policy} = this.profile.host;
    return Math.round((decide_by_policy?.[policy] ?? decide_ns).value);
  }

  decideLaunchNs(policy: string): Nanoseconds {
    const known = this.profile.host.decide_launches_by_policy ?? {};
    return Math.round(known[policy]?.value ?? median(Object.values(known), ({value}) => value) ?? 0);
  }

  decideMemberNs(policy: string): number {
    return this.profile.host.decide_members_by_policy?.[policy]?.value ?? 0;
  }

  private singleNs(kernel: Kernel): number {
    const place = placeOf(kernel);
    if (this.lately[place] === kernel) return this.singles[place];
    const ns = this.launchNs(kernel, 1, 'single');
    this.lately[place] = kernel;
    this.singles[place] = ns;
    return ns;
  }

  /** Time of one launch of `members`, as measured where the profile holds a table for it. */
  private launchNs(kernel: Kernel, members: number, method: Method): number {
    const table = this.tableOf(kernel, method);
    if (table === undefined) return this.modelNs(kernel, members, method);
    const ns = table.correct(
      members,
      (size) => this.modelNs(kernel, size, method),
      (size) => this.waves(kernel, size, method),
    );
    return ns * this.pace(kernel, members, method);
  }

  private pace(kernel: Kernel, members: number, method: Method): number {
    const points = this.tables.of(kernel)?.paces[method === 'single' ? 'single' : 'batched'];
    return points === undefined ? 1 : interpolate(points, members);
  }

  private modelNs(kernel: Kernel, members: number, method: Method): number {
    if (kernel.op === 'elementwise') return elementwiseNs(this.profile, kernel.bytes * members);
    const gemm = this.gemmOf(kernel);
    const problem = problemOf(kernel, members);
    switch (method) {
      case 'single':
        return kernel.count === 1 ? gemm.singleNs(problem) : gemm.stridedNs(problem);
      case 'strided':
        return gemm.stridedNs(problem);
      case 'batched':
      case 'padded':
        return gemm.batchedNs(problem);
      case 'grouped':
        return gemm.groupedNs([problem]);
      default:
        return method satisfies never;
    }
  }

  private waves(kernel: Kernel, members: number, method: Method): number {
    if (kernel.op === 'elementwise') return 1;
    return this.gemmOf(kernel).waves(problemOf(kernel, members), kindOf(kernel, method));
  }

  private tableOf(kernel: Kernel, method: Method): Correction | undefined {
    return this.tables.of(kernel)?.durations[method];
  }

  private gemmOf(kernel: Gemm): GemmModel {
    const gemm = this.gemms.get(kernel.dtype);
    if (gemm === undefined) {
      const known = [...this.gemms.keys()].join(', ');
      throw new DeviceError(
        `profile ${this.profile.name} cannot predict ${kernelKey(kernel)}: missing data type ${kernel.dtype} (known: ${known})`,
      );
    }
    return gemm;
  }
}

/** Kernels whose single launch a cost model remembers: a power of two. */
const remembered = 4096;

/** Where a kernel may be remembered; sides of shapes are often multiples of powers of two. */
function placeOf(kernel: Kernel): number {
  const shape = kernel.op === 'gemm' ? (kernel.m * 31 + kernel.n) * 31 + kernel.k : kernel.bytes;
  return (Math.imul(shape, 0x9e3779b1) >>> 16) & (remembered - 1);
}

/** Which of the library's kernels run a superkernel: a layer of several products is a strided batched launch. */
function kindOf(kernel: Gemm, method: Method): LaunchKind {
  if (method === 'grouped') return 'grouped';
  return method === 'single' && kernel.count === 1 ? 'single' : 'batched';
}

function problemOf(kernel: Gemm, members: number): Problem {
  return {batch: kernel.count * members, m: kernel.m, n: kernel.n, k: kernel.k};
}

function isInside(region: Region, problem: Problem): boolean {
  return (['m', 'n', 'k', 'batch'] as const).every(
    (key) => problem[key] >= region[key][0] && problem[key] <= region[key][1],
  );
}

function whole(ns: number, kernel: Kernel, size: number): Nanoseconds {
  const rounded = Math.round(ns);
  if (!(rounded > 0 && rounded < Infinity)) {
    throw new DeviceError(
      `invalid duration of ${kernelKey(kernel)}, ${size} members: ${ns} ns (expected above 0)`,
    );
  }
  return rounded;
}
