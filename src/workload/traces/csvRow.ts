import {csvParseRows} from 'd3';
import {InputError} from '../../scheduler/errors.ts';

/** The fields of one line of comma-separated values. */
export function csvRow(line: string): string[] {
  return line.includes('"') ? (csvParseRows(line)[0] ?? ['']) : line.split(',');
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
