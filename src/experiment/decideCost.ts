// What the host needs for one wake-up of the live scheduler: seeing a completion, deciding, recording.
import {StubDevice} from '../gpu/calibration/stubDevice.ts';
import {medianOf} from '../gpu/calibration/samples.ts';
import {WallClock} from '../gpu/wallClock.ts';
import {RunRecorder} from '../metrics/runRecorder.ts';
import type {DeviceProfile} from '../profile/profile.ts';
import {Scheduler} from '../scheduler/scheduler.ts';
import {parseScenario} from './scenario.ts';
import {prepareRun, superkernelLimit} from './simulate.ts';

/** As many tenants as the design aims at; each wake-up then sees one completion among many ready kernels. */
const scenario = `
duration: 10s
elementwise: false
memory: false
tenants:
  - {name: vision, model: resnet-18, replicas: 50, slo: 1s, arrivals: {process: saturated, outstanding: 1}}
  - {name: speech, model: lstm-1024, replicas: 50, slo: 1s, arrivals: {process: saturated, outstanding: 1}}
`;

/** A part of the run that compiles the code, and the slices that are measured after it. */
const usual = {warmUpNs: 300e6, slices: 15};
const sliceNs = 20e6;

/** Median host time in ns of one wake-up under a policy that coalesces. */
export async function measureDecide(
  profile: DeviceProfile,
  nowNs: () => number,
  {policy = 'ooo', warmUpNs = usual.warmUpNs, slices = usual.slices} = {},
): Promise<number> {
  const spec = {
    scenario: parseScenario(scenario, 'calibration'),
    policy,
    load: null,
    replication: 0,
    directory: '.',
  };
  const run = await prepareRun(spec, profile);
  const {tenants, classes, programs, groups, model} = run.workbench;
  const clock = new WallClock(nowNs);
  const device = new StubDevice(clock, run.lanes, run.setup.depth);
  const recorder = new RunRecorder({tenants, kernels: classes.kernels, lanes: run.lanes, window: run.window});
  const scheduler = new Scheduler({
    clock,
    device,
    policy: run.policy,
    arrivals: run.arrivals,
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    recorder,
    maxSize: superkernelLimit(spec.scenario, run.setup),
  });
  clock.restart();
  scheduler.run(warmUpNs);
  const costs: number[] = [];
  for (let i = 0; i < slices; i++) {
    const waits = device.waits;
    const begin = clock.now();
    scheduler.run(begin + sliceNs);
    costs.push((clock.now() - begin) / (device.waits - waits));
  }
  return medianOf(costs);
}
