// One measured run of the engine in a process of its own: options as JSON in, result as JSON out.
import {performance} from 'node:perf_hooks';
import type {Nanoseconds} from '../src/scheduler/clock.ts';
import type {Launch} from '../src/scheduler/launch.ts';
import type {Recorder} from '../src/scheduler/recorder.ts';
import {makeWorld} from './world.ts';

export interface EngineRunOptions {
  readonly policy: string;
  readonly load: number | 'saturated';
  readonly tenants: number;
  /** Kernel completions to measure, after `warmup` of them. */
  readonly kernels: number;
  readonly warmup: number;
}

export interface EngineRun {
  readonly seconds: number;
  /** Of all threads: also what V8 compiles and collects beside the loop. */
  readonly cpuSeconds: number;
  readonly kernels: number;
  readonly launches: number;
  readonly decisions: number;
  readonly requests: number;
  readonly arrivals: number;
}

/** Counts and nothing else: what the engine costs without metrics. */
class LightRecorder implements Recorder {
  arrivals = 0;
  requests = 0;
  launches = 0;
  kernels = 0;
  latencyNs = 0;

  arrived(): void {
    this.arrivals++;
  }
  completed(_tenant: number, arrivalAt: Nanoseconds, _startedAt: Nanoseconds, at: Nanoseconds): void {
    this.requests++;
    this.latencyNs += at - arrivalAt;
  }
  dropped(): void {}
  launched(): void {}
  finished({size, steps}: Launch): void {
    this.launches++;
    this.kernels += size * steps;
  }
}

export function engineRun({policy, load, tenants, kernels, warmup}: EngineRunOptions): EngineRun {
  const recorder = new LightRecorder();
  // No model of the mix runs fewer than 10 kernels a request.
  const requests = load === 'saturated' ? 0 : Math.ceil((kernels + warmup) / 10);
  const {scheduler} = makeWorld({policy, load, tenants, requests, recorder: () => recorder});
  scheduler.run(Infinity, () => recorder.kernels >= warmup);
  const before = {...recorder, decisions: scheduler.decisions};
  const cpu = process.cpuUsage();
  const start = performance.now();
  scheduler.run(Infinity, () => recorder.kernels >= warmup + kernels);
  const seconds = (performance.now() - start) / 1000;
  const {user, system} = process.cpuUsage(cpu);
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    kernels: recorder.kernels - before.kernels,
    launches: recorder.launches - before.launches,
    decisions: scheduler.decisions - before.decisions,
    requests: recorder.requests - before.requests,
    arrivals: recorder.arrivals - before.arrivals,
  };
}

console.log(JSON.stringify(engineRun(JSON.parse(process.argv[2]) as EngineRunOptions)));
