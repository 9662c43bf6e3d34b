// What has been measured so far, as a file of JSON lines that survives an interruption.
import {appendFileSync, existsSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {makeFolder} from '../../files.ts';
import {InputError} from '../../scheduler/errors.ts';

/** The file that keeps what is not finished of one to come, `mine.json`: `mine.partial.jsonl`. */
export const partialOf = (output: string): string => `${output.replace(/\.json$/, '')}.partial.jsonl`;

/** One measurement by its key, or why it failed. */
export type Entry =
  {readonly key: string; readonly value: unknown} | {readonly key: string; readonly error: string};

/**
 * Measurements by key. With a path, every record is appended to that file at once; a file of the same heading is gone on
 * with, and its failures are tried again.
 */
export class Journal {
  readonly path: string | null;
  /** Records that were found in the file. */
  readonly resumed: number;
  private readonly values = new Map<string, unknown>();
  private readonly failures = new Map<string, string>();

  /** Throws an InputError where the file was begun under another heading, e.g. on another GPU. */
  constructor(path: string | null, heading: Readonly<Record<string, unknown>>) {
    this.path = path;
    const first = JSON.stringify({heading});
    if (path !== null && existsSync(path) && readFileSync(path, 'utf8') !== '') this.read(path, first);
    else if (path !== null) begin(path, first);
    this.resumed = this.values.size;
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  get(key: string): unknown {
    return this.values.get(key);
  }

  record(key: string, value: unknown): void {
    this.values.set(key, value);
    this.failures.delete(key);
    this.append({key, value});
  }

  fail(key: string, error: string): void {
    this.failures.set(key, error);
    this.append({key, error});
  }

  /** Every failure that no later attempt has mended, by key. */
  get failed(): ReadonlyMap<string, string> {
    return this.failures;
  }

  private append(entry: Entry): void {
    if (this.path !== null) appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
  }

  private read(path: string, first: string): void {
    const text = readFileSync(path, 'utf8');
    // What follows the last line break was cut off where the process was killed.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) writeFileSync(path, whole);
    const [heading, ...lines] = whole.split('\n').slice(0, -1);
    if (heading !== first) {
      throw new InputError(
        `${path}: begun on another device or with other options (expected ${first}, found ${heading}); --restart forgets it`,
      );
    }
    for (const [i, line] of lines.entries()) {
      let entry: Entry;
      try {
        entry = JSON.parse(line) as Entry;
      } catch (cause) {
        throw new InputError(`${path}:${i + 2}: invalid JSON`, {cause});
      }
      if ('value' in entry) this.values.set(entry.key, entry.value);
    }
  }
}

/** A file with its first line, in a folder that is made where it is missing. */
function begin(path: string, first: string): void {
  makeFolder(dirname(path));
  writeFileSync(path, `${first}\n`);
}
