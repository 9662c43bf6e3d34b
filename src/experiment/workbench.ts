// From a scenario to what the scheduler runs: tenants, shape classes, programs, predicted costs.
import type {Groups} from '../scheduler/groups.ts';
import {groupPerClass} from '../scheduler/groups.ts';
import {KernelClasses, flopsOf} from '../scheduler/kernel.ts';
import type {Kernel} from '../scheduler/kernel.ts';
import type {PolicySetup} from '../scheduler/policy.ts';
import {Programs} from '../scheduler/programs.ts';
import type {Tenant} from '../scheduler/tenant.ts';
import type {Costs} from '../scheduler/costs.ts';
import {groupByCluster} from '../workload/clusters.ts';
import type {Model} from '../workload/models/layer.ts';
import {kernelsOf} from '../workload/models/kernels.ts';
import type {Scenario} from './scenario.ts';

export type ScenarioTenant = Scenario['tenants'][number];

/** A tenant of a run: a replica of a scenario entry. */
export interface WorkbenchTenant extends Tenant {
  /** The scenario's entry. */
  readonly entry: ScenarioTenant;
  /** Device time of one request alone, kernel by kernel, in ns. */
  readonly soloNs: number;
}

/** Everything of a scenario that does not depend on policy, load or seed. Costs are filled in as they are asked for. */
export interface Workbench {
  readonly scenario: Scenario;
  readonly tenants: readonly WorkbenchTenant[];
  readonly classes: KernelClasses;
  readonly programs: Programs;
  readonly model: Costs;
  readonly groups: Groups;
  /** Floating-point operations of a kernel, by class; classes may be added while a run forms batches. */
  flops(cls: number): number;
}

/** Options of `setUp`. */
export interface SetUpOptions {
  readonly scenario: Scenario;
  /** The models that the scenario names. */
  readonly models: ReadonlyMap<string, Model>;
  readonly grouping: PolicySetup['grouping'];
  /** Predicted costs of shape classes, as they are interned. */
  readonly modelFor: (classes: KernelClasses) => Costs;
}

export function setUp({scenario, models, grouping, modelFor}: SetUpOptions): Workbench {
  const classes = new KernelClasses();
  const programs = new Programs();
  const costs = modelFor(classes);
  const addProgram = (kernels: readonly Kernel[]): number => {
    const ids = kernels.map((kernel) => classes.intern(kernel));
    const last = ids.length - 1;
    return programs.add(
      ids,
      ids.map((cls, i) => costs.bestNs(cls, 1) + (i < last ? costs.stepGapNs : 0)),
    );
  };
  const programsOf = new Map<string, number>();
  const tenants = scenario.tenants.flatMap((entry, family) => {
    const model = models.get(entry.model)!;
    const program = (batch: number): number => {
      const inputs = batch * entry.batch;
      const key = `${entry.model}/${entry.dtype}/${inputs}`;
      let start = programsOf.get(key);
      if (start === undefined) {
        const {dtype} = entry;
        start = addProgram(kernelsOf(model, {batch: inputs, dtype, elementwise: scenario.elementwise}));
        programsOf.set(key, start);
      }
      return start;
    };
    return Array.from({length: entry.replicas}, (_, replica): WorkbenchTenant => ({
      name: entry.replicas === 1 ? entry.name : `${entry.name}/${replica}`,
      model: entry.model,
      family,
      entry,
      sloNs: entry.slo.latency,
      sloQuantile: entry.slo.quantile,
      weight: entry.weight,
      priority: entry.priority,
      program,
      soloNs: programs.remainingNs[program(1)],
    }));
  });
  const groups =
    grouping === 'cluster' ? groupByCluster(classes, scenario.padding) : groupPerClass(classes.size);
  return {
    scenario,
    tenants,
    classes,
    programs,
    model: costs,
    groups,
    flops: (cls) => flopsOf(classes.kernels[cls]),
  };
}
