import type {Benchmark} from './benchmark.ts';
import type {EngineRun, EngineRunOptions} from './engineRun.ts';
import {interleave, median, medianRatio, runScript} from './measure.ts';
import type {Contender} from './measure.ts';
import {short} from './table.ts';
import {withFolder, yardstick} from './yardstick.ts';

const tenants = 100;
/** Enough for 1 s or so; the JIT has seen a third of that before. */
const kernels = 6e6;
const warmup = 2e6;

const cases: readonly EngineRunOptions[] = [
  ...(['greedy', 'ooo'] as const).flatMap((policy) =>
    ([0.3, 0.9, 1.5, 'saturated'] as const).map((load) => ({policy, load, metrics: false})),
  ),
  ...(['greedy', 'ooo'] as const).map((policy) => ({policy, load: 0.9, metrics: true})),
].map((options) => ({...options, tenants, kernels, warmup}));

const nameOf = ({policy, load, metrics}: EngineRunOptions): string =>
  `${policy} ${load}${metrics ? ', with metrics' : ''}`;

/** Kernel completions per CPU second, every part of the run as fast as in the round in which it was fastest. */
function undisturbedRate(runs: readonly EngineRun[]): number {
  const [{rates}] = runs;
  const slowness = rates.map((_, slice) => 1 / Math.max(...runs.map((run) => run.rates[slice])));
  return rates.length / slowness.reduce((sum, each) => sum + each, 0);
}

/** Kernel completions per second and core with policy, cost model, host and contention. */
export const engine: Benchmark = {
  name: 'engine',
  summary: 'kernel completions simulated per second: policies x loads, 100 tenants of the quickstart',
  run: ({rounds, log}) =>
    withFolder(async (folder) => {
      const reference = yardstick(folder);
      const contenders = cases.map((options): Contender<EngineRun> => ({
        name: nameOf(options),
        measure: () => runScript('./engineRun.js', [JSON.stringify(options)]),
      }));
      const speeds: number[] = [];
      const compared =
        'reason' in reference
          ? contenders
          : [
              ...contenders,
              {name: reference.name, measure: async () => speeds.push(await reference.measure())},
            ];
      const all = await interleave<EngineRun | number>(compared, rounds, log);
      const runs = contenders.map(({name}): [string, EngineRun[]] => [name, all.get(name) as EngineRun[]]);
      const rows = runs.map(([name, of]) => {
        const rate = of.map((run) => run.kernels / run.cpuSeconds);
        const [first] = of;
        return [
          name,
          short(median(rate)),
          `${short(Math.min(...rate))} - ${short(Math.max(...rate))}`,
          short(undisturbedRate(of)),
          short(median(of.map((run) => run.kernels / run.seconds))),
          short(median(of.map((run) => run.launches / run.cpuSeconds))),
          short(median(of.map((run) => run.requests / run.cpuSeconds))),
          (first.kernels / first.requests).toFixed(1),
          (first.kernels / first.superkernels).toFixed(2),
          (first.superkernels / first.launches).toFixed(2),
          (first.decisions / first.launches).toFixed(2),
          speeds.length === 0 ? '-' : medianRatio(rate, speeds).toFixed(2),
        ];
      });
      return {
        title: `Engine, per CPU second: ${tenants} tenants of the quickstart, one V100; wanted 2 M kernels/s, aim 5 M`,
        columns: [
          'policy, load',
          'kernels/s',
          'least - most',
          'undisturbed',
          'on the wall',
          'launches/s',
          'requests/s',
          'kernels/request',
          'superkernel size',
          'steps/launch',
          'decisions/launch',
          'of bare C++',
        ],
        rows,
        notes: [
          `medians of ${rounds} rounds, each a process of its own; ${short(kernels)} kernels after ${short(warmup)} to warm up; CPU time of the run loop, all threads of the process: on an idle machine the wall shows the same`,
          '"undisturbed": every twentieth of the run as fast as in the round in which it was fastest; neighbours on a shared machine slow some of them',
          '"of bare C++" is against the bare model without costs (see references)',
          ...('reason' in reference ? [`no bare model in C++: ${reference.reason}`] : []),
        ],
        data: {runs: Object.fromEntries(runs), bareCpp: speeds},
      };
    }),
};
