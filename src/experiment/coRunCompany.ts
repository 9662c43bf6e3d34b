// The launches of a live run in each other's company: what terms of sharing and exposures make of the time that each took.
import type {CostModel} from '../profile/costModel.ts';
import {methods} from '../scheduler/kernel.ts';
import {pressureTogether, slowdownBeside} from '../scheduler/sharingTerms.ts';
import type {Sharers} from '../sim/sharing.ts';
import type {Model} from '../workload/models/layer.ts';
import type {CoRun} from './calibrationCoRuns.ts';
import {CoRunTimeline} from './coRunTimeline.ts';
import {kindKey, kindSize, usualKind} from './launchKinds.ts';
import type {LaunchSharing, RunKind} from './launchKinds.ts';
import {rememberedPrograms, rememberedTimes} from './modelKernels.ts';

/**
 * The launches of a run that tell something: long ones that nothing odd happened to; of kinds with very many an even choice.
 * Times in ns, by row.
 */
export interface CompanyRows {
  readonly count: number;
  /** Index of `kindsOfRun`, and of the run's models. */
  readonly kind: Int32Array;
  readonly model: Int32Array;
  /** How many launches of its kind it stands for. */
  readonly standsFor: Float64Array;
  /** How long it took, less the gaps between its kernels and their waits. */
  readonly tookNs: Float64Array;
  /** The same as last predicted. */
  readonly predictedNs: Float64Array;
  /** What its products take by themselves, and its element-wise kernels. */
  readonly productsNs: Float64Array;
  readonly elementwiseNs: Float64Array;
  /** By row, then `kindsOfRun`: the mean share of the device that others of the kind took meanwhile. */
  readonly beside: Float64Array;
}

export interface KindError {
  readonly kind: {
    readonly model: string;
    readonly batch: number;
    readonly method: string;
    readonly size: number;
    readonly launches: number;
  };
  readonly measuredNs: number;
  readonly error: number;
}

/**
 * Beyond this, as a logarithm of predicted over measured, a launch does not count among its kind's: 2.5 times as long happens
 * beside batches, longer where the host was away for milliseconds.
 */
const odd = 0.9;

/** Fewer launches of a kind do not tell its error or its exposure. */
export const leastOfKind = 20;

/**
 * The host sees an end later than an idle one would by a wake-up or two, which is as much as this many times its usual
 * lateness is long: the terms that all launches share are looked for first, by launches beside which that is nothing,
 */
const longLatenesses = 60;
/** then kinds, and how late each run's host was, by launches beside which it is little, */
const fairLatenesses = 20;
/** and kinds that have no such launches in a run by shorter ones: all that run there, as they are of different kernels. */
const shortLatenesses = 3;

/** Of kinds with more launches than this in a run some are left out, and the others stand for them. */
const mostOfKind = 400;
/** Multiples of the golden ratio spread evenly over what follows the point. */
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * The launches of one run, kernel by kernel, laid out in the time that they took, so that it is known what ran beside each
 * kernel. What terms of sharing make of a launch is then the sum over its kernels of the time alone, stretched by the mean
 * pressure of all others meanwhile. Nothing is simulated, so that an error in one launch does not move the others.
 */
export class Company {
  readonly run: CoRun;
  readonly launches: number;
  readonly coalescedLaunches: number;
  readonly longLaunches: number;
  /** By kernel run: its launch, time alone in ns, and whether it is one of products (0 or 1). */
  private readonly owner: Int32Array;
  private readonly aloneNs: Float64Array;
  private readonly isProducts: Uint8Array;
  /** Their shares, and exposure and pressure as last asked for, */
  private readonly sharers: Sharers;
  /** and pace. */
  private readonly pace: Float64Array;
  /** By launch: its kind, as index of `kindsOfRun`. */
  private readonly kind: Int32Array;
  /** The kinds that the run has launches of. */
  readonly kindsOfRun: RunKind[] = [];
  /** Between two kernels of a launch. */
  private readonly stepGapNs: number;
  /** By launch: how long it takes alone in ns, gaps left out, and the least of that at which launches count. */
  private readonly launchAloneNs: Float64Array;
  private readonly longNs: number;
  private readonly fairNs: number;
  private readonly shortNs: number;
  /** By launch: how long it took in ns, and what it counts, its time over the mean. */
  private readonly tookNs: Float64Array;
  private readonly weight: Float64Array;
  /** When the launches began. */
  private readonly freeAt: Float64Array;
  /** By kernel run: what it takes beside others, in ns, as last predicted. */
  private readonly besideNs: Float64Array;
  private readonly predicted: Float64Array;
  /** By kernel run: what it gets on average of its share; 1 where it never waits. */
  private readonly got: Float64Array;
  /** By kernel run: for how long it waits for those that began before. */
  private readonly waitNs: Float64Array;
  /** By kernel run: how many times as long as alone it takes. */
  private readonly slowdown: Float64Array;
  private readonly timeline: CoRunTimeline;

