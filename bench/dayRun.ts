// A simulated day in a process of its own, so that its peak of memory is its own. Prints its result as JSON.
import {RunRecorder} from '../src/metrics/runRecorder.ts';
import {LightRecorder} from './lightRecorder.ts';
import type {Counts} from './lightRecorder.ts';
import {startWatch} from './stopwatch.ts';
import type {Elapsed} from './stopwatch.ts';
import {makeWorld, quickstart} from './world.ts';

export interface DayRunOptions {
  readonly policy: string;
  readonly tenants: number;
  readonly requests: number;
}

export interface DayRun extends Counts, Elapsed {
  /** Models, costs, and a day's arrivals drawn and merged. */
  readonly setUpSeconds: number;
  /** Peak resident set of the whole process, in bytes. */
  readonly peakBytes: number;
  readonly decisions: number;
}

const dayNs = 86_400e9;

/**
 * Tenants as the Azure functions traces have them: a few send most of the requests (rates fall with the rank, Zipf),
 * gaps are burstier than Poisson, and the rate follows the day.
 */
function azureLike(count: number, requests: number): ReturnType<typeof quickstart> {
  const scenario = quickstart(count);
  const replicas = scenario.tenants.flatMap((entry) =>
    Array.from({length: entry.replicas}, (_, i) => ({...entry, name: `${entry.name}/${i}`, replicas: 1})),
  );
  // A fixed order that deals the ranks out to all models.
  const ranked = replicas.toSorted((a, b) => a.name.split('/')[1].localeCompare(b.name.split('/')[1]));
  const weights = ranked.map((_, rank) => 1 / (rank + 1));
  const total = weights.reduce((a, b) => a + b, 0);
  const tenants = ranked.map((entry, rank) => {
    const rate = ((requests / (dayNs / 1e9)) * weights[rank]) / total;
    const base = {process: 'gamma', rate, cv: 3} as const;
    return {...entry, arrivals: {process: 'diurnal', base, period: dayNs, amplitude: 0.6} as const};
  });
  return {...scenario, tenants};
}

const {policy, tenants, requests} = JSON.parse(process.argv[2]) as DayRunOptions;
const setUp = startWatch();
let recorder!: LightRecorder;
const scheduler = await makeWorld({
  scenario: azureLike(tenants, requests),
  policy,
  load: null,
  durationNs: dayNs,
  recorder: ({workbench, lanes, window}) => {
    const {kernels} = workbench.classes;
    recorder = new LightRecorder(new RunRecorder({tenants: workbench.tenants, kernels, lanes, window}));
    return recorder;
  },
});
const setUpSeconds = setUp().seconds;
const elapsed = startWatch();
scheduler.run();
const run: DayRun = {
  setUpSeconds,
  ...elapsed(),
  peakBytes: process.resourceUsage().maxRSS * 1024,
  decisions: scheduler.decisions,
  ...recorder.counts,
};
console.log(JSON.stringify(run));
