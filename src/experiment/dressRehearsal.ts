// A run's beginning on the device itself before the run, with arrivals of its own: what the simulated rehearsals cannot reach.
import {sum} from 'd3-array';
import type {CudaDevice} from '../gpu/cudaDevice.ts';
import type {WallClock} from '../gpu/wallClock.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Arrivals} from '../scheduler/arrivals.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import type {SchedulerOptions} from '../scheduler/scheduler.ts';
import type {Streams} from '../scheduler/streams.ts';
import {meanRate} from '../workload/arrivals/rate.ts';
import {HostMeter} from './hostMeter.ts';
import {arrivalsAtLoad} from './load.ts';
import {prepareRun} from './simulate.ts';
import type {PreparedRun, RunSpec} from './simulate.ts';

/**
 * For so long requests arrive. On an H200, of 140,000 requests a second, the first ones of a run under `ooo` took the host ten times
 * as long as later ones, for 30 to 100 ms, though simulations had been rehearsed: V8 drops what it has compiled where a CUDA device
 * and a wall clock take the place of simulated ones.
 */
const arriveNs: Nanoseconds = 150e6;
/** They have so long to be answered, several times as long as on a device that keeps up; what is left then is dropped. */
const answerNs: Nanoseconds = 500e6;
/**
 * Where fewer requests come in that time than this, as many come before, in as long: of 1,740 a second the first half second of a
 * run took the host twice as long as later ones, as V8 compiles what it has met some thousand times.
 */
const fewestRequests = 2000;

/** What the rehearsal's scheduler and the run's own have in common: the device, and its streams. */
type Shared = Omit<SchedulerOptions, 'policy' | 'arrivals' | 'recorder'> & {
  readonly clock: WallClock;
  readonly device: CudaDevice;
  readonly streams: Streams;
};

export interface DressRehearsalOptions {
  readonly shared: Shared;
  readonly spec: RunSpec;
  /** What the run was prepared with. */
  readonly profile: DeviceProfile;
  /** Of all hosts of the run. */
  readonly lanes: number;
  /** The part of all arrivals that this host serves. */
  readonly served: (arrivals: Arrivals) => Arrivals;
  readonly shouldStop: () => boolean;
}

/**
 * Attaches the device, which takes seconds, and returns what runs a spec on it for a moment, with a policy and a recorder
 * of its own. Nothing is in flight afterwards, and the run's own scheduler can be attached.
 */
export async function dressRehearsal(options: DressRehearsalOptions): Promise<() => Promise<void>> {
  const {shared, spec, profile, lanes, served, shouldStop} = options;
  const {clock, device, streams} = shared;
  const {scenario} = spec;
  const rehearsed = {
    ...spec,
    scenario: {
      ...scenario,
      seed: `${scenario.seed}, rehearsed`,
      duration: Math.min(arriveNs, scenario.duration),
    },
  };
  const usual = await prepareRun(rehearsed, profile);
  const runs = [usual];
  const {load, workbench} = usual;
  // A trace comes as it is, and closed loops ask as soon as they may.
  if (load !== null && load > 0) {
    const perSecond = sum(arrivalsAtLoad(workbench.tenants, load), (arrivals) => meanRate(arrivals) ?? 0);
    const requests = perSecond * (rehearsed.scenario.duration / 1e9);
    const {arrivals: _, ...drawn} = rehearsed;
    if (requests < fewestRequests)
      runs.unshift(await prepareRun({...drawn, load: (fewestRequests / requests) * load}, profile));
  }
  const onStage = ({policy, arrivals}: PreparedRun): {scheduler: Scheduler; meter: HostMeter} => {
    const meter = new HostMeter(clock);
    const recorder = new RunRecorder({
      tenants: shared.tenants,
      kernels: shared.classes.kernels,
      lanes,
      window: {startNs: 0, endNs: arriveNs},
    });
    const scheduler = new Scheduler({
      ...shared,
      policy: meter.timed(policy),
      arrivals: served(arrivals),
      recorder: recordBoth(meter, recorder),
    });
    return {scheduler, meter};
  };
  let next = onStage(runs[0]);
  return async () => {
    for (const [i, run] of runs.entries()) {
      if (i > 0) next = onStage(run);
      const {scheduler, meter} = next;
      clock.restart();
      meter.begin();
      try {
        // Of more than usual, what matters is how often code runs, not that all are answered.
        const limitNs = i + 1 < runs.length ? 2 * arriveNs : arriveNs + answerNs;
        if (!shouldStop()) scheduler.run(limitNs, shouldStop);
        device.settle();
        streams.clear();
      } finally {
        await meter.end();
      }
    }
  };
}
