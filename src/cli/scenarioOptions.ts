// The options that commands which run a scenario share, and what they change in it.
import {availableParallelism} from 'node:os';
import type {Options} from 'yargs';
import type {Changes} from '../experiment/experiment.ts';
import {parseNumbers, parseSetting} from '../experiment/grid.ts';
import type {Parameter} from '../experiment/grid.ts';
import {profileNames} from '../experiment/profileFiles.ts';
import type {Override} from '../experiment/scenario.ts';
import {policies} from '../policies/table.ts';
import {flag, listOf, needed, repeated, text, textOf} from './command.ts';
import type {Args} from './command.ts';
import {UsageError} from './exitCode.ts';
import {formatOption} from './formats.ts';

export const changeOptions: Readonly<Record<string, Options>> = {
  policy: repeated(
    'A policy, with parameters as in ooo:lanes=4, or your own ./mine.ts; repeat it for several',
  ),
  load: text('Offered loads: 0.5,0.8 or 0.2:1.2:0.2'),
  device: text('Device profile: a name, or a file'),
  seed: text('Seed of all randomness'),
  replications: text('Runs of each policy and load'),
  duration: text('Time in which requests arrive, such as 10s'),
  warmup: text('Time at the start that is not measured'),
  set: repeated('Any setting of the scenario, such as tenants.0.slo=20ms'),
};

export const outputOptions: Readonly<Record<string, Options>> = {
  output: text('Folder for results', {default: 'results'}),
  format: formatOption,
  report: flag('Write report.html', {default: true}),
  quiet: flag('No progress on stderr'),
  jobs: text('Runs at a time', {defaultDescription: 'all cores'}),
};

/** Names that the shell completes for these options. */
export const suggestions = {
  policy: (): string[] => [...policies.keys()],
  device: (): string[] => profileNames(),
};

/** What the options change in a scenario. */
export function changesOf(args: Args, parameters: readonly Parameter[] = []): Changes {
  const policies = listOf(args, 'policy');
  const device = textOf(args, 'device');
  return {
    overrides: overridesOf(args),
    parameters,
    ...(policies === undefined ? {} : {policies}),
    ...(device === undefined ? {} : {device}),
  };
}

function overridesOf(args: Args): Override[] {
  const settings = listOf(args, 'set') ?? [];
  const overrides: Override[] = settings.map((setting) => parseSetting(setting, 'setting'));
  const add = (key: string, option: string, read: (text: string) => unknown): void => {
    const value = textOf(args, option);
    if (value !== undefined) overrides.push([key, read(value)]);
  };
  add('loads', 'load', (value) => parseNumbers(value, 'load'));
  add('seed', 'seed', (value) => (/^-?\d+$/.test(value) ? Number(value) : value));
  add('replications', 'replications', (value) => wholeNumber(value, 'replications'));
  add('duration', 'duration', (value) => value);
  add('warmup', 'warmup', (value) => value);
  return overrides;
}

/** What the output options say, as `execute` takes it. */
export function outputOf(args: Args) {
  const jobs = textOf(args, 'jobs');
  return {
    output: needed(args, 'output'),
    format: needed(args, 'format'),
    report: args['report'] === true,
    quiet: args['quiet'] === true,
    jobs: jobs === undefined ? availableParallelism() : wholeNumber(jobs, 'jobs'),
  };
}

/** The value of an option that is a whole number of at least 1. */
export function wholeNumber(value: unknown, option: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new UsageError(`invalid ${option}: ${value as string} (expected a whole number above 0)`);
}
