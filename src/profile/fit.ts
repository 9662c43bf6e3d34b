// Fits the constants of a GEMM model to measurements.
import {bytesOf} from '../scheduler/kernel.ts';
import {GemmModel} from './gemmModel.ts';
import type {DeviceFacts, LaunchKind} from './gemmModel.ts';
import {leastSquares} from './leastSquares.ts';
import type {Measurement} from './measurement.ts';
import type {GemmTerms} from './profile.ts';

/** A constant of the model that a fit may move, as its logarithm. */
interface Parameter {
  readonly name: string;
  readonly get: () => number;
  readonly set: (value: number) => void;
  readonly lower: number;
  readonly upper: number;
}

/** Options of `fitGemm`. */
export interface FitOptions {
  readonly facts: DeviceFacts;
  /** Absolute error of the measurements in ns: short times weigh less. */
  readonly absoluteNs: number;
  readonly kinds?: readonly LaunchKind[];
  readonly iterations?: number;
  /** Take the tile that ran where a measurement names it, else the model's choice. */
  readonly knownTiles: boolean;
}

/** Relative error beyond which a measurement pulls linearly. */
const outlier = 0.1;

/**
 * Fits the terms to the measurements by least squares of the logarithm, short times weighing less. Upper bounds are
 * left out.
 */
export function fitGemm(rows: readonly Measurement[], start: GemmTerms, options: FitOptions): GemmTerms {
  const terms = structuredClone(start);
  const kinds = options.kinds ?? ['single', 'batched'];
  const used = rows.filter((row) => row.isUpperBound !== true && kinds.includes(row.method as LaunchKind));
  const parameters = parametersOf(terms, kinds);
  const predict = predictor(terms, used, options);
  const weights = used.map(({ns}) => 1 / Math.hypot(1, options.absoluteNs / ns / 0.1));
  const residuals = (x: readonly number[], out: Float64Array): void => {
    parameters.forEach((parameter, i) => parameter.set(Math.exp(x[i])));
    for (let i = 0; i < used.length; i++) out[i] = weights[i] * Math.log(predict(i) / used[i].ns);
  };
  const result = leastSquares(
    residuals,
    parameters.map((parameter) => Math.log(parameter.get())),
    used.length,
    {
      outlier,
      iterations: options.iterations ?? 40,
      lower: parameters.map(({lower}) => Math.log(lower)),
      upper: parameters.map(({upper}) => Math.log(upper)),
    },
  );
  parameters.forEach((parameter, i) => parameter.set(round(Math.exp(result.x[i]))));
  return terms;
}

/** Predicted ns of row i under the present terms. */
function predictor(
  terms: GemmTerms,
  rows: readonly Measurement[],
  {facts, knownTiles}: FitOptions,
): (i: number) => number {
  const model = new GemmModel(terms, facts, bytesOf[rows[0].dtype]);
  const known = rows.map((row) => {
    const launch = terms[row.method as LaunchKind];
    const tile = launch.tiles.find(({name}) => name === row.tile);
    return tile === undefined ? undefined : {launch, tile, splits: row.splits ?? 1};
  });
  return (i) => {
    const row = rows[i];
    const fixed = knownTiles ? known[i] : undefined;
    if (fixed !== undefined) return model.tileNs(fixed.launch, fixed.tile, fixed.splits, row);
    return row.method === 'single'
      ? model.singleNs(row)
      : row.method === 'batched'
        ? model.stridedNs(row)
        : model.groupedNs([row]);
  };
}

function parametersOf(terms: GemmTerms, kinds: readonly LaunchKind[]): Parameter[] {
  const parameters: Parameter[] = [];
  const add = <K extends string>(
    owner: Record<K, number>,
    key: K,
    name: string,
    lower: number,
    upper: number,
  ): void => {
    // A logarithm needs a start above zero.
    owner[key] = Math.min(upper, Math.max(lower, owner[key]));
    parameters.push({
      name,
      get: () => owner[key],
      set: (value) => (owner[key] = value as (typeof owner)[K]),
      lower,
      upper,
    });
  };
  for (const kind of kinds) {
    const launch = terms[kind];
    add(launch, 'launch_ns', `${kind}.launch_ns`, 1000, 20_000);
    if (launch.tiles.some((tile) => tile.max_splits > 1))
      add(launch, 'split_ns', `${kind}.split_ns`, 10, 20_000);
    for (const key of ['a', 'b', 'c'] as const) add(launch.memory, key, `${kind}.${key}`, 0.5, 4);
    for (const key of ['a_scatter', 'b_scatter'] as const)
      if (launch.memory[key] > 0) add(launch.memory, key, `${kind}.${key}`, 0.01, 8);
    add(launch.memory, 'scatter_k', `${kind}.scatter_k`, 8, 2000);
    add(launch.memory, 'partials', `${kind}.partials`, 0.01, 4);
    add(launch.memory, 'exposed', `${kind}.exposed`, 0.001, 1);
    for (const tile of launch.tiles) {
      add(tile, 'step_ns', `${kind}.${tile.name}.step`, 1, 1000);
      add(tile, 'l2_step_ns', `${kind}.${tile.name}.l2`, 1, 1000);
      add(tile, 'dram_step_ns', `${kind}.${tile.name}.dram`, 1, 1000);
      add(tile, 'block_ns', `${kind}.${tile.name}.block`, 10, 50_000);
    }
  }
  return parameters;
}

const round = (value: number): number => Number(value.toPrecision(4));
