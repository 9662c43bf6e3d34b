import {InputError} from '../../scheduler/errors.ts';
import {azureFunctions2019, azureFunctions2021} from './azureFunctions.ts';
import {csvRow} from './csvRow.ts';
import {disb, orion} from './documents.ts';
import type {TraceFormat} from './format.ts';
import {serveGen} from './serveGen.ts';
import {csvReader, jsonlReader} from './table.ts';
import type {ColumnMap} from './trace.ts';

/** A table of a fixed format: detected where all of `has` are columns. */
const table = (
  name: string,
  columns: ColumnMap,
  has: readonly string[],
  origin: 'first' | 'zero',
): TraceFormat => ({
  name,
  origin,
  ordered: true,
  detects(line) {
    const header = csvRow(line);
    return has.every((column) => header.includes(column));
  },
  open: (rows, context) => csvReader(columns, rows, context),
});

/** JSON lines of a fixed format: detected where the first line has all of `has`. */
const lines = (name: string, columns: ColumnMap, has: readonly string[]): TraceFormat => ({
  name,
  origin: 'first',
  ordered: true,
  detects: (line) => line.startsWith('{') && has.every((field) => line.includes(`"${field}"`)),
  open: (rows, context) => jsonlReader(columns, rows, context),
});

/** The formats that are read without being told their columns, by name; the first that detects a file reads it. */
export const traceFormats: readonly TraceFormat[] = [
  // Azure LLM inference 2023 and 2024, and the multimodal one of 2025, which adds NumImages.
  table(
    'azure-llm',
    {time: 'TIMESTAMP', unit: 'datetime'},
    ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'],
    'first',
  ),
  azureFunctions2019,
  azureFunctions2021,
  table(
    'burstgpt',
    {time: 'Timestamp', tenant: 'Model', unit: 's'},
    ['Timestamp', 'Model', 'Request tokens'],
    'first',
  ),
  lines('mooncake', {time: 'timestamp', unit: 'ms'}, ['timestamp', 'input_length']),
  serveGen,
  disb,
  orion,
  // What writeArrivalsCsv writes.
  table('arrivals', {time: 'at_ns', tenant: 'tenant', unit: 'ns'}, ['at_ns', 'tenant'], 'zero'),
];

const byColumns = (name: string, open: TraceFormat['open']): TraceFormat => ({
  name,
  origin: 'first',
  ordered: true,
  detects: () => false,
  open,
});

/** The format of a file: as named, by columns, or detected from its first line. Throws an InputError where it is unknown. */
export function formatOf(
  firstLine: string,
  name: string | undefined,
  columns: ColumnMap | undefined,
): TraceFormat {
  const known = traceFormats.map((format) => format.name);
  if (columns !== undefined) {
    const jsonl = name === 'jsonl' || (name === undefined && firstLine.startsWith('{'));
    if (jsonl) return byColumns('jsonl', (rows, context) => jsonlReader(columns, rows, context));
    if (name === undefined || name === 'csv')
      return byColumns('csv', (rows, context) => csvReader(columns, rows, context));
    throw new InputError(`unknown trace format: ${JSON.stringify(name)} with --map (expected csv or jsonl)`);
  }
  const found = traceFormats.find((format) =>
    name === undefined ? format.detects(firstLine) : format.name === name,
  );
  if (found !== undefined) return found;
  if (name === 'csv' || name === 'jsonl')
    throw new InputError(
      `missing columns of ${name} (expected such as --map time=TIMESTAMP,tenant=model,unit=ms)`,
    );
  if (name !== undefined)
    throw new InputError(`unknown trace format: ${name} (known: ${[...known, 'csv', 'jsonl'].join(', ')})`);
  throw new InputError(
    `unknown trace format, beginning ${JSON.stringify(firstLine.slice(0, 40))} (known: ${known.join(', ')}; others by columns, such as --map time=TIMESTAMP,tenant=model,unit=ms)`,
  );
}
