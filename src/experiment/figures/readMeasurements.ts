import {existsSync, readFileSync} from 'node:fs';
import {gunzipSync} from 'node:zlib';
import type {Measurement} from '../../profile/measurement.ts';
import {readGemmTable} from '../../profile/readMeasurements.ts';
import {InputError} from '../../scheduler/errors.ts';

/** Reads tables of FP32 GEMM times, plain or gzipped: columns source, kind, batch, m, n, k, time_us. */
export function readMeasurements(files: readonly string[]): Measurement[] {
  return files.flatMap((file) => {
    if (!existsSync(file)) throw new InputError(`missing data: ${file}`);
    const bytes = readFileSync(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    try {
      return readGemmTable(text);
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`, {cause: error});
      throw error;
    }
  });
}
