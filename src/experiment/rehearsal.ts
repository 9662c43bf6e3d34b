// What runs often gets compiled, and is slow until then: a live run's first hundreds of decisions would take several times as
// long as those behind them.
import type {DeviceProfile} from '../profile/profile.ts';
import type {Nanoseconds} from '../scheduler/clock.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import {HostMeter} from './hostMeter.ts';
import {prepareRun, simulateRun} from './simulate.ts';
import type {PreparedRun, RunSpec} from './simulate.ts';

/**
 * Host time of a rehearsal, in ms, and of a first one, in which fields need only to have held what they will. After 100 ms
 * V8 had yet to compile much of `ooo`; 500 ms did no better on an H200.
 */
const longestMs = 250;
const firstMs = 50;

/** The first ones take tens of microseconds. */
const decisionsPerLook = 64;

/**
 * Prepares a run whose objects the rehearsal will find as it knows them: V8 compiles for the kinds of values that fields
 * have held, so one rehearsal comes before any of them is made.
 */
export async function prepareRehearsed(
  spec: RunSpec,
  profile: DeviceProfile,
  shouldStop?: () => boolean,
): Promise<PreparedRun> {
  await rehearse(spec, profile, shouldStop, firstMs);
  return prepareRun(spec, profile);
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
  ms = longestMs,
): Promise<void> {
  let until = 0;
  const isOver = (): boolean => {
    const now = performance.now();
    // Time counts from the first decisions on, not from when the run is prepared.
    if (until === 0) until = now + ms;
    return now >= until || shouldStop();
  };
  if (shouldStop()) return;
  let now = (): Nanoseconds => 0;
  // The run's policy is metered, too.
  const meter = new HostMeter(() => now());
  try {
    await simulateRun(spec, {
      profile,
      decisionsPerLook,
      shouldStop: isOver,
      recorder: meter,
      around(policy, clock) {
        now = () => clock.now();
        return meter.timed(policy);
      },
    });
  } catch (error) {
    // What is wrong with the run, the run tells.
    if (!(error instanceof SuperkernelError)) throw error;
  } finally {
    await meter.end();
  }
}
