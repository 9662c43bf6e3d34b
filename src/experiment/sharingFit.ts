// How launches slow each other: the terms of sharing by what live launches took, given what ran beside them.
import {leastSquares} from '../profile/leastSquares.ts';
import {costModel} from '../profile/costModel.ts';
import type {CostModel} from '../profile/costModel.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {methods} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import {slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {SharingTerms} from '../scheduler/sharingTerms.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import {findModel} from '../workload/models/zoo.ts';
import type {CoRun} from './calibrationCoRuns.ts';
import {measuredHere} from './measurements.ts';

/** What is fitted; `coalesced` stays as it was where few launches coalesce. */
export interface FittedTerms extends SharingTerms {
  /** From the end of a kernel to the start of the next, different one of its launch. */
  readonly stepGapNs: Nanoseconds;
}

/** Launches of one kind in one run: what they took in all, in ns, and what the terms make of it, relative. */
export interface SharingRow {
  readonly policy: string;
  readonly load: number;
  readonly model: string;
  readonly method: string;
  readonly size: number;
  readonly launches: number;
  readonly measuredNs: number;
  readonly before: number;
  readonly after: number;
}

export interface SharingFit {
  readonly before: FittedTerms;
  readonly after: FittedTerms;
  /**
   * Mean relative error of the time that the launches of a kind take together, weighed by that time: of every other run,
   * to which terms were fitted, and of the runs between, which those terms had not seen. `after` is fitted to all.
   */
  readonly train: {readonly before: number; readonly after: number};
  readonly test: {readonly before: number; readonly after: number} | null;
  readonly rows: readonly SharingRow[];
}

/** Beyond this error, relative, a launch counts less: the host was away, or something else ran. */
const outlier = 0.2;

const bounds = {
  interference: [0, 3],
  crowding: [0, 1],
  coalesced: [0.2, 2],
  stepGapNs: [0, 10_000],
} as const;

/**
 * Where the kernels of a launch lie in its time depends on the terms, so that they are laid out and fitted more than once;
 * each time with a few steps of the search.
 */
const looks = 3;
const mostSteps = 8;

/** Fewer such launches do not tell the exposure of launches that coalesce. */
const leastCoalesced = 100;

/** Fewer launches of a kind do not tell its error. */
const leastOfKind = 20;

/** The profile with the terms that bring the launches of co-runs closest to what they took; null without co-runs. */
export function fitSharing(
  given: DeviceProfile,
  runs: readonly CoRun[],
): {profile: DeviceProfile; fit: SharingFit} | null {
  if (runs.length === 0) return null;
  const costs = costModel(given);
  const before: FittedTerms = {
    interference: given.contention.interference.value,
    crowding: given.contention.crowding?.value ?? 0,
    coalesced: given.contention.coalesced?.value ?? 1,
    stepGapNs: costs.stepGapNs,
  };
  const all = runs.map((run) => new Company(run, costs));
  const train = all.filter((_, i) => i % 2 === 0);
  const unseen = all.filter((_, i) => i % 2 === 1);
  const trained = bestTerms(train, before);
  for (const each of unseen) each.layOut(trained);
  const after = unseen.length === 0 ? trained : bestTerms(all, trained);
  const both = (of: readonly Company[]) => ({before: meanError(of, before), after: meanError(of, trained)});
  const rows = all.flatMap((each) => {
    const was = each.kinds(before);
    return each.kinds(after).map((row, i): SharingRow => {
      const {policy, load} = each.run;
      return {policy, load, ...row.kind, measuredNs: row.measuredNs, before: was[i].error, after: row.error};
    });
  });
  return {
    profile: withTerms(given, after, coalescedIn(all) >= leastCoalesced),
    fit: {before, after, train: both(train), test: unseen.length === 0 ? null : both(unseen), rows},
  };
}

const coalescedIn = (all: readonly Company[]): number =>
  all.reduce((sum, {coalescedLaunches}) => sum + coalescedLaunches, 0);

function bestTerms(all: readonly Company[], before: FittedTerms): FittedTerms {
  const isTold = coalescedIn(all) >= leastCoalesced;
  const size = all.reduce((sum, {launches}) => sum + launches, 0);
  const termsOf = ([interference, crowding, coalesced, stepGap]: readonly number[]): FittedTerms => ({
    interference,
    crowding,
    coalesced: isTold ? coalesced : before.coalesced,
    stepGapNs: 1000 * stepGap,
  });
  const {interference, crowding, coalesced, stepGapNs} = bounds;
  let terms = before;
  for (let look = 0; look < looks; look++) {
    for (const each of all) each.layOut(terms);
    const {x} = leastSquares(
      (values, out) => {
        const tried = termsOf(values);
        let at = 0;
        for (const each of all) at = each.residuals(tried, out, at);
      },
      [terms.interference, terms.crowding, terms.coalesced, terms.stepGapNs / 1000],
      size,
      {
        outlier,
        iterations: mostSteps,
        tolerance: 1e-4,
        lower: [interference[0], crowding[0], coalesced[0], stepGapNs[0] / 1000],
        upper: [interference[1], crowding[1], coalesced[1], stepGapNs[1] / 1000],
      },
    );
    terms = termsOf(x);
  }
  return terms;
}

