// From an experiment to its runs: every variant x policy x load x replication, each with a name that its content gives.
import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {InputError} from '../scheduler/errors.ts';
import type {FixedArrivals} from './arrivals.ts';
import {codeHash, version} from './build.ts';
import {dependsOnChance} from './chance.ts';
import {encodeScenario} from './encode.ts';
import {isProfileName, profileOf, variantsOf} from './experiment.ts';
import type {Experiment, Variant} from './experiment.ts';
import {calibrationFolder, readProfile} from './profileFiles.ts';
import {traceArrivals} from './replay.ts';
import type {RunSpec} from './simulate.ts';
import {modulesOf} from './userPolicy.ts';

/**
 * A policy at a load in a variant; its replications make one row of a table. There is one where all would be the same.
 */
export interface Cell {
  readonly variant: Variant;
  readonly policy: string;
  readonly load: number | null;
  readonly runs: readonly PlannedRun[];
}

/** One run, named by a hash of all that its result depends on. */
export interface PlannedRun {
  readonly hash: string;
  readonly spec: RunSpec;
  /** As `readProfile` takes it. */
  readonly profile: string;
}

/** Where runs are made: in the simulator, or on a GPU. */
export type World = 'simulated' | 'live';

export interface Plan {
  readonly world: World;
  /** Of all runs together: the name of the result. */
  readonly hash: string;
  readonly variants: readonly Variant[];
  readonly cells: readonly Cell[];
  /** In the order of the cells. */
  readonly runs: readonly PlannedRun[];
  /** SHA-256 by name of the files that went in. */
  readonly files: Readonly<Record<string, string>>;
  /** Arrivals of a trace that no tenant takes, in all replications. */
  readonly droppedArrivals: number;
}

/** Lays out all runs of an experiment. Reads every file that they depend on, traces included; writes nothing. */
export async function makePlan(experiment: Experiment, world: World = 'simulated'): Promise<Plan> {
  const {directory, trace} = experiment;
  const files: Record<string, string> = {};
  const fileHash = (name: string, path: string): string => (files[name] ??= sha256(readFile(name, path)));
  const variants = variantsOf(experiment);
  const cells: Cell[] = [];
  let droppedArrivals = 0;

  for (const variant of variants) {
    const {scenario} = variant;
    const profile = profileOf(scenario, directory);
    readProfile(profile); // says what is wrong with it
    const {replications} = scenario;
    const {policies, loads, replications: _replications, device, ...rest} = encodeScenario(scenario);
    const common = {
      ...(world === 'simulated' ? {} : {world}),
      version,
      code: codeHash(),
      scenario: rest,
      profile: fileHash(
        `profile ${scenario.device}`,
        isProfileName(profile) ? join(calibrationFolder(), `${profile}.json`) : profile,
      ),
      models: Object.values(scenario.models).map((file) =>
        fileHash(`model ${file}`, resolve(directory, file)),
      ),
    };
    const arrivals: FixedArrivals[] = [];
    const dropped: number[] = [];
    for (let replication = 0; trace !== undefined && replication < replications; replication++) {
      const read = await traceArrivals(trace, scenario, replication, directory);
      arrivals.push(read.arrivals);
      files[`trace ${trace.file}`] = read.sha256;
      dropped.push(read.dropped);
    }
    const isRepeated =
      replications > 1 && (world === 'live' || (await dependsOnChance(scenario, directory, arrivals)));
    const count = isRepeated ? replications : 1;
    for (const each of dropped.slice(0, count)) droppedArrivals += each;
    const traced = trace === undefined ? null : {...trace, file: null, sha256: files[`trace ${trace.file}`]};
    // What is named twice runs once.
    for (const policy of new Set(scenario.policies)) {
      const modules = modulesOf(policy).map((file) => fileHash(`policy ${file}`, resolve(directory, file)));
      for (const load of new Set(scenario.loads ?? [null])) {
        const runs = Array.from({length: count}, (_, replication): PlannedRun => ({
          hash: nameOf({...common, policy, modules, load, replication, trace: traced}),
          spec: {
            scenario,
            policy,
            load,
            replication,
            directory,
            ...(trace === undefined ? {} : {arrivals: arrivals[replication]}),
          },
          profile,
        }));
        cells.push({variant, policy, load, runs});
      }
    }
  }
  const runs = cells.flatMap((cell) => cell.runs);
  return {world, hash: nameOf(runs.map(({hash}) => hash)), variants, cells, runs, files, droppedArrivals};
}

/** The share of the runs that shard `index` (from 1) of `count` does: every count-th, so that shards are alike. */
export function shardOf<T>(runs: readonly T[], {index, count}: {index: number; count: number}): T[] {
  return runs.filter((_, i) => i % count === index - 1);
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The first 12 digits of the SHA-256 of a value's JSON, whose keys we write in a fixed order. */
const nameOf = (value: unknown): string => sha256(Buffer.from(JSON.stringify(value))).slice(0, 12);

function readFile(name: string, path: string): Buffer {
  if (existsSync(path)) return readFileSync(path);
  const [kind, file] = name.split(/ (.*)/s);
  throw new InputError(`missing ${kind === 'policy' ? 'policy module' : `${kind} file`}: ${file}`);
}
