import {kernelKey} from '../scheduler/kernel.ts';
import type {DeviceProfile, MeasuredShares, MeasuredTable} from './profile.ts';

/** Measured tables by `kernelKey method`. */
export type Corrections = ReadonlyMap<string, Correction>;

/** The measured durations of one shape and method over R, and how they correct the model between the points. */
export class Correction {
  private readonly sizes: readonly number[];
  private readonly times: readonly number[];

  constructor(points: readonly (readonly [number, number])[]) {
    this.sizes = points.map(([size]) => size);
    this.times = points.map(([, ns]) => ns);
  }

  /** The smallest and the largest measured R. */
  get least(): number {
    return this.sizes[0];
  }
  get most(): number {
    return this.sizes[this.sizes.length - 1];
  }

  /**
   * The duration of `size` members. At a measured point, what was measured. Between two points of one wave, a straight
   * line. Between points of different waves the model makes the step, scaled by measured / modelled of the nearest
   * point in the same wave, or of both points where there is none. Beyond the points the model, scaled by the last.
   */
  correct(size: number, modelNs: (size: number) => number, waves: (size: number) => number): number {
    const {sizes, times} = this;
    const last = sizes.length - 1;
    const ratio = (i: number): number => times[i] / modelNs(sizes[i]);
    if (size <= sizes[0]) return size === sizes[0] ? times[0] : modelNs(size) * ratio(0);
    if (size >= sizes[last]) return size === sizes[last] ? times[last] : modelNs(size) * ratio(last);
    let high = 1;
    while (sizes[high] < size) high++;
    if (sizes[high] === size) return times[high];
    const low = high - 1;
    const wave = Math.ceil(waves(size));
    const lowWave = Math.ceil(waves(sizes[low]));
    const highWave = Math.ceil(waves(sizes[high]));
    const part = (size - sizes[low]) / (sizes[high] - sizes[low]);
    if (lowWave === highWave) return times[low] + part * (times[high] - times[low]);
    if (wave === lowWave) return modelNs(size) * ratio(low);
    if (wave === highWave) return modelNs(size) * ratio(high);
    return modelNs(size) * (ratio(low) + part * (ratio(high) - ratio(low)));
  }
}

/** The measured tables of a profile, ready to look up. */
export function correctionsOf(profile: DeviceProfile): Corrections {
  const corrections = new Map<string, Correction>();
  for (const table of profile.measured ?? []) corrections.set(keyOf(table), new Correction(table.points));
  return corrections;
}

/** Measured shares of the device over R, by `kernelKey method`. */
export type Shares = ReadonlyMap<string, MeasuredShares['points']>;

/** The measured shares of a profile, ready to look up. */
export function sharesOf(profile: DeviceProfile): Shares {
  return new Map((profile.measured_shares ?? []).map((table) => [keyOf(table), table.points]));
}

/** Straight lines between the points, x ascending; beyond them the nearest. */
export function interpolate(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const high = points.findIndex(([at]) => at >= x);
  if (high === 0) return points[0][1];
  if (high < 0) return points[points.length - 1][1];
  const [x0, y0] = points[high - 1];
  const [x1, y1] = points[high];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

function keyOf({m, n, k, count, dtype, method}: Omit<MeasuredTable, 'points'>): string {
  return `${kernelKey({op: 'gemm', m, n, k, count, dtype})} ${method}`;
}
