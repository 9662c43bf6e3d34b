// Lists of values on the command line: `0.5,0.7`, `0.2:1.2:0.2`, `10ms:50ms:10ms`, `ooo,greedy`.
import {parse} from 'yaml';
import {InputError} from '../scheduler/errors.ts';

/** A setting that a sweep varies. */
export interface Parameter {
  /** Dotted key of the scenario, e.g. `tenants.0.slo`. */
  readonly key: string;
  readonly values: readonly unknown[];
}

const quantity = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([^\d\s]*)$/i;

/** More values than this are a slip of the step. */
const mostValues = 10_000;

/** Values separated by commas outside brackets; an item `start:end:step` stands for all from start to end, both included. */
export function parseList(text: string, noun: string): unknown[] {
  const items = split(text).map((item) => item.trim());
  if (items.some((item) => item === ''))
    throw new InputError(`invalid ${noun}: "${text}" (expected a,b,c or start:end:step)`);
  return items.flatMap((item) => rangeOf(item, noun) ?? [readValue(item, noun)]);
}

/** As `parseList`, for numbers above 0. */
export function parseNumbers(text: string, noun: string): number[] {
  return parseList(text, noun).map((value) => {
    if (typeof value === 'number' && value > 0 && value < Infinity) return value;
    throw new InputError(
      `invalid ${noun}: ${String(value)} (expected numbers above 0, as in 0.5,0.8 or 0.2:1.2:0.2)`,
    );
  });
}

/** Reads `key=value`; the value is YAML. */
export function parseSetting(text: string, noun: string): [key: string, value: unknown] {
  const [key, value] = splitSetting(text, noun);
  return [key, readValue(value, noun)];
}

/** Reads `key=a,b,c` or `key=start:end:step`; a value that is given twice is one. */
export function parseParameter(text: string): Parameter {
  const [key, value] = splitSetting(text, 'parameter');
  const values = parseList(value, `parameter ${key}`);
  return {key, values: [...new Map(values.map((each) => [JSON.stringify(each), each])).values()]};
}

/** Every combination of the parameters' values; the last parameter varies fastest. */
export function combinations(parameters: readonly Parameter[]): Record<string, unknown>[] {
  return parameters.reduce<Record<string, unknown>[]>(
    (all, {key, values}) => all.flatMap((one) => values.map((value) => ({...one, [key]: value}))),
    [{}],
  );
}

function splitSetting(text: string, noun: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new InputError(`invalid ${noun}: "${text}" (expected key=value)`);
  return [text.slice(0, at).trim(), text.slice(at + 1)];
}

function readValue(text: string, noun: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new InputError(`invalid ${noun}: "${text}" (${(error as Error).message.split('\n')[0]})`, {
      cause: error,
    });
  }
}

function rangeOf(text: string, noun: string): unknown[] | null {
  const parts = text.split(':').map((part) => quantity.exec(part.trim()));
  if (parts.length !== 3 || !parts.every((part) => part !== null)) return null;
  const [start, end, step] = parts.map(([, number]) => Number(number));
  const [unit] = parts.map(([, , unit]) => unit);
  if (parts.some(([, , each]) => each !== unit)) {
    throw new InputError(`invalid ${noun}: "${text}" (expected one unit in start:end:step)`);
  }
  const steps = (end - start) / step;
  if (step > 0 && steps >= mostValues) {
    throw new InputError(`invalid ${noun}: "${text}" (more than ${mostValues} values)`);
  }
  if (!(step > 0) || !(steps >= 0)) {
    throw new InputError(
      `invalid ${noun}: "${text}" (expected start:end:step with a step above 0 and start before end)`,
    );
  }
  // The end belongs to it even where 0.1 has no exact binary form; 12 digits take that form's dust away.
  return Array.from({length: Math.floor(steps + 1e-9) + 1}, (_, i) => {
    const value = Number((start + i * step).toPrecision(12));
    return unit === '' ? value : `${value}${unit}`;
  });
}

/** Splits at the commas that are in no brackets and no quotes. */
function split(text: string): string[] {
  const parts = [''];
  let depth = 0;
  let quote = '';
  for (const c of text) {
    if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === '"' || c === "'") quote = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    if (c === ',' && depth === 0 && quote === '') parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts;
}
