// Timestamps of traces, read without the loss that 2023's nanoseconds since 1970 would have in a number.
import type {TimeUnit} from './trace.ts';

/** A time as whole seconds and nanoseconds, since whatever origin the trace counts from. */
export interface Instant {
  seconds: number;
  /** 0 to 999,999,999. */
  nanos: number;
}

const numeral = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const digitsOf = {s: 9, ms: 6, us: 3, ns: 0} as const;

/** Reads a time in a unit into `into`; false where the text is no such time. */
export function readInstant(text: string, unit: TimeUnit, into: Instant): boolean {
  return unit === 'datetime' ? readDateTime(text, into) : readNumber(text, digitsOf[unit], into);
}

/** Whether a text looks like a date, which then needs no unit. */
export const looksLikeDate = (text: string): boolean => /^\d{4}-\d\d-\d\d[ T]/.test(text);

/** Reads a number whose unit is 10^digits nanoseconds. */
function readNumber(text: string, digits: number, into: Instant): boolean {
  if (!numeral.test(text)) return false;
  const scale = 10 ** digits;
  const value = Number(text) * scale;
  if (!Number.isFinite(value)) return false;
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    const ns = Math.round(value);
    into.seconds = Math.floor(ns / 1e9);
    into.nanos = ns - into.seconds * 1e9;
    return true;
  }
  return readLongNumber(text, digits, into);
}

/** Times since the epoch: shifts the decimal point in the text, where arithmetic would lose the last digits. */
function readLongNumber(text: string, digits: number, into: Instant): boolean {
  const match = /^\+?(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return false;
  const ns = match[1] + (match[2] ?? '').slice(0, digits).padEnd(digits, '0');
  into.seconds = Number(ns.slice(0, -9));
  into.nanos = Number(ns.slice(-9));
  return into.seconds <= Number.MAX_SAFE_INTEGER;
}

const zero = 48;

/** The decimal number at text[from, to), or -1 where a character is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - zero;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * `YYYY-MM-DD HH:MM:SS`, with `T` or a space, up to 9 decimals (more are cut) and `Z` or an offset such as `+01:00`;
 * without one the time is UTC.
 */
function readDateTime(text: string, into: Instant): boolean {
  const separators =
    text[4] === '-' && text[7] === '-' && (text[10] === ' ' || text[10] === 'T') && text[13] === ':' && text[16] === ':'; // prettier-ignore
  if (!separators) return false;
  const day = midnight(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  if (Number.isNaN(day) || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return false;

  let end = 19;
  let nanos = 0;
  if (text[19] === '.') {
    end = 20;
    for (let unit = 1e8; end < text.length; end++) {
      const digit = text.charCodeAt(end) - zero;
      if (!(digit >= 0 && digit <= 9)) break;
      nanos += digit * unit;
      unit = Math.floor(unit / 10);
    }
    if (end === 20) return false;
  }
  const offset = end === text.length ? 0 : zoneOffset(text, end);
  into.seconds = day + hour * 3600 + minute * 60 + second - offset;
  into.nanos = nanos;
  return !Number.isNaN(offset);
}

/** Seconds east of UTC of the rest of a timestamp: `Z`, `+01`, `+0100` or `-05:30`; NaN where it is none. */
function zoneOffset(text: string, from: number): number {
  const zone = text.slice(from);
  if (zone === 'Z') return 0;
  const match = /^ ?([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return NaN;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60);
}

/** Seconds from 1970 to the start of a day of the Gregorian calendar (Hinnant 2014, days_from_civil); NaN for no day. */
function midnight(year: number, month: number, day: number): number {
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NaN;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * 86_400;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
