// Fits the constants of a GEMM model to measurements.
import {bytesOf} from '../scheduler/kernel.ts';
import {GemmModel} from './gemmModel.ts';
import type {LaunchKind} from './gemmModel.ts';
import type {DeviceFacts} from './tileTime.ts';
import {leastSquares} from './leastSquares.ts';
import {shownNs} from './conditions.ts';
import {launchKindOf, predictedNs} from './measurement.ts';
import type {Measurement} from './measurement.ts';
import type {GemmTerms} from './profile.ts';

/** A constant of the model that a fit moves, as its logarithm. */
interface Parameter {
  readonly get: () => number;
  readonly set: (value: number) => void;
  readonly lower: number;
  readonly upper: number;
}

/** Conditions that a fit may move: measurements of one host share its part, those of one session its throttling. */
export interface FittedConditions {
  readonly host: {ns: number; /** Not to be fitted. */ readonly isKnown?: boolean};
  readonly throttle?: {share: number; half_ns: number; readonly tflops?: number | undefined} | undefined;
  readonly slower?: {share: number} | undefined;
}

/** Options of `fitGemm`. */
export interface FitOptions {
  readonly facts: DeviceFacts;
  /** Absolute error of the measurements in ns: short times weigh less. */
  readonly absoluteNs: number;
  /**
   * Predict with the tile that ran, where a measurement names it, else with the model's choice. The former finds each
   * tile's constants; the latter makes the choice come out right on the whole.
   */
  readonly knownTiles: boolean;
  /** Under which conditions a measurement was taken; default: the kernel alone, at a clock that is held. */
  readonly conditionsOf?: (row: Measurement) => FittedConditions;
  /** Whether the conditions that are not known are fitted too, in place; default: they stay. */
  readonly fitConditions?: boolean;
  /** Whether the time of a launch before its first block is fitted; default: true. */
  readonly fitLaunch?: boolean;
  /** How many measurements one counts for; default 1. */
  readonly weightOf?: (row: Measurement) => number;
  /** With the model's choice: weight, beside it, of the time of the tile that ran, by launch; default: none. */
  readonly knownWeights?: Readonly<Record<LaunchKind, number>>;
  /** Launches to fit; default: those that the measurements hold, of single and batched. */
  readonly kinds?: readonly LaunchKind[];
  /** Most multiply-adds of one SM in a ns, at the clock of the terms: no tile may step faster; default: no limit. */
  readonly fmaPerNs?: number;
  /** Least time of a launch; default 2,000 ns. */
  readonly leastLaunchNs?: number;
  readonly iterations?: number;
  /** Pull of every constant towards where it starts: a residual for a factor of e. */
  readonly prior?: number;
}

/** Conditions that add nothing. */
const undisturbed: FittedConditions = {host: {ns: 0, isKnown: true}};

/** A host's part lies within so many ns of none. */
const mostHostNs = 20_000;

/** An SM of an H100 has the largest L1, 256 kB with its shared memory. */
const mostL1Bytes = 262_144;

/** Relative error beyond which a measurement pulls linearly, not by its square. */
const outlier = 0.1;

/**
 * Fits the terms to measurements of one data type by least squares of the logarithm. Upper bounds are left out, and
 * what the measurements do not reach stays near where it starts. Deterministic.
 */
export function fitGemm(rows: readonly Measurement[], start: GemmTerms, options: FitOptions): GemmTerms {
  const {
    facts,
    absoluteNs,
    knownTiles,
    weightOf = () => 1,
    conditionsOf = () => undisturbed,
    fitConditions = false,
    fitLaunch = true,
    knownWeights,
    iterations = 60,
    prior = 0.3,
    leastLaunchNs = 2000,
    fmaPerNs = Infinity,
  } = options;
  const terms = structuredClone(start);
  const measured = rows.filter((row) => row.isUpperBound !== true);
  const present = new Set(measured.map((row) => launchKindOf(row.method)));
  const kinds = options.kinds ?? (['single', 'batched'] as const).filter((kind) => present.has(kind));
  const used = measured.filter((row) => kinds.includes(launchKindOf(row.method)));
  if (used.length === 0) return terms;
  const parameters = kinds.flatMap((kind) => parametersOf(terms, kind, leastLaunchNs, fmaPerNs, fitLaunch));
  if (fitConditions) parameters.push(...conditionParameters(used.map(conditionsOf)));
  const model = new GemmModel(terms, facts, bytesOf[used[0].dtype]);
  const shown = (row: Measurement, known: boolean): (() => number) => {
    const kernelNs = predictionOf(model, terms, row, known);
    const conditions = conditionsOf(row);
    return () => shownNs(kernelNs(), conditions, row);
  };
  const predictions = used.map((row) => shown(row, knownTiles));
  const weights = used.map((row) => Math.sqrt(weightOf(row)) / Math.hypot(1, absoluteNs / row.ns / outlier));
  const targets = used.map(({ns}) => ns);
  if (!knownTiles && knownWeights !== undefined) {
    for (let i = 0; i < used.length; i++) {
      predictions.push(shown(used[i], true));
      weights.push(knownWeights[launchKindOf(used[i].method)] * weights[i]);
      targets.push(used[i].ns);
    }
  }
  const startAt = parameters.map((parameter) => Math.log(parameter.get()));
  const apply = (x: readonly number[]): void => parameters.forEach(({set}, i) => set(Math.exp(x[i])));
  const {x} = leastSquares(
    (x, out) => {
      apply(x);
      for (let i = 0; i < targets.length; i++) out[i] = weights[i] * Math.log(predictions[i]() / targets[i]);
      for (let i = 0; i < x.length; i++) out[targets.length + i] = prior * (x[i] - startAt[i]);
    },
    startAt,
    targets.length + parameters.length,
    {
      outlier,
      iterations,
      lower: parameters.map(({lower}) => Math.log(lower)),
      upper: parameters.map(({upper}) => Math.log(upper)),
    },
  );
  apply(x);
  return rounded(terms);
}

