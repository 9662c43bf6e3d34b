// One measured run of the engine, in a process of its own: options as JSON in, result as JSON out.
import {RunRecorder} from '../src/metrics/runRecorder.ts';
import {LightRecorder} from './lightRecorder.ts';
import type {Counts} from './lightRecorder.ts';
import {startWatch} from './stopwatch.ts';
import type {Elapsed} from './stopwatch.ts';
import {makeWorld, quickstart} from './world.ts';

export interface EngineRunOptions {
  readonly policy: string;
  /** Offered load, or `saturated`: every tenant always has one request in the system. */
  readonly load: number | 'saturated';
  readonly tenants: number;
  /** Kernel completions to measure, after `warmup` of them. */
  readonly kernels: number;
  readonly warmup: number;
  /** Whether the run's metrics are recorded, or only counters kept. */
  readonly metrics: boolean;
}

/** What happened in the measured part. */
export interface EngineRun extends Counts, Elapsed {
  readonly decisions: number;
  /** Kernel completions per CPU second in each of `slices` equal parts of it. */
  readonly rates: readonly number[];
}

/** Parts of a tenth of a second or so, the same in every run with these options. */
const slices = 20;

export async function engineRun(options: EngineRunOptions): Promise<EngineRun> {
  const {policy, load, tenants, kernels, warmup, metrics} = options;
  const scenario = quickstart(tenants);
  const saturated = {process: 'saturated', outstanding: 1} as const;
  let recorder!: LightRecorder;
  const scheduler = await makeWorld({
    policy,
    // The mix needs 30 to 40 kernels a request, and at load 1 its requests come 400 times a second.
    durationNs: load === 'saturated' ? 1e15 : Math.ceil(((kernels + warmup) / 30 / (400 * load)) * 1e9),
    ...(load === 'saturated'
      ? {
          scenario: {
            ...scenario,
            tenants: scenario.tenants.map((entry) => ({...entry, arrivals: saturated})),
          },
          load: null,
        }
      : {scenario, load}),
    recorder: ({workbench, lanes, window}) => {
      const {kernels} = workbench.classes;
      recorder = new LightRecorder(
        metrics ? new RunRecorder({tenants: workbench.tenants, kernels, lanes, window}) : undefined,
      );
      return recorder;
    },
  });
  scheduler.run(Infinity, () => recorder.kernels >= warmup);
  const before = {...recorder.counts, decisions: scheduler.decisions};
  const elapsed = startWatch();
  const rates: number[] = [];
  for (let slice = 1; slice <= slices; slice++) {
    const [done, sliceElapsed] = [recorder.kernels, startWatch()];
    const ended = scheduler.run(Infinity, () => recorder.kernels >= warmup + (kernels * slice) / slices);
    if (ended !== 'stopped') throw new Error(`too few arrivals: ${recorder.kernels} kernels in all`);
    rates.push((recorder.kernels - done) / sliceElapsed().cpuSeconds);
  }
  const took = elapsed();
  const after = recorder.counts;
  return {
    ...took,
    rates,
    decisions: scheduler.decisions - before.decisions,
    arrivals: after.arrivals - before.arrivals,
    requests: after.requests - before.requests,
    launches: after.launches - before.launches,
    superkernels: after.superkernels - before.superkernels,
    kernels: after.kernels - before.kernels,
    latencyNs: after.latencyNs - before.latencyNs,
  };
}

console.log(JSON.stringify(await engineRun(JSON.parse(process.argv[2]) as EngineRunOptions)));
