// Tables and JSON lines with a row an arrival: the general reader behind most formats.
import {InputError} from '../../scheduler/errors.ts';
import {columnsOf, csvField, csvRow} from './csvRow.ts';
import type {LineReader, ReadContext} from './format.ts';
import {looksLikeDate, readInstant, type Instant} from './instant.ts';
import type {TraceRows} from './rows.ts';
import {BadRow, timeUnits, type ColumnMap, type TimeUnit} from './trace.ts';

/** Reads comma-separated values with a header, by a column map. */
export function csvReader(columns: ColumnMap, rows: TraceRows, context: ReadContext): LineReader {
  const add = adder(columns, rows, context);
  let time = -1;
  let tenant = -1;
  return {
    line(text) {
      if (time < 0) {
        const header = csvRow(text).map((name) => name.trim());
        [time] = columnsOf(header, [columns.time]);
        if (columns.tenant !== undefined) [tenant] = columnsOf(header, [columns.tenant]);
        return;
      }
      add(csvField(text, time), tenant < 0 ? undefined : csvField(text, tenant));
    },
  };
}

/** Reads JSON lines, an object each, by a column map. */
export function jsonlReader(columns: ColumnMap, rows: TraceRows, context: ReadContext): LineReader {
  const add = adder(columns, rows, context);
  return {
    line(text) {
      const fields = parseJson(text);
      add(fields[columns.time], columns.tenant === undefined ? undefined : fields[columns.tenant]);
    },
  };
}

function parseJson(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRow(`invalid JSON: ${shorten(text)}`);
  }
  if (!isRecord(value)) throw new BadRow(`invalid row: ${shorten(text)} (expected an object)`);
  return value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const scalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** A value as an error shows it. */
const shorten = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

/** Adds the arrival of a row from its raw fields. */
function adder(columns: ColumnMap, rows: TraceRows, {name}: ReadContext) {
  const instant: Instant = {seconds: 0, nanos: 0};
  let {unit} = columns;
  return (time: unknown, tenant: unknown) => {
    if (time === undefined) throw new BadRow(`missing value: ${columns.time}`);
    const text = typeof time === 'string' ? time.trim() : typeof time === 'number' ? String(time) : '';
    unit ??= unitOf(text, columns.time);
    if (!readInstant(text, unit, instant)) throw new BadRow(`invalid timestamp: ${shorten(time)}`);
    let key = name;
    if (columns.tenant !== undefined) {
      if (!scalar(tenant) || tenant === '') throw new BadRow(`missing value: ${columns.tenant}`);
      key = String(tenant);
    }
    rows.add(instant.seconds, instant.nanos, rows.intern(key));
  };
}

function unitOf(text: string, column: string): TimeUnit {
  if (looksLikeDate(text)) return 'datetime';
  throw new InputError(`missing unit of ${column} (expected unit=s, ms, us, ns or datetime in --map)`);
}

/** Reads a column map such as `time=TIMESTAMP,tenant=model,unit=ms`. */
export function parseColumns(text: string): ColumnMap {
  const given = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim();
    if (!['time', 'tenant', 'unit'].includes(name))
      throw new InputError(
        `invalid columns: ${JSON.stringify(part)} (expected time=..., tenant=... or unit=...)`,
      );
    given.set(name, part.slice(equals + 1).trim());
  }
  const time = given.get('time');
  if (!time) throw new InputError(`missing time column: ${JSON.stringify(text)} (expected time=COLUMN)`);
  const written = given.get('unit');
  const unit = timeUnits.find((known) => known === written);
  if (written !== undefined && unit === undefined)
    throw new InputError(`unknown unit: ${JSON.stringify(written)} (expected ${timeUnits.join(', ')})`);
  return {time, tenant: given.get('tenant'), unit};
}
