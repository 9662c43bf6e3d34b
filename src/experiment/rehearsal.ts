// What runs often gets compiled, and is slow until then: a live run's first hundreds of decisions would take several times as
// long as those behind them.
import type {DeviceProfile} from '../profile/profile.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {loadAddon} from '../gpu/cuda.ts';
import {WallClock, hostNanoseconds} from '../gpu/wallClock.ts';
import type {MonotonicSource} from '../gpu/wallClock.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import {recordBoth} from '../scheduler/recorder.ts';
import type {Recorder} from '../scheduler/recorder.ts';
import {HostMeter} from './hostMeter.ts';
import {keepCompiledCode} from './quietV8.ts';
import {prepareRun, simulateRun} from './simulate.ts';
import type {PreparedRun, RunSpec} from './simulate.ts';

/**
 * Host time of the rehearsals, in ms: of a first one, after which fields have held what they will; of one with far more requests than
 * can be served, in which arrays grow and queues are long; and of the last one, before the dress rehearsal. With 100 ms in all V8 had
 * yet to compile much of `ooo`.
 */
const [firstMs, crowdedMs, lastMs] = [100, 50, 100];
/** So many times the load is more than can be served; its arrivals are made before it begins, so that it is a short run. */
const crowdedTimes = 20;
const crowdedNs: Nanoseconds = 100e6;
/**
 * With this part of their SLO most are late, what policies do with late requests is compiled, and queues are swept. Without it a run
 * that fell behind for a moment met code that it had not run before: V8 dropped 18 to 22 functions that it had compiled instead of 7, and
 * launches took 24 us of a simulation instead of 14 for 30 ms. On an H200 one of 512x1x512 at 154,000 requests a second needed 75 us a
 * launch, could not keep up, and was behind for 30 ms.
 */
const crowdedSlo = 0.03;

const unheard: Recorder = {
  arrived: () => {},
  completed: () => {},
  dropped: () => {},
  launched: () => {},
  finished: () => {},
};

/** The first ones take tens of microseconds. */
const decisionsPerLook = 64;

/**
 * Prepares a run whose objects the last rehearsal will find as it knows them: V8 compiles for the kinds of values that fields
 * have held, and drops what it has compiled where others come, so most is rehearsed before any of them is made.
 */
export async function prepareRehearsed(
  spec: RunSpec,
  profile: DeviceProfile,
  shouldStop?: () => boolean,
): Promise<PreparedRun> {
  keepCompiledCode();
  const source = loadAddon().nowNs;
  await rehearse(spec, profile, shouldStop, source, firstMs);
  await rehearse(crowded(spec), profile, shouldStop, source, crowdedMs);
  return prepareRun(spec, profile);
}

/** The run with far more requests than can be served, most of which are late, and short. */
export function crowded(spec: RunSpec): RunSpec {
  const {scenario, load} = spec;
  const duration = Math.min(crowdedNs, scenario.duration);
  const tenants = scenario.tenants.map((tenant) => {
    const {latency, quantile} = tenant.slo;
    return {...tenant, slo: {latency: Math.ceil(latency * crowdedSlo), quantile}};
  });
  return {...spec, load: crowdedTimes * (load ?? 1), scenario: {...scenario, tenants, duration, warmup: 0}};
}

/**
 * Simulates the beginning of a run in this thread, with a policy, arrivals and recorder of its own, so that the code of
 * scheduler and policy is compiled when the run begins. Touches neither the GPU nor the run, and ends early where
 * `shouldStop` says so.
 */
export async function rehearse(
  spec: RunSpec,
  profile: DeviceProfile,
  shouldStop: () => boolean = () => false,
  source: MonotonicSource = hostNanoseconds,
  ms = lastMs,
): Promise<void> {
  let until = 0;
  const isOver = (): boolean => {
    const now = performance.now();
    // Time counts from the first decisions on, not from when the run is prepared.
    if (until === 0) until = now + ms;
    return now >= until || shouldStop();
  };
  if (shouldStop()) return;
  // As the run's: its policy is metered too, by a clock of this kind.
  const meter = new HostMeter(new WallClock(source));
  meter.begin();
  try {
    await simulateRun(spec, {
      profile,
      decisionsPerLook,
      shouldStop: isOver,
      // As a live run has it, with somebody else who is told.
      recorder: recordBoth(meter, unheard),
      around: (policy) => meter.timed(policy),
    });
  } catch (error) {
    // What is wrong with the run, the run tells.
    if (!(error instanceof SuperkernelError)) throw error;
  } finally {
    await meter.end();
  }
}
