// node dist/bench/decisions.js [--device NAME|FILE] [--policy P]... [--load 0.05,0.8] [--tenants 100 | --mix NAME]
//   [--duration 3s] [--seed S] [--rehearse] [--slowest N]: what a decision costs the host, without a GPU.
//
// A simulated device in real time: the scheduler runs on the wall clock, submissions take as long as the profile says and
// go through as much memory as a nearest cache holds, completions come when they are due. So decisions are as far apart as
// they are live, and meet caches as cold. The tenants are those of bench/live, or a mix of bench/policies. `--rehearse`
// rehearses the run first, as live runs do; `--slowest` names what was called in the slowest decisions, which makes them
// slower. A neighbour on the machine shows in the largest numbers: repeat, and compare in turns.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {readProfile} from '../src/experiment/profileFiles.ts';
import {rehearse} from '../src/experiment/rehearsal.ts';
import {parseScenario} from '../src/experiment/scenario.ts';
import type {Scenario} from '../src/experiment/scenario.ts';
import {prepareRun, superkernelLimit} from '../src/experiment/simulate.ts';
import {simulatedGpu} from '../src/experiment/simulatedGpu.ts';
import {WallClock} from '../src/gpu/wallClock.ts';
import {RunRecorder} from '../src/metrics/runRecorder.ts';
import {duration} from '../src/policies/duration.ts';
import {Scheduler} from '../src/scheduler/scheduler.ts';
import {SimulatedDevice} from '../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../src/sim/virtualClock.ts';
import {PacedDevice} from './decisions/pacedDevice.ts';
import {Profiler} from './decisions/profiler.ts';
import {makeMixes} from './policies/mixes.ts';
import {formatTable} from './table.ts';

const {values} = parseArgs({
  options: {
    device: {type: 'string', default: 'calibration/h200.json'},
    policy: {type: 'string', multiple: true, default: ['ooo', 'greedy', 'streams:host-threads=shared']},
    load: {type: 'string', default: '0.05,0.8'},
    tenants: {type: 'string', default: '100'},
    duration: {type: 'string', default: '3s'},
    seed: {type: 'string', default: 'decisions'},
    slowest: {type: 'string', default: '0'},
    mix: {type: 'string'},
    // What happens before does not count: until the code is compiled.
    warmup: {type: 'string', default: '500ms'},
    rehearse: {type: 'boolean', default: false},
  },
});

const profile = readProfile(values.device);
const slowest = Number(values.slowest);

interface Slow {
  readonly ns: number;
  readonly atNs: number;
  readonly parts: string;
}

interface Times {
  readonly decide: number[];
  readonly wakeUps: number[];
  readonly slow: Slow[];
  readonly launches: number;
  readonly requests: number;
}

/** The tenants of bench/live. */
function manyTenants(): Scenario {
  const models = ['resnet-18', 'mobilenet-v2', 'bert-base-128', 'lstm-1024'];
  const replicas = Math.round(Number(values.tenants) / models.length);
  const arrivals = {process: 'poisson', rate: 2};
  const tenants = models.map((model) => ({name: model, model, replicas, slo: '100ms', arrivals}));
  return parseScenario(JSON.stringify({memory: false, tenants}), 'bench');
}

function readScenario(folder: string): Scenario {
  const {mix} = values;
  const mixes = makeMixes(folder);
  const scenario = mix === undefined ? manyTenants() : mixes.find(({name}) => name === mix)?.scenario;
  if (scenario === undefined)
    throw new Error(`unknown mix: ${mix} (known: ${mixes.map(({name}) => name).join('; ')})`);
  return {
    ...scenario,
    seed: values.seed,
    duration: duration.parse(values.duration),
    warmup: duration.parse(values.warmup),
  };
}

async function measure(scenario: Scenario, policyText: string, load: number): Promise<Times> {
  const spec = {scenario, policy: policyText, load, replication: 0, directory: '.'};
  if (values.rehearse) await rehearse(spec, profile);
  const run = await prepareRun(spec, profile);
  const {workbench, policy, setup} = run;
  const {tenants, classes, programs, groups, model} = workbench;
  const metrics = new RunRecorder({tenants, kernels: classes.kernels, lanes: run.lanes, window: run.window});
  const gpu = simulatedGpu(run, scenario, profile);
  const virtual = new VirtualClock();
  const simulated = new SimulatedDevice({
    clock: virtual,
    ...gpu,
    host: {...gpu.host, decideNs: 0, decideLaunchNs: 0, decideMemberNs: 0},
  });
  const clock = new WallClock();
  const now = (): number => clock.now();
  const from = run.window.startNs;
  const decide: number[] = [];
  const wakeUps: number[] = [];
  const slow: Slow[] = [];
  const device = new PacedDevice(simulated, virtual, now, (ns) => {
    if (device.wokenAt >= from) wakeUps.push(ns);
  });
  let profiler: Profiler | undefined;
  const original = policy.decide.bind(policy);
  // The policy itself, so that its shape is the one that it has otherwise.
  policy.decide = (situation) => {
    profiler?.start();
    const before = device.submittingNs;
    const begin = now();
    original(situation);
    const ns = now() - begin - (device.submittingNs - before);
    if (begin < from) return;
    decide.push(ns);
    if (profiler === undefined || (slow.length >= slowest && ns <= slow[slowest - 1].ns)) return;
    slow.push({ns, atNs: begin, parts: profiler.describe()});
    slow.sort((a, b) => b.ns - a.ns);
    slow.length = Math.min(slow.length, slowest);
  };
  const scheduler = new Scheduler({
    clock,
    device,
    policy,
    arrivals: run.arrivals,
    tenants,
    classes,
    programs,
    groups,
    costs: model,
    recorder: metrics,
    maxSize: superkernelLimit(scenario, setup),
    decisionsPerLook: 1,
  });
  if (slowest > 0) profiler = new Profiler(policy, () => clock.now() - device.submittingNs);
  clock.restart();
  scheduler.run(run.limitNs);
  const requests = metrics.counts.reduce((sum, {completed}) => sum + completed, 0);
  return {decide, wakeUps, slow, launches: metrics.launches, requests};
}

const us = (ns: number): string => (ns / 1e3).toFixed(2);

function quantiles(of: readonly number[]): string[] {
  const sorted = Float64Array.from(of).sort();
  const at = (p: number): string => us(sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]);
  return [at(0.5), at(0.9), at(0.99), at(0.999), us(of.reduce((sum, ns) => sum + ns, 0) / of.length)];
}

const rows: string[][] = [];
const notes: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'decisions-'));
try {
  const scenario = readScenario(folder);
  for (const load of values.load.split(',').map(Number)) {
    for (const policy of values.policy) {
      const {decide, wakeUps, slow, launches, requests} = await measure(scenario, policy, load);
      const counts = [requests, launches, decide.length].map(String);
      rows.push([policy, String(load), ...counts, ...quantiles(decide), ...quantiles(wakeUps)]);
      for (const {ns, atNs, parts} of slow)
        notes.push(`${policy} at load ${load}: ${us(ns)} us at ${(atNs / 1e6).toFixed(1)} ms: ${parts}`);
    }
  }
} finally {
  rmSync(folder, {recursive: true});
}
const spread = ['p50', 'p90', 'p99', 'p99.9', 'mean'];
console.log(
  formatTable(
    ['us', 'load', 'requests', 'launches', 'decisions', ...spread, 'wake-up p50', ...spread.slice(1)],
    rows,
  ),
);
for (const note of notes) console.log(note);
