import {availableParallelism} from 'node:os';
import type {Benchmark} from './benchmark.ts';
import {interleave, median, medianRatio, runScript} from './measure.ts';
import type {Contender} from './measure.ts';
import type {SweepRun, SweepRunOptions} from './sweepRun.ts';

const start = (options: SweepRunOptions): Promise<SweepRun> =>
  runScript('./sweepRun.js', [JSON.stringify(options)]);

/** How much faster a sweep is on two cores, against what the machine gives two processes that share nothing. */
export const sweepScaling: Benchmark = {
  name: 'sweep',
  summary: "a sweep's worker pool on two cores against one",
  async run({rounds, log}) {
    const title = 'Sweep: 288 runs of the quickstart; wanted 1.8 times as fast on two cores, aim 1.95';
    const columns = ['runs on', 'wall s', 'CPU s', 'speed-up', 'of two processes'];
    if (availableParallelism() < 2)
      return {title, columns, rows: [], notes: ['skipped: the machine has one core'], data: null};
    const contenders: Contender<SweepRun>[] = [
      {name: 'one worker', measure: () => start({jobs: 1, part: 0, parts: 1})},
      {name: 'two workers', measure: () => start({jobs: 2, part: 0, parts: 1})},
      {
        name: 'two processes',
        async measure() {
          const halves = await Promise.all([0, 1].map((part) => start({jobs: 1, part, parts: 2})));
          const [a, b] = halves;
          return {
            seconds: Math.max(a.seconds, b.seconds),
            cpuSeconds: a.cpuSeconds + b.cpuSeconds,
            runs: a.runs + b.runs,
          };
        },
      },
    ];
    const runs = await interleave(contenders, rounds, log);
    const seconds = (name: string): number[] => runs.get(name)!.map((run) => run.seconds);
    return {
      title,
      columns,
      rows: contenders.map(({name}) => [
        name,
        median(seconds(name)).toFixed(2),
        median(runs.get(name)!.map((run) => run.cpuSeconds)).toFixed(2),
        medianRatio(seconds('one worker'), seconds(name)).toFixed(2),
        medianRatio(seconds('two processes'), seconds(name)).toFixed(2),
      ]),
      notes: [
        `medians of ${rounds} rounds, starting the workers included`,
        'two processes do the first and the second half of the runs and share nothing: what the machine gives, busy neighbours included',
      ],
      data: Object.fromEntries(runs),
    };
  },
};
