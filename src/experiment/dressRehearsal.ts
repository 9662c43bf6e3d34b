// A run's beginning on the device itself before the run, with arrivals of its own: what the simulated rehearsals cannot reach.
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
import {HostMeter} from './hostMeter.ts';
import {prepareRun} from './simulate.ts';
import type {RunSpec} from './simulate.ts';

/**
 * For so long requests arrive. On an H200, of 140,000 requests a second, the first ones of a run under `ooo` took the host ten times
 * as long as later ones, for 30 to 100 ms, though simulations had been rehearsed: V8 drops what it has compiled where a CUDA device
 * and a wall clock take the place of simulated ones.
 */
const arriveNs: Nanoseconds = 150e6;
/** They have so long to be answered, several times as long as on a device that keeps up; what is left then is dropped. */
const answerNs: Nanoseconds = 500e6;

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
  const other = {
    ...scenario,
    seed: `${scenario.seed}, rehearsed`,
    duration: Math.min(arriveNs, scenario.duration),
  };
  const {policy, arrivals} = await prepareRun({...spec, scenario: other}, profile);
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
  return async () => {
    clock.restart();
    meter.begin();
    try {
      scheduler.run(arriveNs + answerNs, shouldStop);
      device.settle();
      streams.clear();
    } finally {
      await meter.end();
    }
  };
}
