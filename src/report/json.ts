import {InputError} from '../scheduler/errors.ts';

/** Counts changes of the JSON results that a reader would notice. */
export const schemaVersion = 1;

/**
 * Results as JSON text for files: `schema_version` first, two spaces of indent, a line break at the end. Keys keep the
 * order they were made in, which is the same for the same code, so that `diff` works.
 *
 * Throws an `InputError` for a number that is not finite, as JSON has none: what is unknown is null.
 */
export function formatJson(result: object): string {
  const path: string[] = [];
  const check = (value: unknown): void => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new InputError(
        `invalid number at ${path.join('.')}: ${value} (expected a finite number or null)`,
      );
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      path.push(key);
      check(inner);
      path.pop();
    }
  };
  check(result);
  return JSON.stringify({schema_version: schemaVersion, ...result}, null, 2) + '\n';
}
