import {kernelKey} from '../scheduler/kernel.ts';
import type {Kernel, Method} from '../scheduler/kernel.ts';
import type {DeviceProfile, MeasuredTable} from './profile.ts';

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

type Points = readonly (readonly [x: number, y: number])[];

/** What a profile has measured of one kernel, by method. */
export interface KernelTables {
  readonly durations: {[method in Method]?: Correction};
  readonly shares: {[method in Method]?: Points};
  /** [R, what it presses on others with for each share of the device], in a loop; amid the kernels of a model it is `pressures`. */
  readonly pressing: {[method in Method]?: Points};
  /** [R, pace], [R, exposure] and [R, pressure]. */
  readonly paces: {[method in Method]?: Points};
  readonly exposures: {[method in Method]?: Points};
  readonly pressures: {[method in Method]?: Points};
}

/** The measured tables of a profile, ready to look up. */
export class MeasuredTables {
  /** By `kernelKey`. */
  private readonly byKey = new Map<string, KernelTables>();
  /** Of kernels that were asked for: building a key takes longer than anything else in a look-up. */
  private readonly byKernel = new WeakMap<Kernel, KernelTables | null>();

  constructor({
    measured = [],
    measured_shares = [],
    measured_in_runs = [],
  }: Pick<DeviceProfile, 'measured' | 'measured_shares' | 'measured_in_runs'>) {
    for (const table of measured) this.tablesOf(table).durations[table.method] = new Correction(table.points);
    for (const table of measured_shares) {
      const {shares, pressing} = this.tablesOf(table);
      shares[table.method] = table.points.map(([size, share]) => [size, share]);
      pressing[table.method] = table.points.map(([size, , pressure]) => [size, pressure ?? 1]);
    }
    for (const table of measured_in_runs) {
      const {paces, exposures, pressures} = this.tablesOf(table);
      paces[table.method] = table.points.map(([size, pace]) => [size, pace]);
      exposures[table.method] = table.points.map(([size, , exposure]) => [size, exposure]);
      pressures[table.method] = table.points.map(([size, , exposure, pressure]) => [
        size,
        pressure ?? 1 / exposure,
      ]);
    }
  }

  /** Null where nothing was measured. */
  of(kernel: Kernel): KernelTables | null {
    if (this.byKey.size === 0) return null;
    let found = this.byKernel.get(kernel);
    if (found === undefined) this.byKernel.set(kernel, (found = this.byKey.get(kernelKey(kernel)) ?? null));
    return found;
  }

  private tablesOf({m, n, k, count, dtype}: Omit<MeasuredTable, 'points'>): KernelTables {
    const key = kernelKey({op: 'gemm', m, n, k, count, dtype});
    let tables = this.byKey.get(key);
    if (tables === undefined)
      this.byKey.set(
        key,
        (tables = {durations: {}, shares: {}, pressing: {}, paces: {}, exposures: {}, pressures: {}}),
      );
    return tables;
  }
}

/** Straight lines between the points, x ascending; beyond them the nearest. */
export function interpolate(points: Points, x: number): number {
  const high = points.findIndex(([at]) => at >= x);
  if (high === 0) return points[0][1];
  if (high < 0) return points[points.length - 1][1];
  const [x0, y0] = points[high - 1];
  const [x1, y1] = points[high];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}
