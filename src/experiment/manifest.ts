// The manifest of a result: everything that it takes to get the same bytes again, and where they came from.
import {relative} from 'node:path';
import {arch, availableParallelism, cpus, platform, release} from 'node:os';
import {InputError} from '../scheduler/errors.ts';
import {schemaVersion} from '../report/json.ts';
import {codeHash, version} from './build.ts';
import {encodeScenario} from './encode.ts';
import type {Experiment} from './experiment.ts';
import type {Parameter} from './grid.ts';
import type {Plan} from './plan.ts';
import type {TraceSource} from './replay.ts';

/** A manifest as it stands in `manifest.json`. */
export interface Manifest {
  readonly schema_version: number;
  readonly kind: 'superkernel-manifest';
  /** The result's name: a hash of all that it depends on. */
  readonly hash: string;
  readonly version: string;
  /** Hash of the program's own code. */
  readonly code_hash: string;
  readonly seed: number | string;
  /** With every default filled in. */
  readonly scenario: Record<string, unknown>;
  readonly parameters: readonly Parameter[];
  readonly trace?: TraceSource;
  /** Folder that the scenario's relative paths start from, itself relative to the manifest's. */
  readonly directory: string;
  /** SHA-256 of the files that went in: profiles, models, policy modules, the trace. */
  readonly files: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly machine: Readonly<Record<string, string | number>>;
  readonly started_at: string;
}

/** The manifest of an experiment whose result goes to `folder`. */
export function makeManifest(
  experiment: Experiment,
  plan: Plan,
  folder: string,
  command: readonly string[],
): Manifest {
  const {scenario, parameters, directory, trace} = experiment;
  return {
    schema_version: schemaVersion,
    kind: 'superkernel-manifest',
    hash: plan.hash,
    version,
    code_hash: codeHash(),
    seed: scenario.seed,
    scenario: encodeScenario(scenario),
    parameters,
    ...(trace === undefined ? {} : {trace}),
    directory: relative(folder, directory) || '.',
    files: plan.files,
    command,
    machine: {
      node: process.version,
      os: `${platform()} ${release()} ${arch()}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
    },
    started_at: new Date().toISOString(),
  };
}

/** Reads a text as a manifest; null where it is something else, such as a scenario. */
export function asManifest(text: string, file: string): Manifest | null {
  if (!file.endsWith('.json')) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // the scenario's parser tells what is wrong
  }
  if (typeof value !== 'object' || value === null || !('kind' in value)) return null;
  const manifest = value as Manifest;
  if (manifest.kind !== 'superkernel-manifest' || manifest.schema_version !== schemaVersion) {
    throw new InputError(
      `${file}: unknown kind or version of manifest: ${JSON.stringify(manifest.kind)}, ${manifest.schema_version} (expected superkernel-manifest, ${schemaVersion})`,
    );
  }
  return manifest;
}

/** What is not as it was when a manifest was written, one sentence each: the program, or files that went in. */
export function changesSince(manifest: Manifest, plan: Plan): string[] {
  const changes = Object.entries(plan.files)
    .filter(([name, hash]) => manifest.files[name] !== undefined && manifest.files[name] !== hash)
    .map(([name]) => `${name} is not as it was when the manifest was written`);
  if (manifest.code_hash === codeHash()) return changes;
  return [
    `the manifest was written by superkernel ${manifest.version} (code ${manifest.code_hash}), this is ${version} (code ${codeHash()}): figures may differ`,
    ...changes,
  ];
}
