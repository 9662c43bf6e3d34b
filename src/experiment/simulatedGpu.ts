import {sharingTermsOf} from '../profile/contention.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import type {Costs} from '../scheduler/costs.ts';
import type {SimulatedDeviceOptions} from '../sim/simulatedDevice.ts';
import type {Scenario} from './scenario.ts';
import type {PreparedRun} from './simulate.ts';

/** The GPU and host of a run as its profile has them: all that a simulated device takes but its clock and its spread. */
export function simulatedGpu(
  {workbench, policy, setup, costs, lanes}: PreparedRun,
  scenario: Scenario,
  profile: DeviceProfile,
): Omit<SimulatedDeviceOptions, 'clock'> {
  const {sharing, contention} = profile;
  const {interference, crowding, crowdedInterference, mixing} = sharingTermsOf(profile);
  const ownHost = scenario['own-host'];
  return {
    model: ownHost ? workbench.model : withoutHost(workbench.model),
    lanes,
    depth: setup.depth,
    sharing: {
      scheme: setup.sharing,
      sliceNs: sharing.time_slice_ns.value,
      switchNs: sharing.switch_ns.value,
      yieldNs: (sharing.yield_ns ?? sharing.switch_ns).value,
      interference: scenario.contention ? interference : 0,
      crowding,
      crowdedInterference: scenario.contention ? crowdedInterference : 0,
      mixing,
      maxConcurrent: contention.max_concurrent.value,
    },
    host: {
      threads: setup.host,
      detectNs: ownHost ? costs.detectNs : 0,
      decideNs: ownHost ? costs.decideNs(policy.name) : 0,
      decideLaunchNs: ownHost ? costs.decideLaunchNs(policy.name) : 0,
      decideMemberNs: ownHost ? costs.decideMemberNs(policy.name) : 0,
    },
    gapNs: costs.gapNs,
    pointerCopyNs: costs.pointerCopyNs,
    startIntervalNs: costs.startIntervalNs,
  };
}

function withoutHost(model: Costs): Costs {
  return {
    durationNs: (cls, size, method) => model.durationNs(cls, size, method),
    bestMethod: (cls, size) => model.bestMethod(cls, size),
    bestNs: (cls, size) => model.bestNs(cls, size),
    mixedNs: (classes, size) => model.mixedNs(classes, size),
    submitNs: () => 0,
    followNs: () => 0,
    launchNs: 0,
    memberNs: 0,
    stepGapNs: model.stepGapNs,
    sharing: model.sharing,
    smShare: (cls, size, method) => model.smShare(cls, size, method),
    bandwidthShare: (cls, size, method) => model.bandwidthShare(cls, size, method),
    exposure: (cls, size, method) => model.exposure(cls, size, method),
    pressure: (cls, size, method) => model.pressure(cls, size, method),
  };
}
