// Durations, rates and sizes as people write them in scenarios and flags: parsed once, at the edge, and printed back.
import {z} from 'zod';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {InputError} from '../scheduler/errors.ts';

const times = {ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 6e10, m: 6e10, h: 3.6e12, d: 8.64e13};
const rates = {'/s': 1, '/min': 1 / 60, '/m': 1 / 60, '/h': 1 / 3600, '/d': 1 / 86400};
const decimalSizes = {B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12};
const sizes = {...decimalSizes, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40};

const number = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*$/;

interface Quantity {
  readonly noun: string;
  readonly example: string;
  readonly units: Readonly<Record<string, number>>;
  readonly expected: string;
}

const duration: Quantity = {
  noun: 'duration',
  example: '50ms',
  units: times,
  expected: 'ns, us, ms, s, min, h or d',
};
const rate: Quantity = {noun: 'rate', example: '120/s', units: rates, expected: '/s, /min, /h or /d'};
const size: Quantity = {
  noun: 'size',
  example: '16GB',
  units: sizes,
  expected: 'B, kB, MB, GB, TB, KiB, MiB, GiB or TiB',
};

/** As it was written: texts in quotes, numbers as they are. */
export const show = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value);

function parse(text: string | number, {noun, example, units, expected}: Quantity): number {
  const match = number.exec(String(text));
  if (match === null)
    throw new InputError(
      `invalid ${noun}: ${show(text)} (expected a number with a unit, such as "${example}")`,
    );
  const [, amount, unit] = match;
  if (unit === '')
    throw new InputError(`missing unit in ${noun}: ${show(text)} (expected ${expected}, as in "${example}")`);
  if (!Object.hasOwn(units, unit))
    throw new InputError(
      `unknown unit in ${noun}: ${JSON.stringify(unit)} in ${show(text)} (expected ${expected}, as in "${example}")`,
    );
  return Number(amount) * units[unit];
}

/** Rounds to a whole number; throws where that loses the value or a `number` no longer holds it exactly. */
function whole(value: number, text: string | number, noun: string, unit: string): number {
  const rounded = Math.round(value);
  if (value < 0) throw new InputError(`invalid ${noun}: ${show(text)} (expected 0 or more)`);
  if ((rounded === 0 && value !== 0) || rounded > Number.MAX_SAFE_INTEGER)
    throw new InputError(`invalid ${noun}: ${show(text)} (expected 1 to 2^53 whole ${unit})`);
  return rounded;
}

/**
 * The whole nanoseconds of a duration such as `"50ms"`, `"1.5 s"` or `"10min"`; `m` is a minute. Throws an InputError
 * where the unit is missing or unknown, or the duration is negative or finer than a nanosecond.
 */
export function parseDuration(text: string | number): Nanoseconds {
  return whole(parse(text, duration), text, 'duration', 'ns');
}

/** Requests per second of a rate such as `"120/s"` or `"90/min"`; a plain number is per second. 0 is a rate. */
export function parseRate(text: string | number): number {
  const plain = typeof text === 'number' || /\d\s*$/.test(text);
  const perSecond = plain ? Number(text) : parse(text, rate);
  if (!(perSecond >= 0 && perSecond < Infinity))
    throw new InputError(`invalid rate: ${show(text)} (expected 0 or more, as in "120/s")`);
  return perSecond;
}

/** The whole bytes of a size such as `"16GB"` (16 x 10^9) or `"16GiB"` (16 x 2^30). */
export function parseBytes(text: string | number): number {
  return whole(parse(text, size), text, 'size', 'bytes');
}

function print(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, scale] = units.find(([, scale]) => value % scale === 0) ?? units[units.length - 1];
  return `${value / scale}${unit}`;
}

/** Prints whole nanoseconds in the largest unit that holds them exactly, e.g. `50ms`; `parseDuration` reads it back. */
export function formatDuration(ns: Nanoseconds): string {
  if (ns === 0) return '0s';
  return print(ns, [['h', 3.6e12], ['min', 6e10], ['s', 1e9], ['ms', 1e6], ['us', 1e3], ['ns', 1]]); // prettier-ignore
}

/** Prints whole bytes in the largest unit that holds them exactly, e.g. `16GB`; `parseBytes` reads it back. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return '0B';
  const [binary, decimal] = [
    print(bytes, [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10], ['B', 1]]), // prettier-ignore
    print(bytes, [['TB', 1e12], ['GB', 1e9], ['MB', 1e6], ['kB', 1e3], ['B', 1]]), // prettier-ignore
  ];
  return binary.length < decimal.length ? binary : decimal;
}

/** Reads with `read`; its InputError becomes an issue of the schema, so that a scenario error names file and field. */
function decode<T>(text: T, read: (text: T) => number, issues: z.core.$ZodRawIssue[]): number {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    issues.push({code: 'custom', message: error.message, input: text});
    return z.NEVER;
  }
}

const written = (noun: string, example: string) =>
  z.union([z.string(), z.number()], {
    error: (issue) =>
      issue.input === undefined
        ? `missing ${noun} (expected one such as "${example}")`
        : `invalid ${noun}: ${show(issue.input)} (expected one such as "${example}")`,
  });

/** Schema of a duration of 0 or more: a string with a unit outside, whole nanoseconds inside. */
export const durationField = z.codec(written('duration', '50ms'), z.number(), {
  decode: (text, {issues}) => decode(text, parseDuration, issues),
  encode: formatDuration,
});

/** Schema of a duration above 0. */
export const positiveDurationField = durationField.refine((ns) => ns > 0, {
  error: 'invalid duration: 0 (expected one above 0, such as "50ms")',
});

/** Schema of a rate of 0 or more: a number of requests per second, or a string such as `"120/s"`. */
export const rateField = z.codec(written('rate', '120/s'), z.number(), {
  decode: (text, {issues}) => decode(text, parseRate, issues),
  encode: (perSecond) => perSecond,
});

/** Schema of a rate above 0. */
export const positiveRateField = rateField.refine((perSecond) => perSecond > 0, {
  error: (issue) => `invalid rate: ${String(issue.input)} (expected a number above 0)`,
});

/** Schema of a size: a string with a unit outside, whole bytes inside. */
export const bytesField = z.codec(written('size', '16GB'), z.number(), {
  decode: (text, {issues}) => decode(text, parseBytes, issues),
  encode: formatBytes,
});