  /** `models`: those of the run, by name. */
  constructor(run: CoRun, models: ReadonlyMap<string, Model>, costs: CostModel) {
    this.run = run;
    const {launches} = run;
    const kernelRuns = launches.reduce((sum, [, , steps]) => sum + steps, 0);
    this.launches = launches.length;
    this.coalescedLaunches = launches.filter(([, , , , method]) => method !== SINGLE).length;
    this.owner = new Int32Array(kernelRuns);
    this.aloneNs = new Float64Array(kernelRuns);
    this.isProducts = new Uint8Array(kernelRuns);
    this.sharers = {
      share: new Float64Array(kernelRuns),
      exposure: new Float64Array(kernelRuns),
      pressure: new Float64Array(kernelRuns),
      coalesces: new Uint8Array(kernelRuns),
      holds: new Uint8Array(kernelRuns),
    };
    this.pace = new Float64Array(kernelRuns);
    this.kind = new Int32Array(launches.length);
    this.launchAloneNs = new Float64Array(launches.length);
    this.stepGapNs = costs.stepGapNs;
    this.longNs = longLatenesses * costs.detectNs;
    this.fairNs = fairLatenesses * costs.detectNs;
    this.shortNs = shortLatenesses * costs.detectNs;
    this.tookNs = new Float64Array(launches.length);
    this.weight = new Float64Array(launches.length);
    this.predicted = new Float64Array(launches.length);
    this.freeAt = Float64Array.from(launches, (launch) => launch[5]);
    this.besideNs = new Float64Array(kernelRuns);
    this.got = new Float64Array(kernelRuns).fill(1);
    this.slowdown = new Float64Array(kernelRuns);
    this.waitNs = new Float64Array(kernelRuns);
    this.timeline = new CoRunTimeline(kernelRuns);
    const lookUp = rememberedTimes(costs);
    const programFor = rememberedPrograms(models);
    let i = 0;
    launches.forEach(([model, kernel, steps, size, method, freeAt, finishedAt, requests], launch) => {
      const batch = run.batch * requests;
      const program = programFor(run.models[model], batch);
      for (let step = 0; step < steps; step++, i++) {
        const runs = program[kernel + step];
        const {ns, share, holds} = lookUp(runs, size, method);
        this.owner[i] = launch;
        this.aloneNs[i] = this.besideNs[i] = ns;
        this.launchAloneNs[launch] += ns;
        this.sharers.share[i] = share;
        this.isProducts[i] = runs.op === 'gemm' ? 1 : 0;
        this.sharers.coalesces[i] = method === SINGLE ? 0 : 1;
        this.sharers.holds[i] = holds ? 1 : 0;
      }
      this.kind[launch] = this.kindOf({
        model: run.models[model],
        batch,
        method: method === SINGLE ? 'single' : 'batched',
        size: kindSize(size),
      });
      this.tookNs[launch] = Math.max(1, finishedAt - freeAt - costs.detectNs);
    });
    const mean = this.tookNs.reduce((sum, ns) => sum + ns, 0) / launches.length;
    this.tookNs.forEach((ns, launch) => (this.weight[launch] = Math.sqrt(ns / mean)));
    this.longLaunches = this.launchAloneNs.reduce((sum, ns) => sum + (ns >= this.longNs ? 1 : 0), 0);
  }

