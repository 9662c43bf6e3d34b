// Host times taken around a device, on a clock that moves only when something is said to take time.
import {describe, expect, test} from 'vitest';
import {ObservedDevice} from '../../../src/gpu/calibration/observedDevice.ts';
import type {Device, DeviceContext} from '../../../src/scheduler/device.ts';
import {methods} from '../../../src/scheduler/kernel.ts';
import type {Method} from '../../../src/scheduler/kernel.ts';
import {Launch} from '../../../src/scheduler/launch.ts';
import {SimulatedDevice} from '../../../src/sim/simulatedDevice.ts';
import {VirtualClock} from '../../../src/sim/virtualClock.ts';
import {constantCosts, quietSharing} from '../../support/constantCosts.ts';

const submitNs = 3000;
const waitNs = 50_000;

function setUp({skipNs = 0, wait = waitNs} = {}) {
  const clock = {now: 0};
  /** Launches whose ends the next polls see. */
  const ended: Launch[] = [];
  const device: Device = {
    lanes: 2,
    depth: 3,
    attach() {},
    submit: () => (clock.now += submitNs),
    poll: () => ended.shift() ?? null,
    wait: () => (clock.now += wait),
  };
  const observed = new ObservedDevice(device, {
    now: () => clock.now,
    isElementwise: (cls) => cls === 7,
    skipNs,
  });
  const launch = (cls: number, method: (typeof methods)[number], size: number, steps = 1): Launch => {
    const made = new Launch(8);
    Object.assign(made, {cls, method: methods.indexOf(method), size, steps});
    observed.submit(made);
    return made;
  };
  return {clock, ended, observed, launch};
}

describe('an observed device', () => {
  test('counts what passes between two waits as a wake-up, without its submissions', () => {
    const {clock, observed, launch} = setUp();
    observed.wait(0);
    for (let i = 0; i < 10; i++) {
      clock.now += 400;
      launch(1, 'single', 1);
      clock.now += 100;
      launch(1, 'single', 1);
      clock.now += 200;
      observed.wait(0);
    }
    const {wakeUps, submits} = observed.times();
    expect(wakeUps.whole).toMatchObject({n: 10, p50: 700, p99: 700});
    expect(wakeUps.whole.mean).toBe(700);
    expect(wakeUps.first).toMatchObject({n: 10, p50: 400});
    expect(submits).toMatchObject([
      {op: 'gemm', method: 'single', size: 1, steps: 1, ns: {n: 20, p50: submitNs}},
    ]);
  });

  test('counts a launch and its further members in the wake-up that makes it and in the one that sees its end', () => {
    const {clock, ended, observed, launch} = setUp();
    const [eachNs, launchNs, memberNs] = [800, 420, 150];
    /** Sees the ends of all that is in flight, and makes launches of so many members. */
    const wakeUp = (...sizes: number[]): void => {
      let members = 0;
      let launches = sizes.length;
      for (let seen = observed.poll(); seen !== null; seen = observed.poll()) {
        launches++;
        members += seen.size - 1;
      }
      for (const size of sizes) {
        ended.push(launch(1, 'batched', size, 3));
        members += size - 1;
      }
      clock.now += eachNs + launchNs * launches + memberNs * members;
      observed.wait(0);
    };
    // Nothing counts before the first wait.
    wakeUp(100);
    wakeUp(4);
    wakeUp(2, 1);
    wakeUp(4);
    wakeUp();
    wakeUp();
    wakeUp(7);
    const {whole, byWork} = observed.times().wakeUps;
    expect(byWork.map(({launches, members, ns}) => [launches, members, ns.n])).toEqual([
      [0, 0, 1],
      [1, 3, 1],
      [1, 6, 1],
      [2, 102, 1],
      [3, 4, 2],
    ]);
    for (const {launches, members, ns} of byWork)
      expect(ns.mean).toBe(eachNs + launchNs * launches + memberNs * members);
    expect(whole.n).toBe(6);
  });

  test('tells submissions apart by operation, method, size and steps', () => {
    const {observed, launch} = setUp();
    observed.wait(0);
    launch(1, 'batched', 4);
    launch(7, 'batched', 4);
    launch(1, 'batched', 4, 3);
    launch(-1, 'grouped', 4);
    launch(1, 'batched', 4);
    const kinds = observed
      .times()
      .submits.map(({op, method, size, steps, ns}) => [op, method, size, steps, ns.n]);
    expect(kinds).toEqual([
      ['gemm', 'batched', 4, 1, 2],
      ['elementwise', 'batched', 4, 1, 1],
      ['gemm', 'batched', 4, 3, 1],
      ['gemm', 'grouped', 4, 1, 1],
    ]);
  });

  test('counts a wait that finds something at once as work', () => {
    const {clock, observed} = setUp({wait: 150});
    observed.wait(0);
    for (let i = 0; i < 5; i++) {
      clock.now += 1000;
      observed.wait(0);
    }
    expect(observed.times().wakeUps.whole.p50).toBe(1150);
  });

  test('leaves out the start, and rare pauses of the mean', () => {
    const {clock, observed, launch} = setUp({skipNs: 200_000});
    for (let i = 0; i < 1200; i++) {
      observed.wait(0);
      // Before the code is compiled; and pauses.
      clock.now += i < 3 ? 90_000 : i % 300 === 7 ? 5e6 : 400 + 200 * (i % 2);
      launch(1, 'single', 1);
    }
    observed.wait(0);
    const {wakeUps} = observed.times();
    expect(wakeUps.whole.n).toBeGreaterThan(1000);
    expect(Math.abs(wakeUps.whole.mean - 500)).toBeLessThan(20);
  });

  test('is the device otherwise', () => {
    const {observed} = setUp();
    expect([observed.lanes, observed.depth, observed.poll()]).toEqual([2, 3, null]);
  });
});

