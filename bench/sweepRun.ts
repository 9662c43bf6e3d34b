// One sweep in a process of its own: the quickstart's runs on the worker pool, as `superkernel simulate` makes them.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {packageFolder} from '../src/experiment/build.ts';
import type {PlannedRun} from '../src/experiment/plan.ts';
import {parseScenario} from '../src/experiment/scenario.ts';
import {sweep} from '../src/experiment/sweep.ts';
import {startWatch} from './stopwatch.ts';
import type {Elapsed} from './stopwatch.ts';

export interface SweepRunOptions {
  readonly jobs: number;
  /** Which part of the runs to make, from 0, of how many equal ones. */
  readonly part: number;
  readonly parts: number;
}

export interface SweepRun extends Elapsed {
  readonly runs: number;
}

const policies = ['greedy', 'slo', 'ooo', 'batcher'];
const loads = [0.4, 0.8, 1.2];
const replications = 24;

const {jobs, part, parts} = JSON.parse(process.argv[2]) as SweepRunOptions;
const name = 'scenarios/quickstart.yaml';
const scenario = parseScenario(readFileSync(join(packageFolder, name), 'utf8'), name);
const all = policies.flatMap((policy) =>
  loads.flatMap((load) =>
    Array.from({length: replications}, (_, replication): PlannedRun => ({
      hash: `${policy} ${load} ${replication}`,
      spec: {scenario, policy, load, replication, directory: packageFolder},
      profile: scenario.device,
    })),
  ),
);
const runs = all.slice((part * all.length) / parts, ((part + 1) * all.length) / parts);
const elapsed = startWatch();
await sweep(runs, {jobs, onOutcome: () => {}});
const result: SweepRun = {...elapsed(), runs: runs.length};
console.log(JSON.stringify(result));