function meanError(all: readonly Company[], terms: FittedTerms): number {
  const kinds = all.flatMap((each) => each.kinds(terms));
  const time = kinds.reduce((sum, {measuredNs}) => sum + measuredNs, 0);
  return kinds.reduce((sum, {measuredNs, error}) => sum + (Math.abs(error) * measuredNs) / time, 0);
}

function withTerms(
  profile: DeviceProfile,
  {interference, crowding, coalesced, stepGapNs}: FittedTerms,
  isTold: boolean,
): DeviceProfile {
  const term = (value: number) => ({value: Number(value.toFixed(4)), source: measuredHere});
  return {
    ...profile,
    launch: {...profile.launch, step_gap_ns: term(Math.round(stepGapNs))},
    contention: {
      ...profile.contention,
      interference: term(interference),
      crowding: term(crowding),
      ...(isTold ? {coalesced: term(coalesced)} : {}),
    },
  };
}

interface KindError {
  readonly kind: Pick<SharingRow, 'model' | 'method' | 'size' | 'launches'>;
  readonly measuredNs: number;
  readonly error: number;
}

/**
 * The launches of one run, kernel by kernel, laid out in the time that they took, so that it is known what ran beside each
 * kernel. What terms of sharing make of a launch is then the sum over its kernels of the time alone, stretched by the mean
 * pressure of all others meanwhile. Nothing is simulated, so that an error in one launch does not move the others.
 */
class Company {
  readonly run: CoRun;
  readonly launches: number;
  readonly coalescedLaunches: number;
  /** By kernel run: its launch, time alone in ns, share of the device, and whether it coalesces (0 or 1). */
  private readonly owner: Int32Array;
  private readonly aloneNs: Float64Array;
  private readonly share: Float64Array;
  private readonly coalesces: Uint8Array;
  /** By launch: how long it took in ns, and what it counts, its time over the mean. */
  private readonly tookNs: Float64Array;
  private readonly weight: Float64Array;
  /** When the launches began. */
  private readonly freeAt: Float64Array;
  /** By kernel run: what it takes beside others, in ns, as last predicted. */
  private readonly besideNs: Float64Array;
  /** Starts and ends of the kernel runs, i of the start of i, n + i of its end: in order, and when they are. */
  private readonly at: Float64Array;
  private readonly order: Uint32Array;
  private readonly times: Float64Array;
  /** By kernel run: where its start and its end are in that order. */
  private readonly place: Uint32Array;
  /** Integral over time of the pressure of all, up to each of the times. */
  private readonly integral: Float64Array;
  private readonly predicted: Float64Array;

  constructor(run: CoRun, costs: CostModel) {
    this.run = run;
    const programs = run.models.map((name) =>
      kernelsOf(findModel(name), {batch: run.batch, dtype: 'fp32', elementwise: true}),
    );
    const {launches} = run;
    const kernelRuns = launches.reduce((sum, [, , steps]) => sum + steps, 0);
    this.launches = launches.length;
    this.coalescedLaunches = launches.filter(([, , , , method]) => method !== SINGLE).length;
    this.owner = new Int32Array(kernelRuns);
    this.aloneNs = new Float64Array(kernelRuns);
    this.share = new Float64Array(kernelRuns);
    this.coalesces = new Uint8Array(kernelRuns);
    this.tookNs = new Float64Array(launches.length);
    this.weight = new Float64Array(launches.length);
    this.predicted = new Float64Array(launches.length);
    this.freeAt = Float64Array.from(launches, (launch) => launch[5]);
    this.besideNs = new Float64Array(kernelRuns);
    this.at = new Float64Array(2 * kernelRuns);
    const lookUp = remembered(costs);
    let i = 0;
    launches.forEach(([model, kernel, steps, size, method, freeAt, finishedAt], launch) => {
      for (let step = 0; step < steps; step++, i++) {
        const {ns, share} = lookUp(programs[model][kernel + step], size, method);
        this.owner[i] = launch;
        this.aloneNs[i] = this.besideNs[i] = ns;
        this.share[i] = share;
        this.coalesces[i] = method === SINGLE ? 0 : 1;
      }
      this.tookNs[launch] = Math.max(1, finishedAt - freeAt - costs.detectNs);
    });
    const mean = this.tookNs.reduce((sum, ns) => sum + ns, 0) / launches.length;
    this.tookNs.forEach((ns, launch) => (this.weight[launch] = Math.sqrt(ns / mean)));
    this.order = Uint32Array.from(this.at.keys());
    this.times = new Float64Array(2 * kernelRuns);
    this.place = new Uint32Array(2 * kernelRuns);
    this.integral = new Float64Array(2 * kernelRuns);
  }

