// How everything here is measured: in processes of their own, in interleaved rounds, reported as medians.
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

const execute = promisify(execFile);

/** Runs a program that prints a line of JSON, and returns that. */
export async function runJson<T>(file: string, args: readonly string[]): Promise<T> {
  const {stdout} = await execute(file, args, {maxBuffer: 2 ** 26});
  return JSON.parse(stdout) as T;
}

/** Runs a script of this folder on a fresh Node, so that no measurement meets what another left in the JIT. */
export async function runScript<T>(script: string, args: readonly string[]): Promise<T> {
  return runJson<T>(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args]);
}

/** One of the things that are compared. */
export interface Contender<T> {
  readonly name: string;
  measure(): Promise<T>;
}

/**
 * Measures every contender once a round, one after another, every other round backwards: whatever else the machine does
 * for a while meets all of them.
 */
export async function interleave<T>(
  contenders: readonly Contender<T>[],
  rounds: number,
  log: (line: string) => void,
): Promise<Map<string, T[]>> {
  const results = new Map(contenders.map(({name}): [string, T[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}`);
    for (const {name, measure} of round % 2 === 0 ? contenders : contenders.toReversed()) {
      results.get(name)!.push(await measure());
    }
  }
  return results;
}

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The median over rounds of the ratio of two measurements of the same round: what slows both down for a round cancels.
 */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, round) => value / denominators[round]));
}
