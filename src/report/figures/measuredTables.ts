// What two profiles have measured of the same superkernels, side by side: two profilers on one GPU, or two GPUs.
import {geometricMean} from '../../metrics/stats.ts';
import type {DeviceProfile, MeasuredTable} from '../../profile/profile.ts';
import {kernelKey} from '../../scheduler/kernel.ts';
import {formatNumber} from '../format.ts';
import type {Table} from '../table.ts';

/** A superkernel that both profiles have measured. */
export interface MeasuredPair {
  readonly kernel: string;
  readonly size: number;
  readonly method: string;
  /** That of the second profile, where it measured the superkernel by another one only. */
  readonly otherMethod: string;
  readonly aNs: number;
  readonly bNs: number;
}

/** Ways to run several members at once: what one profile measured one way, the other may have measured another. */
const together: readonly string[] = ['batched', 'strided'];

/** What both have measured, by kernel and size; by the same method where there is one. */
export function measuredPairs(a: DeviceProfile, b: DeviceProfile): MeasuredPair[] {
  const keyOf = (table: MeasuredTable, method: string): string =>
    `${kernelKey({op: 'gemm', ...table})} ${method}`;
  const others = new Map((b.measured ?? []).map((table) => [keyOf(table, table.method), table]));
  const ours = new Set((a.measured ?? []).map((table) => keyOf(table, table.method)));
  return (a.measured ?? []).flatMap((table) => {
    const {method} = table;
    const candidates = [method, ...(together.includes(method) ? together : [])];
    const otherMethod = candidates.find(
      (each) => others.has(keyOf(table, each)) && (each === method || !ours.has(keyOf(table, each))),
    );
    if (otherMethod === undefined) return [];
    const times = new Map(others.get(keyOf(table, otherMethod))!.points);
    const kernel = kernelKey({op: 'gemm', ...table});
    return table.points.flatMap(([size, aNs]) => {
      const bNs = times.get(size);
      return bNs === undefined ? [] : [{kernel, size, method, otherMethod, aNs, bNs}];
    });
  });
}

const ratioOf = ({aNs, bNs}: MeasuredPair): number => bNs / aNs;

/** So many superkernels are shown one by one, from the least ratio to the greatest. */
const shown = 20;

/** A table by size, and one of single superkernels; none where nothing is common. */
export function measuredTables(
  {name: a}: DeviceProfile,
  {name: b}: DeviceProfile,
  pairs: readonly MeasuredPair[],
): Table[] {
  if (pairs.length === 0) return [];
  const sizes = [...new Set(pairs.map(({size}) => size))].sort((x, y) => x - y);
  const sorted = pairs.toSorted((x, y) => ratioOf(x) - ratioOf(y));
  const step = Math.max(1, (sorted.length - 1) / (shown - 1));
  const chosen =
    sorted.length <= shown ? sorted : Array.from({length: shown}, (_, i) => sorted[Math.round(i * step)]);
  const us = (ns: number): string => formatNumber(ns / 1e3);
  const ratio = (value: number): string => formatNumber(value, 3);
  return [
    {
      columns: [
        {name: 'measured by both, members', align: 'right'},
        {name: 'superkernels', align: 'right'},
        {name: `${b} over ${a}`, align: 'right'},
        {name: 'least', align: 'right'},
        {name: 'most', align: 'right'},
      ],
      rows: sizes.map((size) => {
        const ratios = pairs.filter((pair) => pair.size === size).map(ratioOf);
        const numbers = [geometricMean(ratios), Math.min(...ratios), Math.max(...ratios)];
        return {cells: [String(size), formatNumber(ratios.length, 0), ...numbers.map(ratio)]};
      }),
      notes: ['Geometric mean of the measured times; measurements that only one profile has are left out.'],
    },
    {
      columns: [
        {name: 'superkernel', align: 'left'},
        {name: 'method', align: 'left'},
        {name: a, unit: 'us', align: 'right'},
        {name: b, unit: 'us', align: 'right'},
        {name: 'ratio', align: 'right'},
      ],
      rows: chosen.map((pair) => {
        const {kernel, size, method, otherMethod, aNs, bNs} = pair;
        const methods = method === otherMethod ? method : `${method} / ${otherMethod}`;
        return {cells: [`${size} x ${kernel}`, methods, us(aNs), us(bNs), ratio(ratioOf(pair))]};
      }),
      notes:
        sorted.length <= shown
          ? []
          : [`${shown} of ${formatNumber(sorted.length, 0)}, evenly from the least ratio to the greatest.`],
    },
  ];
}
