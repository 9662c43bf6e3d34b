// What a command runs: a scenario from a file or a manifest, with what the command line changes.
import {existsSync, readFileSync, statSync} from 'node:fs';
import {dirname, isAbsolute, relative, resolve} from 'node:path';
import {InputError, SuperkernelError} from '../scheduler/errors.ts';
import {encodeScenario} from './encode.ts';
import {combinations} from './grid.ts';
import type {Parameter} from './grid.ts';
import {asManifest} from './manifest.ts';
import type {Manifest} from './manifest.ts';
import {parseScenario} from './scenario.ts';
import type {Override, Scenario} from './scenario.ts';
import type {TraceSource} from './replay.ts';
import {modulesOf} from './userPolicy.ts';

/** A scenario, perhaps with settings that vary; every policy and load of it, so many times. */
export interface Experiment {
  readonly scenario: Scenario;
  readonly parameters: readonly Parameter[];
  /** Folder that relative paths of the scenario start from. */
  readonly directory: string;
  /** Replaces the arrivals of the tenants. */
  readonly trace?: TraceSource;
  /** The manifest that it was read from. */
  readonly origin?: Manifest;
}

/** One combination of the parameters. */
export interface Variant {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly scenario: Scenario;
}

/** What the command line changes. Paths in it start from the working directory. */
export interface Changes {
  readonly overrides?: readonly Override[];
  readonly parameters?: readonly Parameter[];
  readonly policies?: readonly string[];
  readonly device?: string;
}

/** Reads a scenario file, or the manifest of a result. Throws an InputError with the place and the reason. */
export function readExperiment(file: string, changes: Changes = {}): Experiment {
  const text = readText(file);
  const manifest = asManifest(text, file);
  if (manifest === null) return makeExperiment(text, file, dirname(resolve(file)), changes);
  const {scenario, parameters, trace} = manifest;
  return {
    ...makeExperiment(JSON.stringify(scenario), file, resolve(dirname(file), manifest.directory), {
      ...changes,
      parameters: changes.parameters?.length ? changes.parameters : parameters,
    }),
    ...(trace === undefined ? {} : {trace}),
    origin: manifest,
  };
}

/** The experiment of a scenario's text; `file` is what errors name. */
export function makeExperiment(
  text: string,
  file: string,
  directory: string,
  {overrides = [], parameters = [], policies, device}: Changes = {},
): Experiment {
  const all = [...overrides];
  if (policies !== undefined) {
    all.push(['policies', policies.map((policy) => fromDirectory(policy, directory))]);
  }
  if (device !== undefined) {
    if (!isProfileName(device) && !existsSync(device)) {
      throw new InputError(`missing device profile: ${device}`);
    }
    all.push(['device', isProfileName(device) ? device : pathFrom(device, directory)]);
  }
  return {scenario: parseWith(text, file, all), parameters, directory};
}

/** The scenario at every combination of the parameters; without any, the scenario itself. */
export function variantsOf({scenario, parameters}: Experiment): Variant[] {
  if (parameters.length === 0) return [{parameters: {}, scenario}];
  const text = JSON.stringify(encodeScenario(scenario));
  return combinations(parameters).map((parameters) => ({
    parameters,
    scenario: parseWith(text, '--param', Object.entries(parameters)),
  }));
}

/** Device profiles are named by a word, or by the path of a file. */
export const isProfileName = (device: string): boolean =>
  /^[\w.-]+$/.test(device) && !device.endsWith('.json');

/** The profile of a scenario as `readProfile` takes it, whatever the working directory is. */
export const profileOf = (scenario: Scenario, directory: string): string =>
  isProfileName(scenario.device) ? scenario.device : resolve(directory, scenario.device);

function readText(file: string): string {
  if (file === '') throw new InputError('missing scenario: expected the name of a file');
  if (!existsSync(file)) throw new InputError(`missing scenario: ${file}`);
  if (statSync(file).isDirectory()) {
    throw new InputError(`${file}: a folder (expected a scenario file, or the manifest.json of a result)`);
  }
  return readFileSync(file, 'utf8');
}

/** As `parseScenario`; a setting that leads nowhere is an InputError, too. */
function parseWith(text: string, file: string, overrides: readonly Override[]): Scenario {
  try {
    return parseScenario(text, file, overrides);
  } catch (error) {
    if (error instanceof SuperkernelError || overrides.length === 0) throw error;
    const keys = overrides.map(([key]) => key).join(', ');
    throw new InputError(`cannot set ${keys}: ${(error as Error).message}`, {cause: error});
  }
}

/** A policy's text whose modules are named from the working directory, with them named from `directory`. */
function fromDirectory(policy: string, directory: string): string {
  return modulesOf(policy).reduce((text, path) => {
    if (!existsSync(path)) throw new InputError(`missing policy module: ${path}`);
    return text.replace(path, pathFrom(path, directory));
  }, policy);
}

/** A path that starts from the working directory, as one that starts from `directory`. */
export function pathFrom(path: string, directory: string): string {
  if (isAbsolute(path)) return path;
  const from = relative(directory, resolve(path));
  return from.startsWith('.') || isAbsolute(from) ? from : `./${from}`;
}
