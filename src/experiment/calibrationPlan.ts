// What a calibration measures: shapes, sizes, and how much of the time each part may take.
import {usualTolerance} from '../gpu/calibration/coalesced.ts';
import type {Work} from '../gpu/calibration/work.ts';
import {genericShapes} from '../gpu/calibration/solo.ts';
import type {ShapeClass} from '../gpu/calibration/solo.ts';
import {kernelKey} from '../scheduler/kernel.ts';
import type {Elementwise, Gemm, Kernel} from '../scheduler/kernel.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import type {Model} from '../workload/models/layer.ts';
import {usualCoRuns} from './calibrationCoRuns.ts';
import type {CoRunStage} from './calibrationCoRuns.ts';
import {usualStages} from './hostRuns.ts';
import type {HostStage} from './hostRuns.ts';

/** The shapes of the papers: recurrent, small and square. They are measured whatever the models. */
export const paperShapes: readonly Gemm[] = [
  {op: 'gemm', m: 512, n: 1, k: 512, count: 1, dtype: 'fp32'},
  {op: 'gemm', m: 256, n: 128, k: 1152, count: 1, dtype: 'fp32'},
  {op: 'gemm', m: 256, n: 256, k: 256, count: 1, dtype: 'fp32'},
];

/** Calibrated for where nothing else is asked for. */
export const usualModels = ['resnet-50', 'resnet-18', 'mobilenet-v2', 'bert-base-128', 'lstm-1024', 'vgg-16'];

/** How much of everything is measured. */
export interface Extent {
  readonly generic: readonly Gemm[];
  readonly papers: readonly Gemm[];
  readonly maxSize: number;
  readonly lanes: number;
  readonly maxMembers: number;
  readonly poolBytes: number;
  /** More sizes are measured where a straight line between two misses one by more than this. */
  readonly tolerance: number;
  /** Requests that a policy may answer together: kernels of the models for so many are measured too, alone. */
  readonly requests: readonly number[];
  /** Unseen pairs that the profile is checked with. */
  readonly checks: number;
  readonly slicing: {kernel?: Gemm; forNs?: number};
  /** Live runs that show the host's times. */
  readonly hosting: readonly HostStage[];
  /** Live runs that show how models slow each other down. */
  readonly coRuns: CoRunStage;
  /** Bytes to push through the device's cache before weights are read again; null: what the driver says it holds. */
  readonly cacheBytes: number | null;
}

export const usualExtent: Extent = {
  generic: genericShapes(),
  papers: paperShapes,
  maxSize: 128,
  lanes: 16,
  // As live runs open their context.
  maxMembers: 16_384,
  // Many times what a cache of today holds.
  poolBytes: 8 * 2 ** 30,
  tolerance: usualTolerance,
  requests: [2, 3, 4, 5, 6, 7, 8],
  checks: 120,
  slicing: {},
  hosting: usualStages,
  coRuns: usualCoRuns,
  cacheBytes: null,
};

/** Launches that a lane may hold: a few captured or queued ones. */
export const ringSlots = 16;

/** By when, as a share of the budget, each part has to leave the time to the next. */
export const until = {
  grid: 0.36,
  elementwise: 0.41,
  lanes: 0.46,
  shares: 0.61,
  refine: 0.7,
  coRuns: 0.82,
  check: 0.97,
};
/** The most of the budget that shares of the device may take, whatever time the parts before them left. */
export const mostForShares = 0.3;

/** Whether a class is one of a model's or a paper's. */
export const isUsed = ({uses}: ShapeClass): boolean => Object.keys(uses).length > 0;

/** The shape classes of the models, of the papers and generic ones, each once; and the models' element-wise kernels. */
export function classesOf(
  models: readonly Model[],
  batches: readonly number[],
  extent: Extent,
): {classes: ShapeClass[]; elementwise: Elementwise[]} {
  const uses = new Map<string, {kernel: Gemm; uses: Record<string, number>}>();
  const elementwise = new Map<string, Elementwise>();
  const add = (kernel: Kernel, user: string | null): void => {
    const key = kernelKey(kernel);
    if (kernel.op === 'elementwise') {
      elementwise.set(key, kernel);
      return;
    }
    let known = uses.get(key);
    if (known === undefined) uses.set(key, (known = {kernel, uses: {}}));
    if (user !== null) known.uses[user] = (known.uses[user] ?? 0) + 1;
  };
  for (const kernel of extent.papers) add(kernel, 'papers');
  for (const model of models) {
    for (const batch of batches) {
      for (const kernel of kernelsOf(model, {batch, dtype: 'fp32', elementwise: true}))
        add(kernel, model.name);
    }
  }
  for (const kernel of extent.generic) add(kernel, null);
  return {classes: [...uses.values()], elementwise: [...elementwise.values()]};
}

/** The shape classes of the models where several requests are answered together that are none of one request's. */
export function classesOfRequests(
  models: readonly Model[],
  batches: readonly number[],
  requests: readonly number[],
  known: readonly ShapeClass[],
): ShapeClass[] {
  const keys = new Set(known.map(({kernel}) => kernelKey(kernel)));
  const more = batches.flatMap((batch) => requests.map((count) => batch * count));
  const {classes} = classesOf(models, more, {...usualExtent, papers: [], generic: []});
  return classes.filter(({kernel}) => !keys.has(kernelKey(kernel)));
}

/** A few kinds of launches that stand for the rest: the papers' shapes, the classes that take most time, and superkernels. */
export function typicalWorks(
  classes: readonly ShapeClass[],
  shares: ReadonlyMap<string, number>,
  {papers, maxSize}: Extent,
): Work[] {
  const heavy = classes
    .filter((each) => isUsed(each) && !papers.includes(each.kernel))
    .sort((a, b) => (shares.get(kernelKey(b.kernel)) ?? 0) - (shares.get(kernelKey(a.kernel)) ?? 0))
    .slice(0, 3);
  const works: Work[] = [...papers, ...heavy.map(({kernel}) => kernel)].map((kernel) => ({
    kernel,
    size: 1,
    method: 'single',
  }));
  for (const kernel of papers) {
    for (const size of [8, 32]) if (size <= maxSize) works.push({kernel, size, method: 'batched'});
  }
  return works;
}
