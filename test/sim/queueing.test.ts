// The simulated device set up as a textbook queue: waiting times agree with queueing theory within their intervals.
import {describe, expect, test} from 'vitest';
import seedrandom from 'seedrandom';
import {runToy} from '../support/rig.ts';
import type {Policy} from '../../src/scheduler/policy.ts';

/** First come first served, one kernel a lane. */
const fcfs = (lanes: number): Policy => ({
  name: 'fcfs',
  setup: {lanes},
  decide(s) {
    for (let lane = s.lanes.idle(); lane >= 0 && s.ready.total > 0; lane = s.lanes.idle()) {
      s.take(s.ready.first(s.ready.nonEmpty[0]));
      s.launch(lane);
    }
  },
});

const serviceNs = 1e6;

/** Mean waiting times of independent replications of a queue at load `rho`, in units of the mean service time. */
function waits(lanes: number, rho: number, residual: (u: number) => number, replications: number): number[] {
  return Array.from({length: replications}, (_, replication) => {
    const arrivalsRng = seedrandom.alea(`arrivals ${replication}`);
    const serviceRng = seedrandom.alea(`service ${replication}`);
    const arrivals: number[] = [];
    for (let at = 0, i = 0; i < 20_000; i++) {
      at += (-Math.log(1 - arrivalsRng()) * serviceNs) / (rho * lanes);
      arrivals.push(Math.round(at));
    }
    const {completed} = runToy({
      policy: fcfs(lanes),
      tenants: [{kernels: [0], arrivals}],
      durations: [serviceNs],
      smShare: 1 / 64,
      residual: () => residual(serviceRng()),
    });
    const measured = completed.slice(2_000);
    return measured.reduce((sum, r) => sum + (r.startedAt - r.arrivalAt), 0) / measured.length / serviceNs;
  });
}

/** Mean and half width of the 99.9 % interval (t with 19 degrees of freedom). */
function interval(values: number[]): {mean: number; half: number} {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1);
  return {mean, half: 3.883 * Math.sqrt(variance / values.length)};
}

const exponential = (u: number): number => -Math.log(1 - u);
const deterministic = (): number => 1;
/** Two-point service with mean 1 and squared coefficient of variation 4. */
const bimodal = (u: number): number => (u < 0.9 ? 1 / 3 : 7);

/** Erlang C over c servers at load rho per server: the probability to wait. */
function erlangC(c: number, rho: number): number {
  const a = c * rho;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < c; k++) sum += term *= a / k;
  const last = (term * a) / c / (1 - rho);
  return last / (sum + last);
}

describe('a device set up as a queue waits as theory says', () => {
  const scv = 0.9 * (1 / 3 - 1) ** 2 + 0.1 * (7 - 1) ** 2;
  test.each([
    ['M/M/1 at 0.7', 1, 0.7, exponential, 0.7 / (1 - 0.7)],
    ['M/D/1 at 0.8', 1, 0.8, deterministic, 0.8 / (2 * (1 - 0.8))],
    ['M/G/1 at 0.5', 1, 0.5, bimodal, (0.5 * (1 + scv)) / (2 * (1 - 0.5))],
    ['M/M/4 at 0.8', 4, 0.8, exponential, erlangC(4, 0.8) / (4 * (1 - 0.8))],
  ])('%s', (_, lanes, rho, residual, expected) => {
    const {mean, half} = interval(waits(lanes, rho, residual, 20));
    expect(half).toBeLessThan(0.25 * expected);
    expect(Math.abs(mean - expected)).toBeLessThan(half);
  });
});
