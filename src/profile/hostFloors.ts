// Measured times that tell the host's speed and not the kernel's: found in the data, whoever took them.
import {median, quantile} from 'd3-array';
import {bytesOf} from '../scheduler/kernel.ts';
import {launchKindOf} from './measurement.ts';
import type {Measurement} from './measurement.ts';

/** A narrow band of times that a source's launches pile up in, however much they compute and move. */
export interface HostFloor {
  readonly source: string;
  /** The launches it was found among, e.g. `fp32 batched`. */
  readonly launches: string;
  readonly fromNs: number;
  readonly toNs: number;
  /** How many measurements sit on it. */
  readonly rows: number;
}

/** Width of a band, in logarithms: the times of one floor agree about as well. */
const bandWidth = 0.07;
/** The neighbours that show how many rows a band would hold by itself: those 1.2 to 1.9 times away. */
const neighbours = [3, 4, 5, 6, 7, 8, 9];
/** A floor holds at least so many rows, and so many times what its neighbours do; bands at its edge a little less. */
const leastRows = 20;
const leastExcess = 3;
const leastExcessAtEdge = 2;
/** Times that depend on the work agree only where the work does: within a factor of 4 or so between its deciles. */
const leastSpread = 5;
/** A kernel itself takes 2 to 5 us at least, whatever it computes: a floor below this may be the GPU's own. */
const leastFloorNs = 6000;

/**
 * The host's floors among measurements. A launch that the host takes longer to make than the GPU to run is measured at
 * the host's speed: many launches of most different size in one narrow band of times, far above the sizes next to them.
 */
export function findHostFloors(rows: readonly Measurement[]): HostFloor[] {
  const groups = new Map<string, Measurement[]>();
  for (const row of rows) {
    if (row.isUpperBound === true) continue;
    const key = `${row.source}\n${row.dtype} ${launchKindOf(row.method)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups].flatMap(([key, group]) => {
    const [source, launches] = key.split('\n');
    return floorsAmong(group).map((floor) => ({source, launches, ...floor}));
  });
}

/** The measurements with those on a floor marked as upper bounds. */
export function markHostFloors(
  rows: readonly Measurement[],
  floors: readonly HostFloor[] = findHostFloors(rows),
): Measurement[] {
  if (floors.length === 0) return [...rows];
  return rows.map((row) => (isOnFloor(row, floors) ? {...row, isUpperBound: true} : row));
}

function isOnFloor({source, dtype, method, ns}: Measurement, floors: readonly HostFloor[]): boolean {
  const launches = `${dtype} ${launchKindOf(method)}`;
  return floors.some(
    (floor) =>
      floor.source === source && floor.launches === launches && ns >= floor.fromNs && ns < floor.toNs,
  );
}

type Band = Pick<HostFloor, 'fromNs' | 'toNs' | 'rows'>;

function floorsAmong(rows: readonly Measurement[]): Band[] {
  const work = workIn(rows);
  const bands = new Map<number, Measurement[]>();
  for (const row of rows) {
    const band = Math.floor(Math.log(row.ns) / bandWidth);
    const members = bands.get(band);
    if (members === undefined) bands.set(band, [row]);
    else members.push(row);
  }
  const count = (band: number): number => bands.get(band)?.length ?? 0;
  const usual = (band: number, side: 1 | -1): number =>
    median(neighbours, (distance) => count(band + side * distance)) ?? 0;
  const isSpread = (band: number): boolean => {
    const values = (bands.get(band) ?? []).map(work);
    return quantile(values, 0.9)! >= leastSpread * quantile(values, 0.1)!;
  };
  const startOf = (band: number): number => Math.exp(band * bandWidth);

  const floors: Band[] = [];
  for (const band of [...bands.keys()].sort((a, b) => a - b)) {
    if (startOf(band) < leastFloorNs || count(band) < leastRows) continue;
    // Few rows are shorter than the shortest floor, so what is usual shows above it.
    if (count(band) < leastExcess * usual(band, 1) || !isSpread(band)) continue;
    const last = floors[floors.length - 1];
    if (last !== undefined && startOf(band) < last.toNs) continue;
    let [low, high] = [band, band];
    const belongs = (edge: number, side: 1 | -1): boolean =>
      count(edge) > 0 && count(edge) >= leastExcessAtEdge * usual(edge, side) && isSpread(edge);
    while (belongs(low - 1, -1)) low--;
    while (belongs(high + 1, 1)) high++;
    let members = 0;
    for (let each = low; each <= high; each++) members += count(each);
    floors.push({fromNs: Math.round(startOf(low)), toNs: Math.round(startOf(high + 1)), rows: members});
  }
  return floors;
}

/** How long a launch would take at the best rates of arithmetic and of memory traffic that its source shows. */
function workIn(rows: readonly Measurement[]): (row: Measurement) => number {
  const flops = ({batch, m, n, k}: Measurement): number => 2 * batch * m * n * k;
  const bytes = ({batch, m, n, k, dtype}: Measurement): number =>
    batch * (m * k + k * n + m * n) * bytesOf[dtype];
  const best = (of: (row: Measurement) => number): number => quantile(rows, 0.99, (row) => of(row) / row.ns)!;
  const [bestFlops, bestBytes] = [best(flops), best(bytes)];
  return (row) => Math.max(flops(row) / bestFlops, bytes(row) / bestBytes);
}