const detectNs = 3700;
const kernelNs = 10_000;

/** A simulated device, observed, on which the host does no more than submit, wait and see. */
function simulate(isMeasured: (cls: number) => boolean = () => true) {
  const clock = new VirtualClock();
  const device = new SimulatedDevice({
    clock,
    model: constantCosts(kernelNs, {calls: (size) => size, followNs: 100}),
    lanes: 2,
    depth: 3,
    sharing: {...quietSharing, scheme: 'one-context'},
    host: {threads: 'shared', detectNs, decideNs: 0, decideMemberNs: 0},
    gapNs: 0,
  });
  const observed = new ObservedDevice(device, {
    now: () => clock.now(),
    isElementwise: (cls) => cls === 7,
    isMeasured,
  });
  const programs = {classes: new Int32Array(8)};
  const streams = {cursor: new Int32Array(8)};
  observed.attach({programs, streams} as unknown as DeviceContext);
  const submit = (of: {lane?: number; cls?: number; method?: Method; size?: number; steps?: number}) => {
    const {method = 'single', size = 1, steps = 1} = of;
    const launch = new Launch(8);
    const predictedNs = size * kernelNs * steps + (steps - 1) * 1000;
    Object.assign(launch, {...of, method: methods.indexOf(method), size, steps, predictedNs});
    observed.submit(launch);
  };
  const finish = (count = 1): void => {
    for (let left = count; left > 0;) {
      observed.wait(Infinity);
      while (observed.poll() !== null) left--;
    }
  };
  // Nothing counts before the first wait.
  observed.wait(50);
  return {clock, observed, submit, finish};
}

describe('an observed device tells how late launches that were alone on it were seen', () => {
  test('which is the detection of a simulated one, whatever the launch', () => {
    const {observed, submit, finish} = simulate();
    for (let i = 0; i < 4; i++) {
      for (const of of [{}, {cls: 7}, {method: 'batched', size: 4}, {steps: 6}] as const) {
        submit(of);
        finish();
      }
    }
    const seen = {n: 4, p10: detectNs, p50: detectNs, p90: detectNs};
    expect(observed.times().latencies).toMatchObject({
      single: seen,
      elementwise: seen,
      batched: seen,
      steps: seen,
    });
  });

  test('and leaves out those with others beside or behind them, and those that ended while the host was busy', () => {
    const {clock, observed, submit, finish} = simulate();
    submit({lane: 0});
    submit({lane: 1});
    finish(2);
    submit({lane: 0});
    submit({lane: 0});
    finish(2);
    submit({});
    clock.time += 1e6;
    finish();
    expect(observed.times().latencies.single).toBe(null);
    submit({});
    finish();
    expect(observed.times().latencies.single).toMatchObject({n: 1, p50: detectNs});
  });

  test('and those whose duration was not measured', () => {
    const {observed, submit, finish} = simulate((cls) => cls === 2);
    for (const cls of [1, 2, 2]) {
      submit({cls});
      finish();
    }
    expect(observed.times().latencies.single).toMatchObject({n: 2});
  });
});
