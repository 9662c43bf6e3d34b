import {join} from 'node:path';
import type {RunSummary} from '../../metrics/result.ts';
import type {DeviceProfile} from '../../profile/profile.ts';
import {NoDeviceError, SuperkernelError} from '../../scheduler/errors.ts';
import {findModel} from '../../workload/models/zoo.ts';
import {macsOf} from '../../workload/models/size.ts';
import {packageFolder} from '../build.ts';
import {memoryNeed} from '../memory.ts';
import {scenarioSchema} from '../scenario.ts';
import type {Scenario} from '../scenario.ts';
import {CannotRunError} from '../simulate.ts';
import type {RunSpec} from '../simulate.ts';
import type {WorkbenchTenant} from '../workbench.ts';
import {withKernel} from './kernelChoice.ts';
import {gemmPolicies, kernelsOfTenant, largestLaunch, modelPolicy} from './schemes.ts';
import type {
  BatchTiming,
  KernelChoice,
  MemoryUse,
  Replicas,
  Saturated,
  Source,
  Throughput,
} from './source.ts';

/** How long a run is: measuring starts after `warmup`. Durations with units. */
export interface Window {
  readonly warmup: string;
  readonly duration: string;
}

export interface RunSourceOptions {
  readonly label: string;
  readonly profile: DeviceProfile;
  /** Makes a run; null where it cannot be known. */
  readonly run: (spec: RunSpec, profile: DeviceProfile) => Promise<RunSummary | null>;
  readonly isLive?: boolean;
  /** Most processes or threads that submit beside each other. */
  readonly mostHosts?: number;
  /** Windows for GEMMs of microseconds, and for models of milliseconds. */
  readonly gemmWindow: Window;
  readonly modelWindow: Window;
  /** Settings of the scenario that differ from the papers' protocol. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly kernels?: () => KernelChoice[];
  /** Told of a run that failed, which then counts as one that cannot be known; without it the failure is thrown. */
  readonly onFailure?: (sentence: string) => void;
}

/** Answers by running scenarios: the same ones, whether in simulation or on a GPU. */
export class RunSource implements Source {
  readonly label: string;
  readonly profile: DeviceProfile;
  readonly peakFlops: number;
  readonly isLive: boolean;
  readonly kernels: () => KernelChoice[];
  private readonly options: RunSourceOptions;
  /** FLOP/s by run: schemes share policies. */
  private readonly saturatedRuns = new Map<string, number | null>();

  constructor(options: RunSourceOptions) {
    const {label, profile, isLive = false, kernels = () => []} = options;
    this.label = label;
    this.profile = profile;
    this.peakFlops = (profile.hardware.peak_tflops.fp32?.value ?? NaN) * 1e12;
    this.isLive = isLive;
    this.kernels = kernels;
    this.options = options;
  }

  async saturated({shape, tenants, scheme, kernel}: Saturated): Promise<Throughput | null> {
    const name = `gemm-${shape.m}x${shape.n}x${shape.k}`;
    const scenario = this.scenario({
      ...this.options.gemmWindow,
      // Operands of all tenants fit, and the papers go to 120 tenants, whose contexts would not.
      memory: false,
      elementwise: false,
      'max-size': largestLaunch(scheme, tenants),
      models: {[name]: `${name}.csv`},
      tenants: [
        {...tenantsOf(name, tenants), arrivals: {process: 'saturated', outstanding: kernelsOfTenant}},
      ],
      // Kernels are tuned by their own time, as the papers' script does.
      ...(kernel === undefined ? {} : {'own-host': false}),
    });
    const profile = kernel === undefined ? this.profile : withKernel(this.profile, kernel);
    let best: Throughput | null = null;
    for (const policy of gemmPolicies(scheme, tenants, this.options.mostHosts)) {
      const key = JSON.stringify([shape, tenants, policy, kernel]);
      let flops = this.saturatedRuns.get(key);
      if (flops === undefined) {
        const summary = await this.attempt({...atOwnRates, scenario, policy}, profile);
        this.saturatedRuns.set(key, (flops = summary?.useful_flops_per_s ?? null));
      }
      if (flops !== null && flops > (best?.flops ?? 0)) best = {flops, policy};
    }
    return best;
  }

  async replicas({model, count, scheme, draw}: Replicas): Promise<number[] | null> {
    const scenario = this.scenario({...this.options.modelWindow, tenants: [tenantsOf(model, count)]});
    const policy = modelPolicy(scheme, count);
    const summary = await this.attempt({...atOwnRates, scenario, policy, replication: draw}, this.profile);
    const latencies = (summary?.tenants ?? []).map((tenant) => tenant.latency_mean_ns);
    return latencies.length === 0 || latencies.includes(null) ? null : (latencies as number[]);
  }

  async batchLatency({model, batch}: {model: string; batch: number}): Promise<BatchTiming | null> {
    const {modelWindow} = this.options;
    const scenario = this.scenario({...modelWindow, tenants: [{...tenantsOf(model, 1), batch}]});
    const summary = await this.attempt({...atOwnRates, scenario, policy: 'exclusive'}, this.profile);
    const latencyNs = summary?.latency_mean_ns ?? null;
    return latencyNs === null ? null : {latencyNs, flops: 2 * macsOf(findModel(model), batch)};
  }

  memoryUse({model, count, scheme}: Omit<Replicas, 'draw'>): MemoryUse {
    const {sharing, hardware} = this.profile;
    const [entry] = this.scenario({tenants: [tenantsOf(model, count)]}).tenants;
    // Of a tenant only its entry in the scenario matters here.
    const tenants = Array.from({length: count}, () => ({entry}) as WorkbenchTenant);
    const contexts = scheme === 'mps' ? 'mps' : scheme === 'time' ? 'time-slice' : 'one-context';
    const models = new Map([[model, findModel(model)]]);
    const {total} = memoryNeed(tenants, models, contexts, sharing.context_bytes.value);
    return {total, capacity: hardware.memory_bytes.value};
  }

  notes(): string[] {
    return [];
  }

  private scenario(settings: Readonly<Record<string, unknown>>): Scenario {
    return scenarioSchema.parse({...settings, device: this.profile.name, ...this.options.settings});
  }

  /** Null where the policy cannot run the scenario at all. */
  private async attempt(spec: RunSpec, profile: DeviceProfile): Promise<RunSummary | null> {
    try {
      return await this.options.run(spec, profile);
    } catch (error) {
      if (error instanceof CannotRunError) return null;
      const {onFailure} = this.options;
      if (onFailure === undefined || !(error instanceof SuperkernelError)) throw error;
      if (error instanceof NoDeviceError) throw error;
      onFailure(`${spec.policy}: ${error.message}`);
      return null;
    }
  }
}

/** The shapes as model files, found from src/ and from dist/ alike. */
const shapesFolder = join(packageFolder, 'src', 'experiment', 'figures', 'shapes');

const atOwnRates = {load: null, replication: 0, directory: shapesFolder};

/** An SLO that nothing misses: the papers measure how fast, not whether in time. */
const patience = '100s';

const tenantsOf = (model: string, replicas: number) => ({
  name: 'tenant',
  model,
  replicas,
  slo: patience,
  arrivals: {process: 'saturated'},
});
