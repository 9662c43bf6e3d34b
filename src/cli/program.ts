import yargs from 'yargs';
import type {Options} from 'yargs';
import {version} from '../experiment/build.ts';
import {suggest} from '../workload/suggest.ts';
import type {Args, Command, ListedCommand} from './command.ts';
import {commands} from './commands.ts';
import {UsageError, describeError, exitCodeOf} from './exitCode.ts';
import type {Io} from './io.ts';

/** Runs a command line (without node and script) and returns its exit code. Touches the process through `io` alone. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    let printed = '';
    await parser(io, await loadNamed(io.args)).parseAsync([...args], {}, (_error, _args, output) => {
      printed += output;
    });
    if (printed !== '') io.stdout.write(`${printed}\n`);
    return 0;
  } catch (error) {
    io.stderr.write(`superkernel: ${describeError(error)}\n`);
    return exitCodeOf(error);
  }
}

/** The commands that the words of a command line name, of which at most one runs. */
async function loadNamed(args: readonly string[]): Promise<ReadonlyMap<ListedCommand, Command>> {
  const named = commands.filter((listed) => args.includes(nameOf(listed)));
  return new Map(await Promise.all(named.map(async (listed) => [listed, await listed.load()] as const)));
}

function parser(io: Io, loaded: ReadonlyMap<ListedCommand, Command>) {
  const completing = io.args[0] === '--get-yargs-completions';
  const cli = yargs([...io.args])
    .scriptName('superkernel')
    .usage('$0 <command>\n\nSimulates kernel-level scheduling of many DNN inference tenants on one GPU.')
    .locale('en')
    .parserConfiguration({'greedy-arrays': false, 'dot-notation': false, 'parse-numbers': false})
    .demandCommand(1, 'missing command (see "superkernel --help")')
    .strict()
    .version(version)
    .alias('help', 'h')
    .exitProcess(false)
    .showHelpOnFail(false)
    .wrap(Math.min(110, io.stdout.columns))
    // Returning would run the command all the same.
    .fail((message, error) => {
      const ours = error !== undefined && error.name !== 'YError';
      throw ours ? error : new UsageError(reword(message ?? error.message, io.args, loaded));
    });
  for (const listed of commands) {
    const {command: usage, describe} = listed;
    const command = loaded.get(listed);
    if (command === undefined) {
      cli.command(usage, describe);
      continue;
    }
    cli.command({
      command: usage,
      describe,
      builder: (command_) => {
        // yargs completes choices, but would also refuse what is not among them: a file, a policy's parameters.
        const choices = (name: string): {choices?: readonly string[]} =>
          completing && command.suggestions?.[name] !== undefined
            ? {choices: command.suggestions[name]()}
            : {};
        for (const [name, options] of Object.entries(command.positionals)) {
          command_.positional(name, {...options, ...choices(name)});
        }
        for (const [name, options] of Object.entries(command.options)) {
          command_.option(name, {...options, ...choices(name), ...fromEnvironment(name, options, io)});
        }
        for (const [line, what] of command.examples ?? []) command_.example(line, what);
        return command_;
      },
      handler: async (args: Args) => {
        refuseRepeats(command, args);
        await command.run(args, io);
      },
    });
  }
  return cli.completion('completion', 'Print a completion script for bash, zsh or fish');
}

/**
 * The value of an option in the environment, e.g. SUPERKERNEL_DEVICE for --device, which flags override. Not by yargs,
 * which takes every variable of the prefix for an option of every command.
 */
function fromEnvironment(name: string, {type, array}: Options, {env}: Io): Options {
  const variable = `SUPERKERNEL_${name.replaceAll('-', '_').toUpperCase()}`;
  const value = env[variable];
  if (value === undefined) return {};
  const preset = type === 'boolean' ? !['', '0', 'false', 'no'].includes(value) : value;
  return {default: array === true ? [preset] : preset, defaultDescription: `${variable}=${value}`};
}

/** An option with one value that is given twice would be a list that nobody expects. */
function refuseRepeats({options}: Command, args: Args): void {
  for (const [name, {array}] of Object.entries(options)) {
    if (array !== true && Array.isArray(args[name]))
      throw new UsageError(`--${name} is given more than once`);
  }
}

const nameOf = ({command}: ListedCommand): string => command.split(' ')[0];

/** yargs' sentences in our wording, with what was probably meant. */
function reword(
  message: string,
  args: readonly string[],
  loaded: ReadonlyMap<ListedCommand, Command>,
): string {
  const [named] = loaded;
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined) {
    const isOption = args.some((arg) => arg.startsWith('-') && arg.includes(unknown));
    if (!isOption && named === undefined) {
      return `unknown command: ${unknown}${hint(suggest(unknown, commands.map(nameOf)))}`;
    }
    if (!isOption) return `unexpected argument: ${unknown}`;
    const known = Object.keys(named?.[1].options ?? {});
    const meant = suggest(unknown, known);
    return `unknown option: --${unknown}${hint(meant === undefined ? undefined : `--${meant}`)}`;
  }
  const missing = message.startsWith('Not enough non-option arguments');
  if (missing && named !== undefined) return `missing argument: superkernel ${named[0].command}`;
  const value = /^Not enough arguments following: (.*)/.exec(message)?.[1];
  if (value !== undefined) return `missing value of --${value}`;
  const choice = /Argument: ([^,]+), Given: (.+), Choices: (.+)/s.exec(message);
  if (choice !== null) {
    const [, option, given, choices] = choice;
    const known = [...choices.matchAll(/"([^"]*)"/g)].map(([, name]) => name);
    const text = given.replaceAll('"', '');
    return `invalid ${option}: ${text}${hint(suggest(text, known)) || ` (expected ${known.join(', ')})`}`;
  }
  return message.charAt(0).toLowerCase() + message.slice(1);
}

const hint = (meant: string | undefined): string => (meant === undefined ? '' : `; did you mean "${meant}"?`);
