// What runs often gets compiled, and is slow until then: a live run's first hundreds of decisions would take several times as
// long as those behind them.
import type {DeviceProfile} from '../profile/profile.ts';
import {SuperkernelError} from '../scheduler/errors.ts';
import {simulateRun} from './simulate.ts';
import type {RunSpec} from './simulate.ts';

/** Host time of a rehearsal, in ms. */
const longestMs = 100;

/** The first ones take tens of microseconds. */
const decisionsPerLook = 64;

/**
 * Simulates the beginning of a run in this thread, with a policy, arrivals and recorder of its own, so that the code of
 * scheduler and policy is compiled when the run begins. Touches neither the GPU nor the run, and ends early where
 * `shouldStop` says so.
 */
export async function rehearse(
  spec: RunSpec,
  profile: DeviceProfile,
  shouldStop: () => boolean = () => false,
): Promise<void> {
  let until = 0;
  const isOver = (): boolean => {
    const now = performance.now();
    // Time counts from the first decisions on, not from when the run is prepared.
    if (until === 0) until = now + longestMs;
    return now >= until || shouldStop();
  };
  if (shouldStop()) return;
  try {
    await simulateRun(spec, {profile, decisionsPerLook, shouldStop: isOver});
  } catch (error) {
    // What is wrong with the run, the run tells.
    if (!(error instanceof SuperkernelError)) throw error;
  }
}
