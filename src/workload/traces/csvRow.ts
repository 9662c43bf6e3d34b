import {csvParseRows} from 'd3-dsv';
import {InputError} from '../../scheduler/errors.ts';

/** The fields of one line of comma-separated values. */
export function csvRow(line: string): string[] {
  return line.includes('"') ? (csvParseRows(line)[0] ?? ['']) : line.split(',');
}

/** One field of a line of comma-separated values, or undefined where the line is too short. */
export function csvField(line: string, index: number): string | undefined {
  if (line.includes('"')) return csvRow(line)[index];
  let start = 0;
  for (let i = 0; i < index; i++) {
    start = line.indexOf(',', start) + 1;
    if (start === 0) return undefined;
  }
  const end = line.indexOf(',', start);
  return end < 0 ? line.slice(start) : line.slice(start, end);
}

/** Where each of the named columns is in a header. Throws an InputError that names the first missing one. */
export function columnsOf(header: readonly string[], names: readonly string[]): number[] {
  return names.map((name) => {
    const index = header.indexOf(name);
    if (index < 0)
      throw new InputError(`missing column: ${name} (the header has ${header.slice(0, 8).join(', ')})`);
    return index;
  });
}
