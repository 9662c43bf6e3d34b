import type {Comparison, Panel, Published} from '../../report/figures/figure.ts';
import {geometricMean} from '../../metrics/stats.ts';
import {formatShort} from '../../report/format.ts';
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
/** On a GPU, where every point takes seconds: in order of what they tell, as the time may run out. */
const liveCounts = [120, 2, 16, 64, 4, 32, 8];
const fewLiveCounts = [120, 2, 16];
const mostTenants = 120;

/** What one product can reach that fills the device. */
const large: Shape = {m: 4096, n: 4096, k: 4096};

/** Parts of `space-only`, told in the data and not drawn. */
const undrawn: ReadonlySet<GemmScheme> = new Set(['space-mps', 'space-threads']);
const coalescingSchemes = ['coalescing-1', 'coalescing-2', 'coalescing-4', 'coalescing-best', 'ooo'] as const;

/** By scheme, the FLOP/s at each number of tenants. */
type Curves = ReadonlyMap<GemmScheme, (Throughput | null)[]>;

/** Coalescing R tenants' GEMMs against the ways of sharing that users have. */
export const coalescing: FigureDefinition = {
  name: 'coalescing',
  title: 'Throughput of R tenants with one GEMM each',
  citation: '[OoO] and [ST], coalescing of SGEMMs on a V100, FP32',
  async make(source, {quick, onProgress = () => {}}) {
    const order = source.isLive ? (quick ? fewLiveCounts : liveCounts) : quick ? fewCounts : tenantCounts;
    const counts = order.toSorted((a, b) => a - b);
    const alone = await source.saturated({shape: large, tenants: 1, scheme: 'one-at-a-time'});
    const curves: Curves[] = shapes.map(() => new Map(gemmSchemes.map((scheme) => [scheme, []])));
    for (const tenants of order) {
      const at = counts.indexOf(tenants);
      for (const [i, {m, n, k}] of shapes.entries()) {
        for (const scheme of gemmSchemes) {
          const asked = !(source.isLive && scheme === 'coalescing-best');
          const answer = asked ? await source.saturated({shape: {m, n, k}, tenants, scheme}) : null;
          curves[i].get(scheme)![at] = answer;
        }
        const line = progressOf(shapes[i], tenants, curves[i], at);
        if (line !== null) onProgress(line);
      }
    }
    return {
      columns: ['m', 'n', 'k', 'tenants', 'scheme', 'policy', 'tflop_per_s'],
      rows: [
        ...shapes.flatMap(({m, n, k}, i) =>
          [...curves[i]].flatMap(([scheme, points]) =>
            points.map((point, j) => [m, n, k, counts[j], scheme, point?.policy ?? null, teraflops(point)]),
          ),
        ),
        [large.m, large.n, large.k, 1, 'one-at-a-time', alone?.policy ?? null, teraflops(alone)],
      ],
      chart: {kind: 'panels', panels: shapes.map((shape, i) => panelOf(shape, counts, curves[i]))},
      comparisons: shapes.flatMap((shape, i) => [
        ...comparisonsOf(shape, curves[i]),
        ...reachOf(shape, curves[i], counts.indexOf(mostTenants), alone),
      ]),
      notes: [
        `Geometric means over R = ${source.isLive || quick ? counts.join(', ') : '2, 5, 10, 15, ..., 120'}; operands stay on the device, element-wise kernels are left out.`,
        ...outsideNotes(source),
        'Coalescing is that of the papers: two kernels of each tenant are in the system; superkernels take up to R of them on one or two lanes, and 2R/n on n lanes. The best of coalescing is that of 1, 2 and 4 lanes and ooo, in simulation of 3, 6, 8, 12 and 16 lanes as well (coalescing-best: two tenants a superkernel at least).',
        'Time-only gives every tenant a context of its own, one-at-a-time is its reading within one context; space-only is the best of MPS (to its limit of 48 clients), streams with a host thread each, and streams with one thread.',
        `The large SGEMM is ${nameOf(large)}, one tenant, measured in the same way.`,
        ...source.notes(),
      ],
    };
  },
};

const nameOf = ({m, n, k}: Shape): string => `${m}x${n}x${k}`;

/** What a number of tenants reaches, in one line; null where nothing was measured. */
function progressOf(shape: Shape, tenants: number, curves: Curves, at: number): string | null {
  const points = [...curves].flatMap(([scheme, {[at]: point}]) =>
    point === null ? [] : [`${scheme} ${formatShort(point.flops / 1e12)}`],
  );
  return points.length === 0 ? null : `${nameOf(shape)}, R = ${tenants}, TFLOP/s: ${points.join(', ')}`;
}

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

function comparisonsOf(shape: PaperShape, curves: Curves): Comparison[] {
  const {overNextBest, overTime = null, overSpace = null} = shape;
  const flopsOf = (scheme: GemmScheme): (number | null)[] =>
    curves.get(scheme)!.map((point) => point?.flops ?? null);
  const time = flopsOf('time-only');
  const sequential = flopsOf('one-at-a-time');
  const space = flopsOf('space-only');
  // Where one of them is missing, the next best is not known.
  const nextBest = best(time, sequential, space).map((flops, i) =>
    [time, sequential, space].some((curve) => curve[i] === null) ? null : flops,
  );
  const paper = flopsOf('coalescing-1');
  const ours = best(...coalescingSchemes.map(flopsOf));
  const quantity = (what: string): string => `${nameOf(shape)}: ${what}`;
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
    row('space-only over time-only, a context each', null, speedUp(space, time)),
    row('best of coalescing over time-only', overTime, speedUp(ours, time)),
    row('best of coalescing over space-only', overSpace, speedUp(ours, space)),
  ];
}

/** What the most tenants reach together, and what share that is of a product that fills the device. */
function reachOf(shape: Shape, curves: Curves, at: number, alone: Throughput | null): Comparison[] {
  const points = coalescingSchemes.map((scheme) => curves.get(scheme)![at]?.flops ?? 0);
  const flops = Math.max(...points);
  const space = curves.get('space-only')![at]?.flops ?? null;
  const row = (what: string, unit: string, ours: number | null): Comparison => ({
    quantity: `${nameOf(shape)}: ${what}`,
    unit,
    published: null,
    ours: flops === 0 ? null : ours,
  });
  return [
    row(`best of coalescing, ${mostTenants} tenants`, 'TFLOP/s', flops / 1e12),
    row(
      `best of coalescing, ${mostTenants} tenants, over space-only`,
      'x',
      space === null ? null : flops / space,
    ),
    row(
      `best of coalescing, ${mostTenants} tenants, as a share of the large SGEMM`,
      '%',
      alone === null ? null : (100 * flops) / alone.flops,
    ),
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
    series: [...curves]
      .filter(([name]) => !undrawn.has(name))
      .map(([name, points]) => ({
        name,
        kind: 'line',
        marks: points.map((point, i) => ({x: counts[i], y: teraflops(point)})),
      })),
  };
}
