import type {Benchmark} from './benchmark.ts';
import type {DayRun, DayRunOptions} from './dayRun.ts';
import {interleave, median, runScript} from './measure.ts';
import type {Contender} from './measure.ts';
import {short} from './table.ts';

const tenants = 100;
/** The second size tells whether memory grows with the run. */
const sizes = [250_000, 1_000_000];

/** By how many bytes a request the peak of memory grows. */
function growth(runs: ReadonlyMap<string, readonly DayRun[]>): number {
  const [few, many] = sizes.map((requests) =>
    median(runs.get(`ooo, ${short(requests)}`)!.map(({peakBytes}) => peakBytes)),
  );
  return (many - few) / (sizes[1] - sizes[0]);
}

/** How long a day of production takes, and how much memory. */
export const day: Benchmark = {
  name: 'day',
  summary: 'a day of an Azure-like trace: 1 M requests, one core, with metrics',
  async run({rounds, log}) {
    const contenders = (['greedy', 'ooo'] as const).flatMap((policy) =>
      sizes.map((requests): Contender<DayRun> => {
        const options: DayRunOptions = {policy, tenants, requests};
        return {
          name: `${policy}, ${short(requests)}`,
          measure: () => runScript('./dayRun.js', [JSON.stringify(options)]),
        };
      }),
    );
    // A day is long enough to even out what a neighbour does for a second.
    const runs = await interleave(contenders, Math.min(rounds, 3), log);
    return {
      title: `Day: ${tenants} tenants, diurnal and bursty, rates by Zipf; wanted below 60 s for 1 M requests`,
      columns: [
        'policy, requests',
        'wall s',
        'CPU s',
        'set-up s',
        'kernels',
        'kernels/CPU s',
        'superkernel size',
        'peak MB',
      ],
      rows: [...runs].map(([name, of]) => [
        name,
        median(of.map(({seconds}) => seconds)).toFixed(1),
        median(of.map(({cpuSeconds}) => cpuSeconds)).toFixed(1),
        median(of.map(({setUpSeconds}) => setUpSeconds)).toFixed(1),
        short(of[0].kernels),
        short(median(of.map(({kernels, cpuSeconds}) => kernels / cpuSeconds))),
        (of[0].kernels / of[0].superkernels).toFixed(2),
        (Math.max(...of.map(({peakBytes}) => peakBytes)) / 1e6).toFixed(0),
      ]),
      notes: [
        `medians of ${Math.min(rounds, 3)} rounds; arrivals are drawn before the run and every latency is kept: ${growth(runs).toFixed(0)} bytes a request under ooo`,
      ],
      data: Object.fromEntries(runs),
    };
  },
};
