// The small model of workload.ts in our engine: the scheduler, the greedy policy and the simulated device themselves.
// usage: smallEngine FILE REQUESTS WARMUP_REQUESTS
import {parsePolicy} from '../../src/policies/parse.ts';
import type {Costs} from '../../src/scheduler/costs.ts';
import {groupPerClass} from '../../src/scheduler/groups.ts';
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Launch} from '../../src/scheduler/launch.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import type {Recorder} from '../../src/scheduler/recorder.ts';
import {Scheduler} from '../../src/scheduler/scheduler.ts';
import {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../src/sim/virtualClock.ts';
import {ArrivalSource} from '../../src/workload/source.ts';
import {startWatch} from '../stopwatch.ts';
import type {SmallResult, SmallWorkload} from './workload.ts';
import {readSmallWorkload} from './workload.ts';

const BATCHED = methods.indexOf('batched');

// Classes, as in the engine, and not objects of functions: V8 would compile what calls those anew in every simulation.

/** The model's costs: a table of durations, and nothing else costs time. */
class SmallCosts implements Costs {
  private readonly durations: Float64Array;
  private readonly width: number;

  constructor({durations, maxSize}: SmallWorkload) {
    this.durations = durations;
    this.width = maxSize + 1;
  }

  durationNs(cls: number, size: number): number {
    return this.durations[cls * this.width + size];
  }

  bestMethod(): number {
    return BATCHED;
  }

  bestNs(cls: number, size: number): number {
    return this.durationNs(cls, size);
  }

  mixedNs(): number {
    return NaN;
  }

  submitNs(): number {
    return 0;
  }

  followNs(): number {
    return 0;
  }

  readonly stepGapNs = 0;
  readonly launchNs = 0;
  readonly memberNs = 0;
  readonly sharing = {interference: 0, crowding: 0, crowdedInterference: 0, mixing: 0, coalesced: 1};

  smShare(): number {
    return 1;
  }

  bandwidthShare(): number {
    return 0;
  }

  exposure(): number {
    return 1;
  }

  pressure(): number {
    return 1;
  }
}

/** Counts what the model reports. */
class SmallRecorder implements Recorder {
  kernels = 0;
  launches = 0;
  completions = 0;
  makespanNs = 0;
  latencyNs = 0;

  arrived(): void {}

  completed(_tenant: number, arrivalAt: number, _startedAt: number, at: number): void {
    this.completions++;
    this.latencyNs += at - arrivalAt;
    this.makespanNs = at;
  }

  dropped(): void {}

  launched(): void {}

  finished({size}: Launch): void {
    this.launches++;
    this.kernels += size;
  }
}

function simulate(workload: SmallWorkload, requests: number): SmallResult {
  const {kernelsPerRequest, maxSize, lanes, programs: sequences} = workload;
  const classes = new KernelClasses();
  for (let m = 1; m <= workload.classes; m++) {
    classes.intern({op: 'gemm', m, n: 1, k: 1, count: 1, dtype: 'fp32'});
  }
  const costs = new SmallCosts(workload);
  const programs = new Programs();
  const tenants = Array.from({length: workload.tenants}, (_, i) => {
    const sequence = Int32Array.from(sequences.subarray(i * kernelsPerRequest, (i + 1) * kernelsPerRequest));
    const start = programs.add(
      sequence,
      Float64Array.from(sequence, (cls) => costs.durationNs(cls, 1)),
    );
    return {
      name: `tenant${i}`,
      model: 'small',
      family: i,
      sloNs: 1e9,
      sloQuantile: 0.99,
      weight: 1,
      priority: 0,
      program: () => start,
    };
  });
  const {definition, parameters} = parsePolicy(`greedy:lanes=${lanes},max-size=${maxSize}`);
  const policy = definition.create(parameters, {random: () => () => 0, tenants: tenants.length});
  const clock = new VirtualClock();
  const device = new SimulatedDevice({
    clock,
    model: costs,
    lanes,
    depth: 1,
    sharing: {
      scheme: 'dedicated',
      sliceNs: 0,
      switchNs: 0,
      yieldNs: 0,
      interference: 0,
      crowding: 0,
      crowdedInterference: 0,
      mixing: 0,
      maxConcurrent: lanes,
    },
    host: {threads: 'shared', detectNs: 0, decideNs: 0, decideMemberNs: 0},
    gapNs: 0,
  });
  const recorder = new SmallRecorder();
  const scheduler = new Scheduler({
    clock,
    device,
    policy,
    arrivals: new ArrivalSource(
      workload.arrivalAt.subarray(0, requests),
      Int32Array.from(workload.arrivalTenant.subarray(0, requests)),
    ),
    tenants,
    classes,
    programs,
    groups: groupPerClass(classes.size),
    costs,
    maxSize,
    recorder,
  });
  scheduler.run();
  const {kernels, launches, completions, makespanNs, latencyNs} = recorder;
  return {kernels, launches, completed: completions, makespanNs, latencyNs};
}

const [path, requests, warmup] = process.argv.slice(2);
const workload = readSmallWorkload(path, Number(requests));
// Twice, so that what differs between two simulations is compiled for as well.
for (let i = 0; i < 2; i++) simulate(workload, Number(warmup));
const elapsed = startWatch();
const result = simulate(workload, Number(requests));
console.log(JSON.stringify({...result, ...elapsed()}));
