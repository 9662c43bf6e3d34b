// Published tables of GEMM times as measurements. Each reader takes the text of a CSV file.
import {csvParse} from 'd3';
import {InputError} from '../scheduler/errors.ts';
import type {Measurement} from './measurement.ts';

/**
 * The tile and split of a cuBLAS or CUTLASS kernel from its name, e.g. `volta_sgemm_128x64_tn`, and its number of
 * blocks. The library is column-major: its first dimension lies along the columns of a row-major C.
 */
export function tileOf(
  kernel: string,
  blocks: number,
  {batch, m, n}: {readonly batch: number; readonly m: number; readonly n: number},
): {tile: string; splits: number} | undefined {
  const match = /gemm_(?:\w+?_)??(\d+)x(\d+)(_sliced1x\d)?/.exec(kernel);
  if (match === null) return undefined;
  const [, first, second, sliced = ''] = match;
  const base = batch * Math.ceil(n / Number(first)) * Math.ceil(m / Number(second));
  const splits = Number.isFinite(blocks) && blocks > 0 ? Math.max(1, Math.round(blocks / base)) : 1;
  return {tile: `${first}x${second}${sliced}`, splits};
}

/** Columns source, kind, batch, m, n, k, time_us, floor_limited, blocks. */
export function readGemmTable(text: string, gpu: string): Measurement[] {
  return csvParse(text).map((row, i) => {
    const size = {
      batch: number(row, 'batch', i),
      m: number(row, 'm', i),
      n: number(row, 'n', i),
      k: number(row, 'k', i),
    };
    const kind = row['kind'] ?? '';
    const kernel = tileOf(kind, Number(row['blocks'] || NaN), size);
    return {
      source: row['source'] ?? '',
      kind,
      gpu,
      method: kind.includes('bmm') || size.batch > 1 ? 'batched' : 'single',
      dtype: 'fp32',
      ...size,
      ns: 1000 * number(row, 'time_us', i),
      isUpperBound: row['floor_limited'] === '1',
      ...kernel,
    };
  });
}

function number(row: Record<string, string | undefined>, column: string, index: number): number {
  const value = Number(row[column] ?? NaN);
  if (!(value > 0))
    throw new InputError(`row ${index + 2}: invalid ${column}: ${row[column]} (expected a number above 0)`);
  return value;
}
