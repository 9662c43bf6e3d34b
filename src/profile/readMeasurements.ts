// Published tables of GEMM times as measurements. Each reader takes the text of a CSV file.
import {csvParse} from 'd3-dsv';
import {InputError} from '../scheduler/errors.ts';
import type {Measurement} from './measurement.ts';

/** What a source's times hold beside the kernel, and the least that it can show. In ns, by library call. */
export interface HostTime {
  /** Fixed host time within every measurement, to be taken off. */
  readonly offsetNs: number;
  /** What remains at or below this is the host's own speed: an upper bound of the kernel's time. */
  readonly floorNs: number;
}

/**
 * The tile and split of a cuBLAS or CUTLASS kernel from its name, e.g. `volta_sgemm_128x64_tn`, and its number of
 * blocks. cuBLAS is column-major: its first dimension lies along the columns of a row-major C. The xmma kernels name
 * theirs the other way round, as their grids show.
 */
export function tileOf(
  kernel: string,
  blocks: number,
  {batch, m, n}: {readonly batch: number; readonly m: number; readonly n: number},
): {tile: string; splits: number} | undefined {
  const match = /(tilesize|gemm_)(\d+)x(\d+)(?:x\d+)?(_sliced1x\d)?/.exec(kernel);
  if (match === null) return undefined;
  const [, naming, first, second, sliced = ''] = match;
  const isXmma = naming === 'tilesize';
  const [rows, columns] = isXmma ? [Number(first), Number(second)] : [Number(second), Number(first)];
  const base = batch * Math.ceil(n / columns) * Math.ceil(m / rows);
  const splits = blocks > 0 ? Math.max(1, Math.round(blocks / base)) : 1;
  return {tile: `${isXmma ? 'xmma_' : ''}${first}x${second}${sliced}`, splits};
}

/**
 * Columns source, kind, batch, m, n, k, time_us and, where known, session, floor_limited and blocks: times of which the
 * host's part has been taken off.
 */
export function readGemmTable(text: string): Measurement[] {
  return csvParse(text).map((row, i) => {
    const size = sizeOf(row, i, 'batch', 'm', 'n', 'k');
    const kind = row['kind'] ?? '';
    const isBatched = kind.includes('bmm') || size.batch > 1;
    return {
      source: row['source'] ?? '',
      kind,
      method: isBatched ? 'strided' : 'single',
      dtype: 'fp32',
      ...size,
      ns: 1000 * number(row, 'time_us', i),
      isUpperBound: row['floor_limited'] === '1',
      ...(row['session'] === undefined || row['session'] === '' ? {} : {session: row['session']}),
      ...tileOf(kind, Number(row['blocks'] ?? NaN), size),
    };
  });
}

/** NeuSight's columns: gpu, op (bmm or linear), batch, gemm_m, gemm_n, gemm_k, latency_ms, kernel, grid. FP32. */
export function readNeusight(
  text: string,
  {
    gpu,
    bmm,
    linear,
    source = 'neusight',
  }: {readonly gpu: string; readonly bmm: HostTime; readonly linear: HostTime; readonly source?: string},
): Measurement[] {
  return csvParse(text).flatMap((row, i): Measurement[] => {
    if (row['gpu'] !== gpu) return [];
    const size = sizeOf(row, i, 'batch', 'gemm_m', 'gemm_n', 'gemm_k');
    const isBatched = row['op'] === 'bmm';
    const {offsetNs, floorNs} = isBatched ? bmm : linear;
    const ns = Math.max(1, 1e6 * number(row, 'latency_ms', i) - offsetNs);
    const kernel = row['kernel'] ?? '';
    const blocks = (row['grid'] ?? '').split('x').reduce((product, side) => product * Number(side), 1);
    return [
      {
        source,
        kind: `torch_${row['op']}:${kernel}`,
        method: isBatched ? 'strided' : 'single',
        dtype: 'fp32',
        ...size,
        ns,
        isUpperBound: ns <= floorNs,
        ...tileOf(kernel, blocks, size),
      },
    ];
  });
}

/** DeepBench's sheet of dense products, FP32. It is column-major: C' is the row-major product of B' and A'. */
export function readDeepbench(text: string): Measurement[] {
  return text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .flatMap((line): Measurement[] => {
      const [, , m, n, k, a, b, , ms] = line.split(',');
      if (!(Number(ms) > 0)) return [];
      const size = {batch: 1, m: Number(n), n: Number(m), k: Number(k)};
      return [
        {
          source: 'deepbench',
          kind: `cublas_${a}${b}`,
          method: 'single',
          dtype: 'fp32',
          ...size,
          ns: 1e6 * Number(ms),
        },
      ];
    });
}

/** Vidur's columns: gpu, m (tokens), n, k, median_ms. FP16 linear layers. */
export function readVidur(text: string, gpu: string): Measurement[] {
  return csvParse(text).flatMap((row, i): Measurement[] => {
    if (row['gpu'] !== gpu) return [];
    const size = {batch: 1, m: number(row, 'm', i), n: number(row, 'n', i), k: number(row, 'k', i)};
    const ns = 1e6 * number(row, 'median_ms', i);
    return [{source: 'vidur', kind: row['gemm'] ?? '', method: 'single', dtype: 'fp16', ...size, ns}];
  });
}

type Row = Record<string, string | undefined>;

function sizeOf(row: Row, index: number, batch: string, m: string, n: string, k: string) {
  return {
    batch: number(row, batch, index),
    m: number(row, m, index),
    n: number(row, n, index),
    k: number(row, k, index),
  };
}

function number(row: Row, column: string, index: number): number {
  const value = Number(row[column] ?? NaN);
  if (value > 0) return value;
  throw new InputError(`row ${index + 2}: invalid ${column}: ${row[column]} (expected a number above 0)`);
}