  /** Lays the kernels out as the terms have it, stretched to the time that their launches took. */
  layOut(sharing: LaunchSharing): void {
    const {owner, besideNs, freeAt, tookNs, stepGapNs, timeline} = this;
    const count = owner.length;
    // At first as if all were alone.
    if (timeline.isArranged) this.predict(sharing);
    const whole = new Float64Array(this.launches).fill(-stepGapNs);
    for (let i = 0; i < count; i++) whole[owner[i]] += besideNs[i] + stepGapNs;
    const begin = Float64Array.from(freeAt);
    const at = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      const launch = owner[i];
      const stretch = tookNs[launch] / whole[launch];
      at[i] = begin[launch];
      at[count + i] = begin[launch] + besideNs[i] * stretch;
      begin[launch] = at[count + i] + stepGapNs * stretch;
    }
    timeline.arrange(at);
    timeline.findWaits(this.sharers, this.waitNs);
    for (let i = 0; i < count; i++) {
      const lasts = at[count + i] - at[i];
      this.got[i] = lasts > 0 ? 1 - Math.min(1, this.waitNs[i] / lasts) : 1;
    }
  }

  /**
   * Writes the weighed logarithms of predicted over measured times of long launches from `out[at]` on; returns where they
   * end.
   */
  residuals(sharing: LaunchSharing, out: Float64Array, at: number): number {
    this.predict(sharing, false);
    for (let launch = 0; launch < this.launches; launch++) {
      if (this.launchAloneNs[launch] < this.longNs) continue;
      out[at++] = this.weight[launch] * Math.log(this.predicted[launch] / this.tookNs[launch]);
    }
    return at;
  }

  /** The launches that say something of their kinds, and what was beside them. */
  rows(sharing: LaunchSharing): CompanyRows {
    this.predict(sharing);
    const {stepGapNs, owner, isProducts, aloneNs, waitNs, kindsOfRun, kind, tookNs, predicted, launches} =
      this;
    const rowOf = new Int32Array(launches).fill(-1);
    const leastNs = this.leastOfKinds();
    const telling = kindsOfRun.map((): number[] => []);
    for (let launch = 0; launch < launches; launch++) {
      if (this.launchAloneNs[launch] >= leastNs[kind[launch]] && !this.isOdd(launch))
        telling[kind[launch]].push(launch);
    }
    const every = telling.map(({length}) => Math.ceil(length / mostOfKind));
    let count = 0;
    telling.forEach((of, i) => {
      for (let place = 0; place * every[i] < of.length; place++) {
        // Not always as far behind the last one: launches of a request follow each other in the same order.
        const at = Math.floor((place + ((place * golden) % 1)) * every[i]);
        if (at < of.length) rowOf[of[at]] = count++;
      }
    });
    const rows = {
      count,
      kind: new Int32Array(count),
      model: new Int32Array(count),
      standsFor: new Float64Array(count),
      tookNs: new Float64Array(count),
      predictedNs: new Float64Array(count),
      productsNs: new Float64Array(count),
      elementwiseNs: new Float64Array(count),
      beside: new Float64Array(count * kindsOfRun.length),
    };
    for (let launch = 0; launch < launches; launch++) {
      const row = rowOf[launch];
      if (row < 0) continue;
      rows.kind[row] = kind[launch];
      rows.model[row] = this.run.launches[launch][0];
      rows.standsFor[row] = every[kind[launch]];
      rows.tookNs[row] = tookNs[launch] + stepGapNs;
      rows.predictedNs[row] = predicted[launch] + stepGapNs;
    }
    for (let i = 0; i < owner.length; i++) {
      const row = rowOf[owner[i]];
      if (row < 0) continue;
      rows.tookNs[row] -= stepGapNs + waitNs[i];
      rows.predictedNs[row] -= stepGapNs + waitNs[i];
      (isProducts[i] === 1 ? rows.productsNs : rows.elementwiseNs)[row] += aloneNs[i];
    }
    for (const of of kindsOfRun.keys()) this.addBeside(of, rowOf, rows.beside);
    return rows;
  }

  /** By kind: how long its launches are by themselves, in ns, that say something of it. */
  private leastOfKinds(): number[] {
    const {kindsOfRun, kind, launchAloneNs, fairNs, shortNs} = this;
    const longest = kindsOfRun.map(() => 0);
    launchAloneNs.forEach((ns, launch) => (longest[kind[launch]] = Math.max(longest[kind[launch]], ns)));
    return longest.map((ns) => [fairNs, shortNs].find((least) => ns >= least) ?? Infinity);
  }

  private isOdd(launch: number): boolean {
    return Math.abs(Math.log(this.predicted[launch] / this.tookNs[launch])) > odd;
  }

  /** Adds up what launches of one kind took of the device beside each of the rows. */
  private addBeside(of: number, rowOf: Int32Array, beside: Float64Array): void {
    const {owner, aloneNs, launchAloneNs, sharers, got, kind, kindsOfRun, timeline} = this;
    const shares = sharers.share.map((each, i) => (kind[owner[i]] === of ? each * got[i] : 0));
    timeline.integrate(shares);
    for (let i = 0; i < owner.length; i++) {
      const launch = owner[i];
      const row = rowOf[launch];
      if (row < 0) continue;
      const others = timeline.meanBeside(i, shares);
      beside[row * kindsOfRun.length + of] += (others * aloneNs[i]) / launchAloneNs[launch];
    }
  }

  /** The error of launches of each kind together: simulated over measured, less 1. */
  kinds(sharing: LaunchSharing): KindError[] {
    this.predict(sharing);
    const kinds = new Map<string, {kind: KindError['kind']; measuredNs: number; predictedNs: number}>();
    this.run.launches.forEach(([model, , , size, method, , , requests], launch) => {
      const key = `${model} ${requests} ${method} ${size}`;
      const of = kinds.get(key);
      const [measuredNs, predictedNs] = [this.tookNs[launch], this.predicted[launch]];
      if (of === undefined) {
        const kind = {
          model: this.run.models[model],
          batch: this.run.batch * requests,
          method: methods[method],
          size,
          launches: 1,
        };
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

  private kindOf(kind: RunKind): number {
    const known = this.kindsOfRun.findIndex((other) => kindKey(other) === kindKey(kind));
    return known >= 0 ? known : this.kindsOfRun.push(kind) - 1;
  }

  /**
   * What every launch would take, in ns, beside what ran beside it: each kernel at the mean of its rates meanwhile, as a device
   * would run it, or, much faster, at the rate beside the mean of what was there.
   */
  private predict({terms, kinds}: LaunchSharing, exactly = true): void {
    const {coalesced} = terms;
    const {stepGapNs, owner, aloneNs, besideNs, pace, waitNs, slowdown, predicted, timeline} = this;
    const {share, exposure, pressure} = this.sharers;
    const count = owner.length;
    const usual = this.kindsOfRun.map((kind) => usualKind(kind, coalesced));
    const known = this.kindsOfRun.map((kind, i) => kinds.get(kindKey(kind)) ?? usual[i]);
    for (let i = 0; i < count; i++) {
      const of = (this.isProducts[i] === 1 ? known : usual)[this.kind[owner[i]]];
      pace[i] = of.pace;
      exposure[i] = of.exposure;
      pressure[i] = share[i] * of.pressure;
    }
    if (exactly) {
      timeline.slowdowns(terms, this.sharers, slowdown);
    } else {
      const [single, together] = [this.meanPressures(0), this.meanPressures(1)];
      for (let i = 0; i < count; i++)
        slowdown[i] = slowdownBeside(terms, exposure[i], pressureTogether(terms, single[i], together[i]));
    }
    predicted.fill(-stepGapNs);
    for (let i = 0; i < count; i++) {
      besideNs[i] = pace[i] * aloneNs[i] * slowdown[i] + waitNs[i];
      predicted[owner[i]] += besideNs[i] + stepGapNs;
    }
  }

  /** What presses on each kernel run, on the mean of the time that it takes, of launches that coalesce (1) or others (0). */
  private meanPressures(coalesces: 0 | 1): Float64Array {
    const {sharers, got, timeline} = this;
    const pressure = sharers.pressure.map((all, i) =>
      sharers.coalesces[i] === coalesces ? all * got[i] : 0,
    );
    timeline.integrate(pressure);
    return pressure.map((_, i) => timeline.meanBeside(i, pressure));
  }
}

const SINGLE = methods.indexOf('single');