function predictionOf(
  model: GemmModel,
  terms: GemmTerms,
  row: Measurement,
  knownTiles: boolean,
): () => number {
  const launch = terms[launchKindOf(row.method)];
  const tile = knownTiles ? launch.tiles.find(({name}) => name === row.tile) : undefined;
  if (tile === undefined) return () => predictedNs(model, row);
  return () => model.tileNs(launch, tile, row.splits ?? 1, row);
}

/** Of each host the part, as a constant above 0, which has a logarithm; of each session how its GPU slowed, or was slower. */
function conditionParameters(conditions: readonly FittedConditions[]): Parameter[] {
  const parameters: Parameter[] = [];
  for (const host of new Set(conditions.map((each) => each.host))) {
    if (host.isKnown === true) continue;
    parameters.push({
      get: () => mostHostNs + host.ns,
      set: (value) => (host.ns = Math.round(value - mostHostNs)),
      lower: 1,
      upper: 2 * mostHostNs,
    });
  }
  for (const throttle of new Set(conditions.map((each) => each.throttle))) {
    if (throttle === undefined) continue;
    parameters.push(
      {get: () => throttle.share, set: (value) => (throttle.share = value), lower: 0.001, upper: 0.5},
      {get: () => throttle.half_ns, set: (value) => (throttle.half_ns = value), lower: 1e5, upper: 1e8},
    );
  }
  for (const slower of new Set(conditions.map((each) => each.slower))) {
    if (slower === undefined) continue;
    parameters.push({
      get: () => slower.share,
      set: (value) => (slower.share = value),
      lower: 0.001,
      upper: 0.5,
    });
  }
  return parameters;
}

/** The constants of one kind of launch, with the bounds that physics sets them. */
function parametersOf(
  terms: GemmTerms,
  kind: LaunchKind,
  leastLaunchNs: number,
  fmaPerNs: number,
  fitLaunch: boolean,
): Parameter[] {
  const parameters: Parameter[] = [];
  const add = <K extends string>(
    owner: {[P in K]?: number | undefined},
    key: K,
    lower: number,
    upper: number,
  ): void => {
    // A logarithm needs a start above zero.
    owner[key] = Math.min(upper, Math.max(lower, owner[key]!));
    parameters.push({get: () => owner[key]!, set: (value) => (owner[key] = value), lower, upper});
  };
  const launch = terms[kind];
  const {memory, tiles} = launch;
  if (fitLaunch) add(launch, 'launch_ns', leastLaunchNs, 50_000);
  add(launch, 'tail', 0.01, 1);
  add(launch, 'unaligned', 0.001, 0.5);
  for (const key of ['a', 'b', 'c'] as const) add(memory, key, 0.3, 6);
  add(memory, 'scatter_k', 8, 2000);
  add(memory, 'exposed', 0.001, 1);
  if (memory.edge !== undefined) add(memory, 'edge', 0.02, 0.95);
  if (memory.off_line !== undefined) add(memory, 'off_line', 0.001, 3);
  if (memory.l1_bytes !== undefined) add(memory, 'l1_bytes', 4096, mostL1Bytes);
  if (memory.off_sector !== undefined) add(memory, 'off_sector', 0.001, 3);
  if (launch.remainder !== undefined) add(launch, 'remainder', 0.01, 32);
  if (tiles.some((tile) => tile.max_splits > 1)) {
    add(launch, 'split_ns', 10, 20_000);
    add(memory, 'partials', 0.01, 4);
  }
  for (const tile of tiles) {
    add(tile, 'step_ns', Math.max(0.1, (tile.rows * tile.columns) / fmaPerNs), 5000);
    add(tile, 'l2_step_ns', 0.1, 5000);
    // As a multiple, so that DRAM is never nearer than L2.
    parameters.push({
      get: () => Math.max(1.001, tile.dram_step_ns / tile.l2_step_ns) - 1,
      set: (more) => (tile.dram_step_ns = tile.l2_step_ns * (1 + more)),
      lower: 0.001,
      upper: 3,
    });
    add(tile, 'scatter', 0.01, 8);
    if (tile.exposed_lines !== undefined) add(tile, 'exposed_lines', 0.001, 1);
    add(tile, 'block_ns', 10, 50_000);
    if (tile.far !== undefined) add(tile, 'far', 0.001, 1);
  }
  return parameters;
}

/** Four digits say more than a fit knows. */
function rounded(terms: GemmTerms): GemmTerms {
  const text = JSON.stringify(terms, (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value,
  );
  return JSON.parse(text) as GemmTerms;
}
