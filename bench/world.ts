// The simulated world that the engine's benchmarks run: 100 tenants of the quickstart's models on one GPU.
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {arrivalSource, drawAll} from '../src/experiment/arrivals.ts';
import {arrivalsAtLoad} from '../src/experiment/load.ts';
import type {FixedArrivals} from '../src/experiment/arrivals.ts';
import {parseScenario} from '../src/experiment/scenario.ts';
import type {Scenario} from '../src/experiment/scenario.ts';
import {setUp} from '../src/experiment/workbench.ts';
import type {WorkbenchTenant} from '../src/experiment/workbench.ts';
import {parsePolicy} from '../src/policies/parse.ts';
import {CostTable} from '../src/profile/costTable.ts';
import type {CostModel} from '../src/profile/costModel.ts';
import {defaultSetup} from '../src/scheduler/policy.ts';
import type {Recorder} from '../src/scheduler/recorder.ts';
import {Scheduler} from '../src/scheduler/scheduler.ts';
import {SimulatedDevice} from '../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../src/sim/virtualClock.ts';
import {findModel} from '../src/workload/models/zoo.ts';
import {stream} from '../src/workload/random.ts';
import {analyticCosts} from './analyticCosts.ts';
import {root} from './root.ts';

/** Models and replicas in use where the quickstart scenario is not there. */
const mix = `
tenants:
  - {name: search, model: resnet-50, replicas: 40, slo: 50ms, arrivals: {process: poisson, rate: 10}}
  - {name: photos, model: resnet-18, replicas: 20, slo: 25ms, arrivals: {process: poisson, rate: 20}}
  - {name: mobile, model: mobilenet-v2, replicas: 20, slo: 50ms, arrivals: {process: poisson, rate: 10}}
  - {name: text, model: bert-base-128, replicas: 20, slo: 100ms, arrivals: {process: poisson, rate: 5}}
`;

/** The quickstart's tenants, replicated to `count`; the scenario's own proportions stay. */
export function quickstart(count: number): Scenario {
  const path = join(root, 'scenarios/quickstart.yaml');
  const scenario = existsSync(path)
    ? parseScenario(readFileSync(path, 'utf8'), 'quickstart.yaml')
    : parseScenario(mix, 'mix');
  const total = scenario.tenants.reduce((sum, {replicas}) => sum + replicas, 0);
  let given = 0;
  let counted = 0;
  const tenants = scenario.tenants.map((tenant) => {
    counted += tenant.replicas;
    const replicas = Math.max(1, Math.round((counted * count) / total) - given);
    given += replicas;
    return {...tenant, replicas};
  });
  return {...scenario, tenants};
}

export interface WorldOptions {
  /** As a scenario writes it, e.g. `ooo:lanes=4`. */
  readonly policy: string;
  readonly tenants: number;
  /** Offered load, or `saturated`: every tenant always has one request in the system. */
  readonly load: number | 'saturated';
  /** How many requests to draw. */
  readonly requests: number;
  readonly recorder: (world: {tenants: readonly WorkbenchTenant[]; scheduler: () => Scheduler}) => Recorder;
  /** Arrivals instead of drawn ones. */
  readonly arrivals?: FixedArrivals;
  readonly costs?: CostModel;
}

export interface World {
  readonly scheduler: Scheduler;
  readonly device: SimulatedDevice;
  readonly clock: VirtualClock;
  readonly tenants: readonly WorkbenchTenant[];
}

/** Sets up a run as `superkernel simulate` does, with host times and contention. */
export function makeWorld(options: WorldOptions): World {
  const scenario = quickstart(options.tenants);
  const {definition, parameters} = parsePolicy(options.policy);
  const policy = definition.create(parameters, {
    tenants: options.tenants,
    random: (name) => stream(1, `policy/${name}`),
  });
  const setup = {...defaultSetup, ...policy.setup};
  const costs = options.costs ?? (analyticCosts as CostModel);
  const maxSize = scenario['max-size'];
  const {tenants, classes, programs, groups, model} = setUp({
    scenario,
    models: new Map(scenario.tenants.map((tenant) => [tenant.model, findModel(tenant.model)])),
    grouping: setup.grouping,
    modelFor: (known) => new CostTable(costs, known, maxSize),
  });
  const clock = new VirtualClock();
  const device = new SimulatedDevice({
    clock,
    model,
    lanes: setup.lanes === 'per-tenant' ? tenants.length : setup.lanes,
    depth: setup.depth,
    sharing: {
      scheme: setup.sharing,
      sliceNs: 2e6,
      switchNs: 100_000,
      interference: 0.1,
      maxConcurrent: 128,
    },
    host: {threads: setup.host, detectNs: costs.detectNs, decideNs: costs.decideNs},
    gapNs: costs.gapNs,
  });
  let scheduler: Scheduler | undefined;
  const world = {tenants, scheduler: () => scheduler!};
  scheduler = new Scheduler({
    clock,
    device,
    policy,
    arrivals: arrivalsOf(options, tenants),
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    recorder: options.recorder(world),
    maxSize,
  });
  return {scheduler, device, clock, tenants};
}

function arrivalsOf({load, requests, arrivals}: WorldOptions, tenants: readonly WorkbenchTenant[]) {
  if (load === 'saturated') {
    const specs = tenants.map(() => ({process: 'saturated', outstanding: 1}) as const);
    return arrivalSource({at: new Float64Array(0), tenant: new Int32Array(0)}, tenants, specs, Infinity, '1');
  }
  const specs = arrivalsAtLoad(tenants, load);
  const rate = specs.reduce((sum, spec) => sum + ('rate' in spec ? spec.rate : 0), 0);
  const durationNs = Math.ceil((requests / rate) * 1e9);
  return arrivalSource(arrivals ?? drawAll(tenants, specs, durationNs, '1'), tenants, specs, durationNs, '1');
}
