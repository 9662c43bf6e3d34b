// From JSON to a profile, with one sentence about what is wrong in it.
import {z} from 'zod';
import {InputError} from '../scheduler/errors.ts';
import {nearestKey} from './nearestKey.ts';
import {dataTypesOf, schema, schemaVersion} from './profile.ts';
import type {DeviceProfile} from './profile.ts';

/**
 * Checks a parsed JSON value. Throws an InputError that names `where`, the path of the fault and what was expected;
 * for an unknown key, the nearest known one.
 */
export function parseProfile(value: unknown, where = 'profile'): DeviceProfile {
  const version = (value as {schema_version?: unknown} | null)?.schema_version;
  if (version !== undefined && version !== schemaVersion) {
    throw new InputError(
      `${where}: schema_version: expected ${schemaVersion}, got ${JSON.stringify(version)} (written by another version of superkernel)`,
    );
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new InputError(`${where}: ${explain(result.error.issues[0], value)}`);
  checkSources(result.data, where);
  checkAlternations(result.data, where);
  return result.data;
}

function explain(issue: z.core.$ZodIssue, value: unknown): string {
  const path = issue.path.map(String).join('.') || 'profile';
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    const near = nearestKey(issue.keys[0], known);
    return `${path}: unknown key "${issue.keys[0]}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
  }
  const got = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  if (got === undefined) return `${path}: missing`;
  return `${path}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}, got ${JSON.stringify(got)}`;
}

/** The keys that the schema knows at a path, for suggestions. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of path) {
    while (at instanceof z.ZodOptional) at = at.unwrap();
    if (at instanceof z.ZodObject) at = (at.shape as Record<PropertyKey, unknown>)[key];
    else if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
  }
  while (at instanceof z.ZodOptional) at = at.unwrap();
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Tiles that take turns must be among the launch's. */
function checkAlternations(profile: DeviceProfile, where: string): void {
  for (const dtype of dataTypesOf(profile)) {
    for (const kind of ['single', 'batched', 'grouped'] as const) {
      const {alternation, tiles} = profile.gemm[dtype]![kind];
      if (alternation === undefined) continue;
      const names = tiles.map(({name}) => name);
      for (const key of ['usual', 'full'] as const) {
        if (names.includes(alternation[key])) continue;
        throw new InputError(
          `${where}: gemm.${dtype}.${kind}.alternation.${key}: unknown tile "${alternation[key]}" (known: ${names.join(', ')})`,
        );
      }
    }
  }
}

/** Every `source` must be explained in `sources`. */
function checkSources(profile: DeviceProfile, where: string): void {
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === 'source') {
        for (const id of [child].flat() as string[]) {
          if (!(id in profile.sources)) {
            throw new InputError(
              `${where}: ${path}source: unknown source "${id}" (known: ${Object.keys(profile.sources).join(', ')})`,
            );
          }
        }
      } else if (key !== 'sources') visit(child, `${path}${key}.`);
    }
  };
  visit(profile, '');
}
