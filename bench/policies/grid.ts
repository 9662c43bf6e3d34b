// One cell of the policies' benchmark: a mix at a load under a policy, simulated or on the GPU at hand.
import {prepareRun, simulateRun} from '../../src/experiment/simulate.ts';
import type {DeviceProfile} from '../../src/profile/profile.ts';
import {recordBoth} from '../../src/scheduler/recorder.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import type {LiveCells} from './liveCells.ts';
import type {Mix} from './mixes.ts';

/** Latencies of a run in ns, by model. Requests that were not served count with the time until the run was cut off. */
export interface Latencies {
  readonly byModel: ReadonlyMap<string, Float64Array>;
  readonly all: Float64Array;
  /** When the last request was served. */
  readonly endedAtNs: number;
}

/** Requests at the start of a run that are not counted, while queues fill up. */
const warmUpShare = 0.1;

/** Requests a second that the mix offers at load 1. */
export async function rateAtLoad1({scenario}: Mix, profile: DeviceProfile): Promise<number> {
  const run = await prepareRun(
    {scenario, policy: 'streams', load: null, replication: 0, directory: '.'},
    profile,
  );
  let rate = 0;
  for (const {entry} of run.workbench.tenants) rate += (entry.arrivals as {rate: number}).rate;
  return rate / run.load!;
}

export interface CellOptions {
  readonly profile: DeviceProfile;
  readonly policy: string;
  /** Offered load: requests a second over `rateAtLoad1`. */
  readonly load: number;
  readonly requests: number;
  readonly rateAtLoad1: number;
  readonly replication: number;
  /** The run is cut off after so many times the time in which its requests arrive. */
  readonly cutOff?: number;
  /** On the GPU at hand, where these are. */
  readonly live?: LiveCells;
  /** Is told as well. */
  readonly recorder?: Recorder;
}

export async function runCell({scenario, name}: Mix, options: CellOptions): Promise<Latencies> {
  const {profile, policy, load, requests, replication, cutOff = 3, live} = options;
  const durationNs = Math.ceil((requests / (load * options.rateAtLoad1)) * 1e9);
  const from = warmUpShare * durationNs;
  const latencies = new Map<string, number[]>();
  const all: number[] = [];
  let endedAtNs = 0;
  const models = scenario.tenants.flatMap(({model, replicas}) => Array.from({length: replicas}, () => model));
  const open = models.map((): number[] => []);
  const latency: Recorder = {
    arrived: (tenant, at) => open[tenant].push(at),
    completed: (tenant, arrivalAt, _, at) => {
      endedAtNs = Math.max(endedAtNs, at);
      remove(open[tenant], arrivalAt);
      if (arrivalAt >= from) note(tenant, at - arrivalAt);
    },
    dropped: () => {},
    launched: () => {},
    finished: () => {},
  };
  const recorder = options.recorder === undefined ? latency : recordBoth(latency, options.recorder);
  const note = (tenant: number, ns: number): void => {
    all.push(ns);
    let of = latencies.get(models[tenant]);
    if (of === undefined) latencies.set(models[tenant], (of = []));
    of.push(ns);
  };
  const spec = {
    scenario: {
      ...scenario,
      seed: name,
      duration: durationNs,
      warmup: 0,
      drain: (cutOff - 1) * durationNs,
    },
    policy,
    load,
    replication,
    directory: '.',
  };
  if (live === undefined) await simulateRun(spec, {profile, recorder});
  else await live.run(spec, recorder);
  for (const [tenant, times] of open.entries()) {
    for (const at of times) {
      note(tenant, cutOff * durationNs - at);
      endedAtNs = cutOff * durationNs;
    }
  }
  const sorted = (of: readonly number[]): Float64Array => Float64Array.from(of).sort();
  return {
    byModel: new Map([...latencies].map(([model, of]) => [model, sorted(of)])),
    all: sorted(all),
    endedAtNs,
  };
}

/** Requests of one tenant end about in the order in which they arrived, so the search is short. */
function remove(times: number[], at: number): void {
  times.splice(times.indexOf(at), 1);
}

export const quantile = (sorted: Float64Array, p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
