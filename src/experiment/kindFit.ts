// What launches of models suffer from each other and press on each other with, of each kind: all by one least squares.
import {group, sum} from 'd3-array';
import {leastSquares} from '../profile/leastSquares.ts';
import {pressureTogether, slowdownBeside} from '../scheduler/sharingTerms.ts';
import {leastOfKind} from './coRunCompany.ts';
import type {Company, CompanyRows} from './coRunCompany.ts';
import {kindKey, usualKind} from './launchKinds.ts';
import type {FittedKind, FittedSharing, LaunchSharing, RunKind} from './launchKinds.ts';

/**
 * Beyond this error, of the geometric mean of its time and that of all, a launch counts less: the host was away, or something
 * else ran. What launches of a kind take on average is what decides how many the device gets done, so that scatter counts in
 * full: some beside large batches take twice as long as most, and with them left out everything came out 1 to 2 % too fast.
 */
const outlier = 3;

/** A few steps: where kernels lie within launches depends on what is found, so that it is looked for more than once. */
const mostSteps = 12;

/** Where the search begins for how launches suffer where there is a lot: from 0 it would not find the way. */
const crowdingAtFirst = 1;
const crowdedAtFirst = 0.6;
/** And for mixing: half of what co-runs on two H200s asked for. */
const mixingAtFirst = 0.5;

/**
 * How far the search goes. Beyond a crowding of about 3 the law is an offset and a slope, and launches beside little are too few
 * to tell how soon.
 */
const bounds = {
  interference: [0, 3],
  crowding: [0, 3],
  crowdedInterference: [0, 3],
  mixing: [0, 3],
  coalesced: [0.2, 2],
  pace: [0.5, 1.5],
  exposure: [0.05, 2],
  /** Logarithm of how much more a kind presses than 1 over its exposure. */
  stress: [-1.5, 1.5],
  /** In us: how much later than usual the host of a run saw ends, as it was busy. */
  late: [-2, 20],
} as const;
type Bound = keyof typeof bounds;

/** Few launches do not tell a kind's pace or pressure: being off by 1 counts as much as so many launches off by as much. */
const inertia = 0.3;
/** Superkernels were measured as they are launched, and of each size there are few. */
const inertiaOfSeveral = 3;

/**
 * Exposures count from what single kernels suffer on average, as only their product with the interference shows. This holds them
 * there: off by 0.01 is as bad as one launch that takes twice as long.
 */
const anchor = 100;

/**
 * What launches of a model take together in a run decides how much the device gets done. Launch by launch, runs with many short ones
 * would count for more, and the law's errors, which are the same for all launches of a run, would be left to those with few: on an
 * H200 everything under `streams` came out 1.4 % too fast, and so met less company, and took 3 % less time in simulation. So each
 * run's totals count too: off by 1 % in all of a run is as bad as nine launches that take twice as long.
 */
const wholeRun = 300;

/** A kind of all runs. */
interface CountedKind extends RunKind {
  readonly launches: number;
}

/** A kind, and which of the parameters are its own. */
interface KnownKind extends CountedKind {
  readonly paceAt: number;
  readonly exposureAt: number;
  readonly stressAt: number;
}

/** The terms and kinds with which launches come closest to what they took, given what ran beside them as laid out. */
export function bestKinds(all: readonly Company[], start: FittedSharing): FittedSharing {
  const runs = all.map((company) => ({company, rows: company.rows(start)}));
  const size = sum(runs, ({rows}) => rows.count);
  if (size === 0) return start;
  const {terms} = start;
  const x: number[] = [];
  const [lower, upper]: [number[], number[]] = [[], []];
  const add = (bound: Bound, value: number): number => {
    lower.push(bounds[bound][0]);
    upper.push(bounds[bound][1]);
    return x.push(value) - 1;
  };
  const isFirst = start.kinds.size === 0;
  const interference = add('interference', terms.interference);
  const crowding = add('crowding', isFirst ? crowdingAtFirst : terms.crowding);
  const crowded = add(
    'crowdedInterference',
    isFirst ? crowdedAtFirst * terms.interference : terms.crowdedInterference,
  );
  const mixing = add('mixing', isFirst ? mixingAtFirst : terms.mixing);
  const coalesced = add('coalesced', terms.coalesced);
  const known = kindsOf(runs).map((kind): KnownKind => {
    const {pace, exposure, pressure} = start.kinds.get(kindKey(kind)) ?? usualKind(kind, terms.coalesced);
    return {
      ...kind,
      paceAt: add('pace', pace),
      exposureAt: add('exposure', exposure),
      stressAt: add('stress', Math.log(pressure * exposure)),
    };
  });
  const late = runs.map(() => add('late', 0));
  const kindOf = (x: readonly number[], of: KnownKind): FittedKind => {
    const {model, batch, method, size, launches} = of;
    const exposure = x[of.exposureAt];
    return {
      model,
      batch,
      method,
      size,
      launches,
      pace: x[of.paceAt],
      exposure,
      pressure: Math.exp(x[of.stressAt]) / exposure,
    };
  };
  const sharingOf = (x: readonly number[]): LaunchSharing => ({
    terms: {
      ...terms,
      interference: x[interference],
      crowding: x[crowding],
      crowdedInterference: x[crowded],
      mixing: x[mixing],
      coalesced: x[coalesced],
    },
    kinds: new Map(known.map((kind) => [kindKey(kind), kindOf(x, kind)])),
  });
  const singles = known.filter(isSingle);
  const ofSingles = sum(singles, ({launches}) => launches);
  const counted = runs.map(({company, rows}) => ({
    company,
    rows,
    weight: weightsOf(rows),
    bend: bendOf(company, rows, start),
    totalWeights: totalWeightsOf(company, rows),
  }));
  const predicted = new Float64Array(Math.max(...runs.map(({rows}) => rows.count)));
  // Of each run: which parameters its launches hang on, so that others need not be asked for when one is moved.
  const shared = [interference, crowding, crowded, mixing, coalesced];
  const hangOn = runs.map(({company}, run) => {
    const keys = new Set(company.kindsOfRun.map(kindKey));
    const own = known.filter((kind) => keys.has(kindKey(kind)));
    return new Set([
      ...shared,
      late[run],
      ...own.flatMap(({paceAt, exposureAt, stressAt}) => [paceAt, exposureAt, stressAt]),
    ]);
  });
  const best = leastSquares(
    (x, out, moved) => {
      const sharing = sharingOf(x);
      let at = 0;
      counted.forEach(({company, rows, weight, bend, totalWeights}, run) => {
        if (moved !== undefined && !hangOn[run].has(moved)) {
          at += rows.count + totalWeights.length;
          return;
        }
        predict(company, rows, sharing, predicted);
        const lateNs = 1000 * x[late[run]];
        const offNs = totalWeights.map(() => 0);
        for (let row = 0; row < rows.count; row++) {
          const off = bend[row] * predicted[row] + lateNs - rows.tookNs[row];
          out[at++] = weight[row] * off;
          offNs[rows.model[row]] += rows.standsFor[row] * off;
        }
        totalWeights.forEach((weight, model) => (out[at++] = weight * offNs[model]));
      });
      const mean = sum(singles, (kind) => kind.launches * x[kind.exposureAt]) / ofSingles;
      out[at++] = singles.length === 0 ? 0 : anchor * (mean - 1);
      for (const kind of known) {
        out[at++] = (isSingle(kind) ? inertia : inertiaOfSeveral) * (x[kind.paceAt] - 1);
        out[at++] = inertia * x[kind.stressAt];
      }
      for (const run of late) out[at++] = inertia * x[run];
    },
    x,
    size + sum(counted, ({totalWeights}) => totalWeights.length) + 1 + 2 * known.length + late.length,
    {outlier, iterations: mostSteps, tolerance: 1e-4, lower, upper},
  );
  const lateNs = (1000 * sum(late, (at) => best.x[at])) / late.length;
  return {...sharingOf(best.x), lateNs};
}

