import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import type {Benchmark} from './benchmark.ts';
import {firstLine} from './machine.ts';
import {interleave, median, medianRatio, runJson, runScript} from './measure.ts';
import type {Contender} from './measure.ts';
import {compileSmall, referencesFolder} from './references/compile.ts';
import {drawSmallWorkload, writeSmallWorkload} from './references/workload.ts';
import type {SmallResult, SmallRun} from './references/workload.ts';
import {short} from './table.ts';
import {withFolder} from './yardstick.ts';

const loads = [0.5, 1, 2];
const requests = 100_000;
/** SimPy runs the first of the requests only: its rate does not depend on how many. */
const fewRequests = 5000;

interface Implementation {
  readonly name: string;
  readonly requests: number;
  run(file: string, requests: number): Promise<SmallRun>;
}

/** The bare model of our problem in our engine and in others: the same workload, the same schedule. */
export const references: Benchmark = {
  name: 'references',
  summary: 'the same small model in this engine, C++, sim.js and SimPy',
  run: ({rounds, simjs, log}) =>
    withFolder(async (folder) => {
      const {found, missing} = findImplementations(folder, simjs);
      const rows: string[][] = [];
      const notes: string[] = [];
      const data: Record<string, unknown> = {};
      for (const load of loads) {
        const file = join(folder, `load-${load}.bin`);
        writeSmallWorkload(file, drawSmallWorkload(requests, load));
        await checkSchedules(found, file);
        const contenders = found.map((implementation): Contender<SmallRun> => ({
          name: implementation.name,
          measure: () => implementation.run(file, implementation.requests),
        }));
        const runs = await interleave(contenders, rounds, (line) => log(`load ${load}: ${line}`));
        data[load] = Object.fromEntries(runs);
        const rates = new Map(
          [...runs].map(([name, of]) => [name, of.map((run) => run.kernels / run.cpuSeconds)]),
        );
        const ours = rates.get('superkernel')!;
        for (const [name, rate] of rates) {
          const [run] = runs.get(name)!;
          rows.push([
            `${name}, load ${load}`,
            short(median(rate)),
            `${short(Math.min(...rate))} - ${short(Math.max(...rate))}`,
            short(median(runs.get(name)!.map(({launches, cpuSeconds}) => launches / cpuSeconds))),
            (run.kernels / run.launches).toFixed(2),
            name === 'superkernel' ? '1' : medianRatio(ours, rate).toFixed(2),
          ]);
        }
      }
      notes.push(
        `64 tenants, 24 kernels a request, 40 classes, 16 lanes, host costs 0; ${requests} requests (SimPy: the first ${fewRequests}), simulated before to warm up: ours twice, sim.js once, which is when each is fastest`,
        'all make the same schedule: kernels, launches, completions, makespan and the sum of latencies were compared',
        'wanted: 20 times SimPy, 3 times sim.js; aim: 0.5 of C++',
        'SimPy and sim.js are written as their documentation does (a process a launch; objects and queues), and once more as fast as they get (a bare timeout a launch; our typed arrays for all state)',
        ...missing,
      );
      return {
        title: 'References: a bare model of the problem, the same schedule in all, per CPU second',
        columns: [
          'implementation',
          'kernels/s',
          'least - most',
          'launches/s',
          'kernels/launch',
          'superkernel / it',
        ],
        rows,
        notes,
        data,
      };
    }),
};

function findImplementations(folder: string, simjs: string): {found: Implementation[]; missing: string[]} {
  const args = (file: string, n: number): string[] => [file, String(n), String(n)];
  const found: Implementation[] = [
    {
      name: 'superkernel',
      requests,
      run: (file, n) => runScript('./references/smallEngine.js', args(file, n)),
    },
  ];
  const missing: string[] = [];
  const compiled = compileSmall(folder);
  if ('program' in compiled)
    found.push({name: 'C++', requests, run: (file, n) => runJson(compiled.program, args(file, n))});
  else missing.push(`no C++: ${compiled.reason}`);

  const path = findSimjs(simjs);
  if (path === null) {
    missing.push(
      `no sim.js: "${simjs}" not found (npm install --no-save simjs, or --simjs FOLDER where it is installed elsewhere)`,
    );
  } else {
    for (const [name, script] of [
      ['sim.js', './references/smallSimjs.js'],
      ['sim.js, typed arrays', './references/smallSimjsArrays.js'],
    ]) {
      found.push({name, requests, run: (file, n) => runScript(script, [...args(file, n), path])});
    }
  }
  const python = ['python3', '/usr/bin/python3'].find(
    (file) => firstLine(file, ['-c', 'import simpy']) !== null,
  );
  if (python === undefined) {
    missing.push(
      'no SimPy: python3 cannot import simpy (apt-get install python3-simpy3, or pip install simpy)',
    );
  } else {
    const version = firstLine(python, ['-c', 'import simpy; print(simpy.__version__)']);
    for (const [style, suffix] of [
      ['processes', ''],
      ['timeouts', ', bare timeouts'],
    ]) {
      const script = join(referencesFolder, 'small.py');
      found.push({
        name: `SimPy ${version}${suffix}`,
        requests: fewRequests,
        run: (file, n) => runJson(python, [script, ...args(file, n), style]),
      });
    }
  }
  return {found, missing};
}

function findSimjs(nameOrFolder: string): string | null {
  try {
    return createRequire(import.meta.url).resolve(nameOrFolder);
  } catch {
    const folder = resolve(nameOrFolder);
    return existsSync(join(folder, 'sim.js')) ? folder : null;
  }
}

/** Throws unless all implementations make the same schedule of the first requests. */
async function checkSchedules(implementations: readonly Implementation[], file: string): Promise<void> {
  const keys = ['kernels', 'launches', 'completed', 'makespanNs', 'latencyNs'] as const;
  let expected: SmallResult | undefined;
  for (const {name, run} of implementations) {
    const result = await run(file, fewRequests);
    expected ??= result;
    for (const key of keys) {
      if (result[key] !== expected[key])
        throw new Error(`${name} makes another schedule: ${key} is ${result[key]}, not ${expected[key]}`);
    }
  }
}
