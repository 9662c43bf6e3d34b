// The simulated world of the engine's benchmarks: tenants of the quickstart's kinds, any number of them, on one GPU.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {FixedArrivals} from '../src/experiment/arrivals.ts';
import {packageFolder} from '../src/experiment/build.ts';
import {readProfile} from '../src/experiment/profileFiles.ts';
import {simulatedGpu} from '../src/experiment/simulatedGpu.ts';
import {parseScenario} from '../src/experiment/scenario.ts';
import type {Scenario} from '../src/experiment/scenario.ts';
import {prepareRun} from '../src/experiment/simulate.ts';
import type {PreparedRun} from '../src/experiment/simulate.ts';
import type {Nanoseconds} from '../src/scheduler/clock.ts';
import type {Recorder} from '../src/scheduler/recorder.ts';
import {Scheduler} from '../src/scheduler/scheduler.ts';
import {SimulatedDevice} from '../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../src/sim/virtualClock.ts';

/** The quickstart's tenants, replicated to `count` in their own proportions. */
export function quickstart(count: number): Scenario {
  const name = 'scenarios/quickstart.yaml';
  const scenario = parseScenario(readFileSync(join(packageFolder, name), 'utf8'), name);
  const {tenants} = scenario;
  let given = 0;
  return {
    ...scenario,
    memory: false,
    tenants: tenants.map((tenant, i) => {
      const replicas = Math.round(((i + 1) * count) / tenants.length) - given;
      given += replicas;
      return {...tenant, replicas};
    }),
  };
}

export interface WorldOptions {
  readonly scenario: Scenario;
  /** As a scenario writes it, e.g. `ooo:lanes=4`. */
  readonly policy: string;
  /** Offered load, or null for the tenants' own arrivals. */
  readonly load: number | null;
  /** In which requests arrive. */
  readonly durationNs: Nanoseconds;
  readonly recorder: (run: PreparedRun) => Recorder;
  readonly arrivals?: FixedArrivals;
}

/** Sets up a run as `simulateRun` does, up to the loop that is measured. */
export async function makeWorld(options: WorldOptions): Promise<Scheduler> {
  const {scenario, policy, load, durationNs, arrivals} = options;
  const profile = readProfile(scenario.device);
  const spec = {scenario: {...scenario, duration: durationNs}, policy, load, replication: 0};
  const run = await prepareRun(
    {...spec, directory: packageFolder, ...(arrivals === undefined ? {} : {arrivals})},
    profile,
  );
  const {workbench} = run;
  const clock = new VirtualClock();
  const device = new SimulatedDevice({clock, ...simulatedGpu(run, scenario, profile)});
  return new Scheduler({
    clock,
    device,
    policy: run.policy,
    arrivals: run.arrivals,
    tenants: workbench.tenants,
    classes: workbench.classes,
    programs: workbench.programs,
    groups: workbench.groups,
    costs: workbench.model,
    recorder: options.recorder(run),
    maxSize: scenario['max-size'],
  });
}
