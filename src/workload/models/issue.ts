// How a problem that zod found in a file is said to a person.

import type {z} from 'zod';
import {InputError} from '../../scheduler/errors.ts';
import {suggest} from '../suggest.ts';

/** Where a value stands: its keys and indices from the root of the file. */
export type Path = readonly PropertyKey[];

/** Says where in its file a path stands, e.g. `model.yaml:3:8`; with `key`, where that key itself does. */
export type Locate = (path: Path, key?: string) => string;

/**
 * `value` checked against a strict object schema whose messages say what was expected. Throws an `InputError` for the
 * first problem, unknown keys before others, e.g. `model.yaml:3:8: layers[0].m: expected a whole number of at least 1, got -4`. `path` is where
 * `value` stands; `place` gives the place of a field in the file where that differs from its name.
 */
export function check<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  path: Path,
  locate: Locate,
  place: (field: PropertyKey) => PropertyKey = (field) => field,
): z.output<Schema> {
  const result = schema.safeParse(value, {reportInput: true});
  if (result.success) return result.data;
  const {issues} = result.error;
  // A misspelt key explains the missing one that it was meant to be.
  const issue = issues.find(({code}) => code === 'unrecognized_keys') ?? issues[0];
  const at = [...path, ...issue.path.map(place)];
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0];
    const problem = `unknown key "${key}"${didYouMean(key, Object.keys(schema.shape))}`;
    throw problemAt(locate(at, key), at, problem);
  }
  if (issue.input === undefined) {
    const field = issue.path.at(-1);
    throw problemAt(locate(at), at.slice(0, -1), `missing ${String(field)} (${issue.message})`);
  }
  const hint =
    issue.code === 'invalid_value' && typeof issue.input === 'string'
      ? didYouMean(issue.input, issue.values.map(String))
      : '';
  throw problemAt(locate(at), at, `${issue.message}, got ${show(issue.input)}${hint}`);
}

/** An `InputError` of a problem with the value at `path`. */
export function problemAt(location: string, path: Path, problem: string): InputError {
  const name = pathText(path);
  return new InputError(`${location}: ${name === '' ? '' : `${name}: `}${problem}`);
}

/** A path as people write it, e.g. `layers[0].m`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : `${text && '.'}${String(step)}`;
  return text;
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a mapping';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** `; did you mean "weight"?`, or nothing where no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = suggest(word, known);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}
