// node dist/bench/live.js [--profile NAME|FILE] [--policy P]... [--load 0.8] [--tenants 100] [--duration 3s] [--tiny]
//   [--json FILE]: what the host costs in live runs, on this machine's GPU.
//
// Three things: the time to decide with many tenants, the round trip of a launch in JavaScript against the addon's C++
// loop, and the time to submit by method and size. `--tiny` runs shapes that a stand-in for CUDA can compute.
import {writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import type {HostTimes} from '../src/experiment/hostMeter.ts';
import {liveRun} from '../src/experiment/live.ts';
import {readProfile} from '../src/experiment/profileFiles.ts';
import {parseScenario} from '../src/experiment/scenario.ts';
import {dataTypeCode, loadAddon, openContext, requireDevice} from '../src/gpu/cuda.ts';
import type {CudaContext} from '../src/gpu/cuda.ts';
import {following} from '../src/gpu/ticket.ts';

const {values} = parseArgs({
  options: {
    profile: {type: 'string', default: 'v100'},
    policy: {type: 'string', multiple: true, default: ['greedy', 'slo', 'ooo']},
    load: {type: 'string', default: '0.8'},
    tenants: {type: 'string', default: '100'},
    duration: {type: 'string', default: '3s'},
    tiny: {type: 'boolean', default: false},
    json: {type: 'string'},
  },
});

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

function quantilesOf(ns: Float64Array): Quantiles {
  const sorted = ns.toSorted();
  return {p50: sorted[sorted.length >> 1], p99: sorted[Math.floor(sorted.length * 0.99)]};
}

const us = ({p50, p99}: {p50: number | null; p99: number | null}): string =>
  `${((p50 ?? NaN) / 1e3).toFixed(2)} / ${((p99 ?? NaN) / 1e3).toFixed(2)}`;

/** Host times of a live run of many tenants, by policy. */
async function measureDecisions(): Promise<Record<string, HostTimes>> {
  const models = values.tiny ? ['lstm-512'] : ['resnet-18', 'mobilenet-v2', 'bert-base-128', 'lstm-1024'];
  const replicas = Math.round(Number(values.tenants) / models.length);
  const profile = readProfile(values.profile);
  const scenario = parseScenario(
    JSON.stringify({
      duration: values.duration,
      warmup: '100ms',
      device: values.profile,
      memory: false,
      tenants: models.map((model) => ({
        name: model,
        model,
        replicas,
        slo: '100ms',
        arrivals: {process: 'poisson', rate: 2},
      })),
    }),
    'bench',
  );
  const found: Record<string, HostTimes> = {};
  for (const policy of values.policy) {
    const load = values.tiny ? null : Number(values.load);
    const summary = await liveRun({scenario, policy, load, replication: 0, directory: '.'}, profile, {
      onHost: (times) => (found[policy] = times),
    });
    const {decisions, decideNs, submitNs, lagNs, gc} = found[policy];
    console.log(
      `${policy}: ${decisions} decisions, ${summary.completed} requests; us p50 / p99: decide ${us(decideNs)}, submit ${us(submitNs)}, clock lag ${us(lagNs)}; ${gc.pauses} GC pauses, longest ${(gc.longestNs / 1e6).toFixed(2)} ms`,
    );
  }
  return found;
}

type Shape = readonly [m: number, n: number, k: number];

interface Loops {
  readonly shape: Shape;
  readonly javascript: Quantiles;
  readonly native: Quantiles;
  /** Median over rounds of the two loops' median round trips, JavaScript over C++. */
  readonly ratio: number;
}

/** Round trips of one GEMM at a time, by a loop here and by one in C++, in turns. */
function measureLoops(context: CudaContext, shape: Shape, rounds: number, iterations: number): Loops {
  const {nowNs} = loadAddon();
  const [m, n, k] = shape;
  const [a, b, c] = [m * k, k * n, m * n].map((count, i) => {
    const address = context.alloc(4 * count);
    context.fill(address, count, dataTypeCode('fp32'), i);
    return address;
  });
  const {flags} = context;
  const here = new Float64Array(rounds * iterations);
  const there = new Float64Array(rounds * iterations);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const mine = here.subarray(round * iterations, (round + 1) * iterations);
    const theirs = there.subarray(round * iterations, (round + 1) * iterations);
    const javascript = (): void => {
      let ticket = Atomics.load(flags, 0);
      for (let i = 0; i < iterations; i++) {
        const sent = nowNs();
        ticket = following(ticket);
        context.submitGemm(0, ticket, 0, m, n, k, a, b, c);
        while (Atomics.load(flags, 0) !== ticket);
        mine[i] = nowNs() - sent;
      }
    };
    const native = (): void => theirs.set(context.benchLoop(0, iterations, 0, m, n, k, a, b, c));
    for (const loop of round % 2 === 0 ? [javascript, native] : [native, javascript]) loop();
    ratios.push(quantilesOf(mine).p50 / quantilesOf(theirs).p50);
  }
  for (const address of [a, b, c]) context.free(address);
  ratios.sort((x, y) => x - y);
  return {shape, javascript: quantilesOf(here), native: quantilesOf(there), ratio: ratios[rounds >> 1]};
}

