// What a profile says of its GPU, as data for tables and charts.
import type {DataType} from '../scheduler/kernel.ts';
import {flopsOf, trafficOf} from '../scheduler/kernel.ts';
import type {Gemm} from '../scheduler/kernel.ts';
import {costModel} from './costModel.ts';
import type {CostModel} from './costModel.ts';
import {dataTypesOf} from './profile.ts';
import type {DeviceProfile, ErrorSummary} from './profile.ts';

/** A product on the roofline: what the profile predicts of it. */
export interface RooflinePoint {
  readonly kernel: Gemm;
  /** Members of the superkernel, and how they are launched. */
  readonly size: number;
  readonly method: 'single' | 'batched';
  /** Floating-point operations per byte that has to move at least. */
  readonly intensity: number;
  readonly tflops: number;
  /** Whether it lies outside what the profile was fitted on. */
  readonly isExtrapolated: boolean;
}

/** The limits of a GPU for one data type, and products below them. */
export interface Roofline {
  readonly dtype: DataType;
  readonly peakTflops: number | null;
  readonly dramGBs: number;
  /** The intensity at which both limits meet; null where the peak is not known. */
  readonly ridge: number | null;
  readonly points: readonly RooflinePoint[];
}

export interface ProfileView {
  readonly name: string;
  readonly summary: string;
  /** Facts with the titles of their sources. */
  readonly facts: readonly {readonly name: string; readonly value: number; readonly source: string}[];
  readonly rooflines: readonly Roofline[];
  /** Errors of the fit, by data type and part, e.g. `fp32 test neusight batched`. */
  readonly residuals: readonly ({readonly group: string} & ErrorSummary)[];
  /** Quantities that are nobody's measurement, by path. */
  readonly assumptions: readonly string[];
}

/** Square products, the three shapes of the papers' experiments, and a matrix times a vector. */
const shapes: readonly (readonly [m: number, n: number, k: number])[] = [
  ...[32, 64, 128, 256, 512, 1024, 2048, 4096].map((side) => [side, side, side] as const),
  [512, 1, 512],
  [256, 128, 1152],
  [1000, 1, 2048],
];
const sizes = [1, 4, 16, 64];

/** Facts, rooflines, residuals and assumptions of a profile. */
export function showProfile(profile: DeviceProfile): ProfileView {
  const costs = costModel(profile);
  return {
    name: profile.name,
    summary: profile.summary,
    facts: factsIn(profile),
    rooflines: dataTypesOf(profile).map((dtype) => rooflineOf(costs, dtype)),
    residuals: dataTypesOf(profile).flatMap((dtype) =>
      Object.entries(profile.gemm[dtype]!.residuals ?? {}).map(([group, errors]) => ({
        group: `${dtype} ${group}`,
        ...errors,
      })),
    ),
    assumptions: assumptionsIn(profile),
  };
}

function rooflineOf(costs: CostModel, dtype: DataType): Roofline {
  const {hardware} = costs.profile;
  const peak = hardware.peak_tflops[dtype]?.value ?? null;
  const dramGBs = hardware.dram_gb_per_s.value;
  const points = shapes.flatMap(([m, n, k]) =>
    sizes.map((size): RooflinePoint => {
      const kernel: Gemm = {op: 'gemm', m, n, k, count: 1, dtype};
      const method = size === 1 ? 'single' : 'batched';
      return {
        kernel,
        size,
        method,
        intensity: flopsOf(kernel) / trafficOf(kernel),
        tflops: (flopsOf(kernel) * size) / costs.durationNs(kernel, size, method) / 1000,
        isExtrapolated: costs.isExtrapolated(kernel, size, method),
      };
    }),
  );
  return {dtype, peakTflops: peak, dramGBs, ridge: peak === null ? null : (1000 * peak) / dramGBs, points};
}

function factsIn({hardware, sources}: DeviceProfile): ProfileView['facts'] {
  const facts: {name: string; value: number; source: string}[] = [];
  const add = (name: string, fact: unknown): void => {
    if (typeof fact !== 'object' || fact === null) return;
    if ('value' in fact && 'source' in fact) {
      facts.push({name, value: Number(fact.value), source: sources[String(fact.source)].title});
      return;
    }
    for (const [key, value] of Object.entries(fact)) add(name === '' ? key : `${name}.${key}`, value);
  };
  add('', hardware);
  return facts;
}

/** Paths whose source is, or whose sources include, `assumption`. */
function assumptionsIn(profile: DeviceProfile): string[] {
  const paths: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === 'source') {
        if ([child].flat().includes('assumption')) paths.push(path);
      } else if (key !== 'sources') visit(child, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(profile, '');
  return paths;
}
