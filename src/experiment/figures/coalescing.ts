import type {Comparison, Panel, Published} from '../../report/figures/figure.ts';
import {geometricMean} from '../../metrics/stats.ts';
import {costModel} from '../../profile/costModel.ts';
import type {FigureDefinition} from './definition.ts';
import {range} from './definition.ts';
import {gemmSchemes} from './schemes.ts';
import type {GemmScheme} from './schemes.ts';
import type {Shape, Source, Throughput} from './source.ts';

/** A shape of the papers, with what they state of it: geometric means over 2 to 120 tenants. */
interface PaperShape extends Shape {
  readonly from: string;
  readonly overNextBest: Published;
  /** Over what was next best there, and so at least over the other. */
  readonly overTime?: Published;
  readonly overSpace?: Published;
}

const shapes: readonly PaperShape[] = [
  {
    m: 512,
    n: 1,
    k: 512,
    from: 'RNN, matrix-vector',
    overNextBest: {value: 2.48},
    overTime: {value: 2.48},
    overSpace: {value: 2.48, bound: 'at least'},
  },
  {
    m: 256,
    n: 128,
    k: 1152,
    from: 'ResNet-18 conv2_2',
    overNextBest: {value: 3.23},
    overTime: {value: 7.71},
    overSpace: {value: 3.23},
  },
  {
    m: 256,
    n: 256,
    k: 256,
    from: 'square',
    overNextBest: {value: 4.93},
    overTime: {value: 4.93, bound: 'at least'},
    overSpace: {value: 4.93},
  },
];

/** Numbers of tenants; the papers do not say which they took between 2 and 120. */
const tenantCounts = [2, ...range(1, 24).map((i) => 5 * i)];
const fewCounts = [2, 20, 60, 120];

/** By scheme, the FLOP/s at each number of tenants. */
type Curves = ReadonlyMap<GemmScheme, readonly (Throughput | null)[]>;

/** Coalescing R tenants' GEMMs against the ways of sharing that users have. */
export const coalescing: FigureDefinition = {
  name: 'coalescing',
  title: 'Throughput of R tenants with one GEMM each',
  citation: '[OoO] and [ST], coalescing of SGEMMs on a V100, FP32',
  async make(source, {quick}) {
    const counts = quick ? fewCounts : tenantCounts;
    const curves: Curves[] = [];
    for (const shape of shapes) curves.push(await measure(source, shape, counts));
    return {
      columns: ['m', 'n', 'k', 'tenants', 'scheme', 'policy', 'tflop_per_s'],
      rows: shapes.flatMap(({m, n, k}, i) =>
        [...curves[i]].flatMap(([scheme, points]) =>
          points.map((point, j) => [m, n, k, counts[j], scheme, point?.policy ?? null, teraflops(point)]),
        ),
      ),
      chart: {kind: 'panels', panels: shapes.map((shape, i) => panelOf(shape, counts, curves[i]))},
      comparisons: shapes.flatMap((shape, i) => comparisonsOf(shape, curves[i])),
      notes: [
        `Geometric means over R = ${quick ? counts.join(', ') : '2, 5, 10, 15, ..., 120'}; operands stay on the device, element-wise kernels are left out.`,
        ...outsideNotes(source),
        'Coalescing is that of the papers: all that is ready in one launch, one launch at a time. On n lanes each launch takes an n-th of the tenants.',
        'Time-only gives every tenant a context of its own, one-at-a-time is its reading within one context; space-only is the best of MPS (to its limit of 48 clients), streams with a host thread each, and streams with one thread.',
      ],
    };
  },
};

/** Which of the shapes the profile was not fitted on. */
function outsideNotes({profile}: Source): string[] {
  const costs = costModel(profile);
  const outside = shapes.filter(({m, n, k}) =>
    costs.isExtrapolated({op: 'gemm', m, n, k, count: 1, dtype: 'fp32'}, 1, 'single'),
  );
  return outside.length === 0
    ? []
    : [
        `Outside what the profile was fitted on, and so extrapolated: ${outside.map(({m, n, k}) => `${m}x${n}x${k}`).join(', ')}.`,
      ];
}

async function measure(source: Source, {m, n, k}: Shape, counts: readonly number[]): Promise<Curves> {
  const curves = new Map<GemmScheme, (Throughput | null)[]>();
  for (const scheme of gemmSchemes) {
    const points: (Throughput | null)[] = [];
    for (const tenants of counts) points.push(await source.saturated({shape: {m, n, k}, tenants, scheme}));
    curves.set(scheme, points);
  }
  return curves;
}

function comparisonsOf(shape: PaperShape, curves: Curves): Comparison[] {
  const {m, n, k, overNextBest, overTime = null, overSpace = null} = shape;
  const flopsOf = (scheme: GemmScheme): (number | null)[] =>
    curves.get(scheme)!.map((point) => point?.flops ?? null);
  const time = flopsOf('time-only');
  const sequential = flopsOf('one-at-a-time');
  const space = flopsOf('space-only');
  const nextBest = best(time, sequential, space);
  const paper = flopsOf('coalescing-1');
  const quantity = (what: string): string => `${m}x${n}x${k}: ${what}`;
  const row = (what: string, published: Published | null, ours: number | null): Comparison => ({
    quantity: quantity(what),
    unit: 'x',
    published,
    ours,
  });
  return [
    row('coalescing over the next best', overNextBest, speedUp(paper, nextBest)),
    row('over time-only, a context each', overTime, speedUp(paper, time)),
    row('over time-only, one at a time', overTime, speedUp(paper, sequential)),
    row('over space-only', overSpace, speedUp(paper, space)),
    row('over space-only, one host thread', overSpace, speedUp(paper, flopsOf('space-one-thread'))),
    row('coalescing on 2 lanes over the next best', null, speedUp(flopsOf('coalescing-2'), nextBest)),
    row('coalescing on 4 lanes over the next best', null, speedUp(flopsOf('coalescing-4'), nextBest)),
    row('ooo over the next best', null, speedUp(flopsOf('ooo'), nextBest)),
  ];
}

/** The geometric mean of the ratios where both are known; null where they never are. */
function speedUp(over: readonly (number | null)[], base: readonly (number | null)[]): number | null {
  const ratios = over.flatMap((flops, i) => {
    const than = base[i];
    return flops === null || than === null ? [] : [flops / than];
  });
  return ratios.length === 0 ? null : geometricMean(ratios);
}

function best(...curves: readonly (readonly (number | null)[])[]): (number | null)[] {
  return curves[0].map((_, i) => {
    const known = curves.map((curve) => curve[i]).filter((flops) => flops !== null);
    return known.length === 0 ? null : Math.max(...known);
  });
}

const teraflops = (point: Throughput | null): number | null => (point === null ? null : point.flops / 1e12);

function panelOf({m, n, k, from}: PaperShape, counts: readonly number[], curves: Curves): Panel {
  return {
    title: `${m} × ${n} × ${k} (${from})`,
    x: {name: 'tenants R', from: 0},
    y: {name: 'TFLOP/s'},
    series: [...curves].map(([name, points]) => ({
      name,
      kind: 'line',
      marks: points.map((point, i) => ({x: counts[i], y: teraflops(point)})),
    })),
  };
}
