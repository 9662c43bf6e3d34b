// A single-server queue, first come first served, for tests that need many runs of one: no scheduler, only its record.
import seedrandom from 'seedrandom';
import {RunRecorder} from '../../src/metrics/runRecorder.ts';
import {summarise} from '../../src/metrics/summarise.ts';
import type {RunSummary} from '../../src/metrics/result.ts';
import type {Tenant} from '../../src/scheduler/tenant.ts';

export const tenant = (name: string, sloNs = 20e6): Tenant => ({
  name,
  model: 'toy',
  family: 0,
  sloNs,
  sloQuantile: 0.99,
  weight: 1,
  priority: 0,
  program: () => 0,
});

export interface QueueRun {
  seed: number;
  /** Arrival rate over service rate. */
  rho: number;
  requests: number;
  meanServiceNs?: number;
  /** Requests that find more than this many before them are dropped. */
  room?: number;
  drainNs?: number;
  warmup?: number;
}

/** Simulates M/M/1 by Lindley's recursion and summarises it. */
export function queueRun(options: QueueRun): RunSummary {
  const {
    seed,
    rho,
    requests,
    meanServiceNs = 1e6,
    room = Infinity,
    drainNs = Infinity,
    warmup = 0.1,
  } = options;
  const random = seedrandom.alea(`queue ${seed}`);
  const draw = (mean: number): number => Math.round(-Math.log(1 - random()) * mean);
  const endNs = (requests * meanServiceNs) / rho;
  const recorder = new RunRecorder({
    tenants: [tenant('one')],
    kernels: [],
    lanes: 1,
    window: {startNs: warmup * endNs, endNs},
  });
  const limit = endNs + drainNs;
  const leaving: {arrivalAt: number; startedAt: number; at: number}[] = [];
  let next = 0;
  const completeUntil = (time: number): void => {
    for (; next < leaving.length && leaving[next].at <= time; next++) {
      const {arrivalAt, startedAt, at} = leaving[next];
      recorder.completed(0, arrivalAt, startedAt, at);
    }
  };
  let freeAt = 0;
  for (let at = draw(meanServiceNs / rho); at < endNs; at += draw(meanServiceNs / rho)) {
    completeUntil(at);
    recorder.arrived(0, at);
    if (leaving.length - next >= room) {
      recorder.dropped(0, at, at);
      continue;
    }
    const startedAt = Math.max(at, freeAt);
    freeAt = startedAt + draw(meanServiceNs);
    leaving.push({arrivalAt: at, startedAt, at: freeAt});
  }
  completeUntil(limit);
  const done = next === leaving.length;
  return summarise(recorder, {
    policy: 'fcfs',
    load: rho,
    seed,
    ended: done ? 'done' : 'limit',
    endedAtNs: done ? freeAt : limit,
    soloNs: [meanServiceNs],
    pricePerHour: 3.6,
  });
}