  /** Lays the kernels out as the terms have it, stretched to the time that their launches took. */
  layOut(terms: FittedTerms): void {
    const {owner, besideNs, freeAt, tookNs, at, order, times, place} = this;
    const count = owner.length;
    // At first as if all were alone.
    if (times[times.length - 1] > 0) this.predict(terms);
    const whole = new Float64Array(this.launches).fill(-terms.stepGapNs);
    for (let i = 0; i < count; i++) whole[owner[i]] += besideNs[i] + terms.stepGapNs;
    const begin = Float64Array.from(freeAt);
    for (let i = 0; i < count; i++) {
      const launch = owner[i];
      const stretch = tookNs[launch] / whole[launch];
      at[i] = begin[launch];
      at[count + i] = begin[launch] + besideNs[i] * stretch;
      begin[launch] = at[count + i] + terms.stepGapNs * stretch;
    }
    order.sort((a, b) => at[a] - at[b]);
    order.forEach((event, i) => {
      times[i] = at[event];
      place[event] = i;
    });
  }

  /** Writes the weighed logarithms of predicted over measured times from `out[at]` on; returns where they end. */
  residuals(terms: FittedTerms, out: Float64Array, at: number): number {
    this.predict(terms);
    for (let launch = 0; launch < this.launches; launch++)
      out[at++] = this.weight[launch] * Math.log(this.predicted[launch] / this.tookNs[launch]);
    return at;
  }

  /** The error of launches of each kind together: simulated over measured, less 1. */
  kinds(terms: FittedTerms): KindError[] {
    this.predict(terms);
    const kinds = new Map<string, {kind: KindError['kind']; measuredNs: number; predictedNs: number}>();
    this.run.launches.forEach(([model, , , size, method], launch) => {
      const key = `${model} ${method} ${size}`;
      const of = kinds.get(key);
      const [measuredNs, predictedNs] = [this.tookNs[launch], this.predicted[launch]];
      if (of === undefined) {
        const kind = {model: this.run.models[model], method: methods[method], size, launches: 1};
        kinds.set(key, {kind, measuredNs, predictedNs});
      } else {
        of.kind = {...of.kind, launches: of.kind.launches + 1};
        of.measuredNs += measuredNs;
        of.predictedNs += predictedNs;
      }
    });
    return [...kinds.values()]
      .filter(({kind}) => kind.launches >= leastOfKind)
      .map(({kind, measuredNs, predictedNs}) => ({kind, measuredNs, error: predictedNs / measuredNs - 1}));
  }

  /** What every launch would take, in ns, beside what ran beside it. */
  private predict(terms: FittedTerms): void {
    const {coalesced, stepGapNs} = terms;
    const {owner, aloneNs, besideNs, share, coalesces, order, times, place, integral, predicted} = this;
    const count = owner.length;
    let pressure = 0;
    let sum = 0;
    for (let i = 0, before = times[0]; i < order.length; i++) {
      sum += pressure * (times[i] - before);
      before = times[i];
      integral[i] = sum;
      const event = order[i];
      const of = event < count ? event : event - count;
      const pressing = coalesces[of] === 1 ? share[of] / coalesced : share[of];
      pressure += event < count ? pressing : -pressing;
    }
    predicted.fill(-stepGapNs);
    for (let i = 0; i < count; i++) {
      const exposure = coalesces[i] === 1 ? coalesced : 1;
      const [begin, end] = [place[i], place[count + i]];
      const mean = (integral[end] - integral[begin]) / Math.max(1e-9, times[end] - times[begin]);
      const others = Math.max(0, mean - share[i] / exposure);
      besideNs[i] = aloneNs[i] * slowdownBeside(terms, exposure, others);
      predicted[owner[i]] += besideNs[i] + stepGapNs;
    }
  }
}

const SINGLE = methods.indexOf('single');

/** Time alone and share of the device, whichever of its parts it takes more of. */
function remembered(
  costs: CostModel,
): (kernel: Kernel, size: number, method: number) => {ns: number; share: number} {
  const known = new Map<Kernel, Map<number, {ns: number; share: number}>>();
  return (kernel, size, method) => {
    let of = known.get(kernel);
    if (of === undefined) known.set(kernel, (of = new Map<number, {ns: number; share: number}>()));
    const key = size * methods.length + method;
    let found = of.get(key);
    if (found === undefined) {
      const name = methods[method];
      found = {
        ns: costs.durationNs(kernel, size, name),
        share: Math.max(costs.smShare(kernel, size, name), costs.bandwidthShare(kernel, size, name)),
      };
      of.set(key, found);
    }
    return found;
  };
}
