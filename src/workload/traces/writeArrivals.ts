import {csvFormatValue} from 'd3-dsv';
import {InputError} from '../../scheduler/errors.ts';
import type {MergedArrivals} from '../arrivals/merge.ts';

/** Rows that are put together before they are handed on, so that writing a million takes few writes. */
const rowsPerPiece = 4096;

/**
 * Arrivals as comma-separated values with the header `at_ns,tenant`, in pieces of text. Read again as a trace and dealt
 * out by name, they are the same arrivals, bit for bit.
 */
export function* writeArrivalsCsv(
  {at, tenant}: MergedArrivals,
  tenants: readonly string[],
): Generator<string> {
  const names = tenants.map((name) => {
    if (name === '' || name !== name.trim() || /[\r\n]/.test(name))
      throw new InputError(
        `invalid tenant name: ${JSON.stringify(name)} (expected one line that neither is empty nor begins or ends with a space)`,
      );
    return csvFormatValue(name);
  });
  let piece = 'at_ns,tenant\n';
  for (let i = 0; i < at.length; i++) {
    piece += `${at[i]},${names[tenant[i]]}\n`;
    if (i % rowsPerPiece === rowsPerPiece - 1) {
      yield piece;
      piece = '';
    }
  }
  yield piece;
}
