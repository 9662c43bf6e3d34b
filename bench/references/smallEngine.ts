// The small model of workload.ts in our engine: the scheduler, the greedy policy and the simulated device themselves.
// usage: smallEngine FILE REQUESTS WARMUP_REQUESTS
import {parsePolicy} from '../../src/policies/parse.ts';
import {groupPerClass} from '../../src/scheduler/groups.ts';
import {KernelClasses, methods} from '../../src/scheduler/kernel.ts';
import type {Launch} from '../../src/scheduler/launch.ts';
import {Programs} from '../../src/scheduler/programs.ts';
import {Scheduler} from '../../src/scheduler/scheduler.ts';
import type {DeviceModel} from '../../src/sim/simulatedDevice.ts';
import {SimulatedDevice} from '../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../src/sim/virtualClock.ts';
import {ArrivalSource} from '../../src/workload/source.ts';
import {startWatch} from '../stopwatch.ts';
import type {SmallResult, SmallWorkload} from './workload.ts';
import {readSmallWorkload} from './workload.ts';

function simulate(workload: SmallWorkload, requests: number): SmallResult {
  const {kernelsPerRequest, maxSize, lanes, programs: sequences, durations} = workload;
  const classes = new KernelClasses();
  for (let m = 1; m <= workload.classes; m++) {
    classes.intern({op: 'gemm', m, n: 1, k: 1, count: 1, dtype: 'fp32'});
  }
  const batched = methods.indexOf('batched');
  const durationNs = (cls: number, size: number): number => durations[cls * (maxSize + 1) + size];
  const model: DeviceModel = {
    durationNs,
    bestMethod: () => batched,
    bestNs: durationNs,
    mixedNs: () => NaN,
    submitNs: () => 0,
    followNs: () => 0,
    smShare: () => 1,
    bandwidthShare: () => 0,
  };
  const programs = new Programs();
  const tenants = Array.from({length: workload.tenants}, (_, i) => {
    const sequence = sequences.subarray(i * kernelsPerRequest, (i + 1) * kernelsPerRequest);
    const start = programs.add(
      sequence,
      sequence.map((cls) => durationNs(cls, 1)),
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
    model,
    lanes,
    depth: 1,
    sharing: {scheme: 'dedicated', sliceNs: 0, switchNs: 0, interference: 0, maxConcurrent: lanes},
    host: {threads: 'shared', detectNs: 0, decideNs: 0},
    gapNs: 0,
  });
  let kernels = 0;
  let launches = 0;
  let completed = 0;
  let makespanNs = 0;
  let latencyNs = 0;
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
    costs: model,
    maxSize,
    recorder: {
      arrived() {},
      completed(_tenant, arrivalAt, _startedAt, at) {
        completed++;
        latencyNs += at - arrivalAt;
        makespanNs = at;
      },
      dropped() {},
      launched() {},
      finished({size}: Launch) {
        launches++;
        kernels += size;
      },
    },
  });
  scheduler.run();
  return {kernels, launches, completed, makespanNs, latencyNs};
}

const [path, requests, warmup] = process.argv.slice(2);
const workload = readSmallWorkload(path, Number(requests));
simulate(workload, Number(warmup));
const elapsed = startWatch();
const result = simulate(workload, Number(requests));
console.log(JSON.stringify({...result, ...elapsed()}));