/** Kernels of each member of a launch of `recorded batches`. */
const recordedKernels = 16;

interface SubmitCost extends Quantiles {
  readonly method: 'single' | 'batched' | 'grouped' | 'recorded batch' | 'recorded batches';
  readonly size: number;
  /** From the submission until the host sees the end. */
  readonly roundTrip: Quantiles;
}

/** Host time of submitting a launch to an idle lane: by calls, or as a graph that was recorded before. */
function measureSubmits(context: CudaContext, [m, n, k]: Shape, iterations: number): SubmitCost[] {
  const {nowNs} = loadAddon();
  const code = dataTypeCode('fp32');
  const a = context.alloc(4 * m * k);
  const b = context.alloc(4 * k * n);
  const c = context.alloc(4 * m * n);
  const costs: SubmitCost[] = [];
  /** Launches of `size` members, again and again; `graph` is what they launch, if recorded, and is given back. */
  const measure = (
    method: SubmitCost['method'],
    size: number,
    submit: (ticket: number) => void,
    graph = 0,
  ): void => {
    // Each member's A, B, C, or kernel after kernel all A, all B, all C.
    const isByKernel = method === 'recorded batches';
    for (let i = 0; i < 3 * size * (isByKernel ? recordedKernels : 1); i++)
      context.operands[i] = [a, b, c][(isByKernel ? Math.floor(i / size) : i) % 3];
    context.shapes.set([m, n, k, size]);
    const [ns, whole] = [new Float64Array(iterations), new Float64Array(iterations)];
    for (let i = 0; i < iterations; i++) {
      const ticket = following(Atomics.load(context.flags, 0));
      const sent = nowNs();
      submit(ticket);
      ns[i] = nowNs() - sent;
      while (Atomics.load(context.flags, 0) !== ticket);
      whole[i] = nowNs() - sent;
    }
    if (graph > 0) context.destroyGraph(graph);
    costs.push({method, size, ...quantilesOf(ns), roundTrip: quantilesOf(whole)});
  };
  const recordBatches = (size: number): number => {
    context.captureGroup(0, size, recordedKernels, 0);
    for (let kernel = 0; kernel < recordedKernels; kernel++)
      context.submitBatched(0, 0, code, m, n, k, 1, size);
    return context.captureEnd(0);
  };
  const sizes = [1, 2, 8, 32, 128];
  for (const size of sizes) {
    measure('single', size, (ticket) => context.submitSequence(0, ticket, code, m, n, k, 1, size));
  }
  for (const size of sizes) {
    measure('batched', size, (ticket) => context.submitBatched(0, ticket, code, m, n, k, 1, size));
  }
  for (const size of context.grouped === 'none' ? [] : sizes) {
    measure('grouped', size, (ticket) => context.submitGrouped(0, ticket, code, 1));
  }
  for (const size of context.graphs ? sizes : []) {
    const graph = context.captureBatched(0, code, m, n, k, 1, size);
    measure('recorded batch', size, (ticket) => context.launchBatched(0, ticket, graph, size), graph);
  }
  for (const size of context.graphs ? sizes : []) {
    const graph = recordBatches(size);
    const launch = (ticket: number): void => {
      context.begin(0, ticket);
      context.launchGroup(0, ticket, graph);
      context.finish(0, ticket);
    };
    measure('recorded batches', size, launch, graph);
  }
  for (const address of [a, b, c]) context.free(address);
  return costs;
}

const [device] = requireDevice();
console.log(`${device.name}, node ${process.version}`);
const decisions = await measureDecisions();
const shapes: readonly Shape[] = values.tiny
  ? [[8, 1, 8]]
  : [
      [512, 1, 512],
      [256, 128, 1152],
    ];
const context = openContext({lanes: 1, maxMembers: 128 * recordedKernels});
try {
  const [rounds, iterations] = values.tiny ? [3, 200] : [9, 2000];
  const loops = shapes.map((shape) => measureLoops(context, shape, rounds, iterations));
  for (const {shape, javascript, native, ratio} of loops) {
    console.log(
      `round trip ${shape.join('x')}, us p50 / p99: JavaScript ${us(javascript)}, C++ ${us(native)}, ratio ${ratio.toFixed(3)}`,
    );
  }
  const submits = measureSubmits(context, values.tiny ? [8, 1, 8] : [32, 32, 32], values.tiny ? 100 : 2000);
  for (const {method, size, roundTrip, ...cost} of submits) {
    console.log(`submit ${method} R=${size}, us p50 / p99: ${us(cost)}, until its end ${us(roundTrip)}`);
  }
  if (values.json !== undefined) {
    const json = {device: device.name, node: process.version, options: values, decisions, loops, submits};
    writeFileSync(values.json, `${JSON.stringify(json, null, 1)}\n`);
  }
} finally {
  context.destroy();
}
