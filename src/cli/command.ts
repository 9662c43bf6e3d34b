import type {Options, PositionalOptions} from 'yargs';
import type {Io} from './io.ts';

/** A command line by the names of its options and arguments: see `textOf` and `listOf`. */
export type Args = Readonly<Record<string, unknown>>;

/** What the program's help says of a command. All else is loaded where the command line names it: others start without it. */
export interface ListedCommand {
  /** The name and its positional arguments, e.g. `simulate <scenario>`. */
  readonly command: string;
  readonly describe: string;
  load(): Promise<Command>;
}

/** A command of the program: one file, and one entry in `commands`. */
export interface Command {
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  /** Values that the shell may complete, by option or argument; others are allowed. */
  readonly suggestions?: Readonly<Record<string, () => string[]>>;
  /** Command lines with what they do, for help. */
  readonly examples?: readonly (readonly [commandLine: string, what: string])[];
  /** Heavy imports belong in here, so that the command's help and what it refuses come without them. */
  run(args: Args, io: Io): void | Promise<void>;
}

/** An option that may be given several times; always a list, undefined if it was not given. */
export const repeated = (describe: string, extra: Options = {}): Options => ({
  type: 'string',
  array: true,
  requiresArg: true,
  describe,
  ...extra,
});

/** An option with one text. */
export const text = (describe: string, extra: Options = {}): Options => ({
  type: 'string',
  requiresArg: true,
  describe,
  ...extra,
});

/** An option that is there or not. */
export const flag = (describe: string, extra: Options = {}): Options => ({
  type: 'boolean',
  describe,
  ...extra,
});

/** What was given for an argument or an option with one value. */
export function textOf(args: Args, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

/** What was given for an argument, or an option with a default. */
export function needed(args: Args, name: string): string {
  return textOf(args, name)!;
}

/** What was given for an option that may be repeated; undefined if it was not given. */
export function listOf(args: Args, name: string): string[] | undefined {
  const value = args[name];
  return Array.isArray(value) ? (value as string[]) : undefined;
}