const isSingle = ({method, size}: RunKind): boolean => method === 'single' && size === 1;

/** The kinds of which there are launches enough in all. */
function kindsOf(
  runs: readonly {readonly company: Company; readonly rows: CompanyRows}[],
): readonly CountedKind[] {
  const found = runs.flatMap(({company, rows}) => {
    const launches = company.kindsOfRun.map(() => 0);
    rows.kind.forEach((kind, row) => (launches[kind] += rows.standsFor[row]));
    return company.kindsOfRun.map((kind, i): CountedKind => ({...kind, launches: launches[i]}));
  });
  return [...group(found, kindKey).values()]
    .map((same): CountedKind => ({...same[0], launches: sum(same, ({launches}) => launches)}))
    .filter(({launches}) => launches >= leastOfKind);
}

/** What an error in ns counts: relative to the time, but as launches are longer, they say more. */
function weightsOf({count, predictedNs, standsFor}: CompanyRows): Float64Array {
  const mean = sum(predictedNs) / Math.max(1, count);
  return predictedNs.map((ns, row) => Math.sqrt(standsFor[row] / (ns * mean)));
}

/** By model of the run: what an error of its launches together counts, for each ns. */
function totalWeightsOf({run}: Company, {count, model, standsFor, tookNs}: CompanyRows): number[] {
  const took = run.models.map(() => 0);
  for (let row = 0; row < count; row++) took[model[row]] += standsFor[row] * tookNs[row];
  const all = sum(took);
  return took.map((ns) => (ns === 0 ? 0 : (wholeRun * Math.sqrt(ns / all)) / ns));
}

/**
 * What its kernels take one by one over what a launch takes beside the mean of what was beside it: kernels are short, and the
 * law bends.
 */
function bendOf(company: Company, rows: CompanyRows, sharing: FittedSharing): Float64Array {
  const predicted = new Float64Array(rows.count);
  predict(company, rows, sharing, predicted);
  return rows.predictedNs.map((ns, row) => ns / predicted[row]);
}

/** Writes what launches take beside the mean of what was beside them, in ns. */
function predict(
  {kindsOfRun}: Company,
  {count, kind, productsNs, elementwiseNs, beside}: CompanyRows,
  {terms, kinds}: LaunchSharing,
  out: Float64Array,
): void {
  const all = kindsOfRun.map((kind) => kinds.get(kindKey(kind)) ?? usualKind(kind, terms.coalesced));
  const presses = Float64Array.from(all, ({pressure}) => pressure);
  const coalesces = Uint8Array.from(kindsOfRun, ({method}) => (method === 'single' ? 0 : 1));
  const most = presses.length;
  for (let row = 0, i = 0; row < count; row++) {
    let single = 0;
    let coalesced = 0;
    for (let of = 0; of < most; of++, i++) {
      if (coalesces[of] === 0) single += beside[i] * presses[of];
      else coalesced += beside[i] * presses[of];
    }
    const pressure = pressureTogether(terms, single, coalesced);
    const {pace, exposure} = all[kind[row]];
    const products = productsNs[row] * pace * slowdownBeside(terms, exposure, pressure);
    const elementwise =
      elementwiseNs[row] === 0 ? 0 : elementwiseNs[row] * slowdownBeside(terms, 1, pressure);
    out[row] = products + elementwise;
  }
}
