// Host times taken around a device, on a clock that moves only when something is said to take time.
import {describe, expect, test} from 'vitest';
import {ObservedDevice} from '../../../src/gpu/calibration/observedDevice.ts';
import type {Device} from '../../../src/scheduler/device.ts';
import {methods} from '../../../src/scheduler/kernel.ts';
import {Launch} from '../../../src/scheduler/launch.ts';

const submitNs = 3000;
const waitNs = 50_000;

function setUp({skipNs = 0, wait = waitNs} = {}) {
  const clock = {now: 0};
  const device: Device = {
    lanes: 2,
    depth: 3,
    attach() {},
    submit: () => (clock.now += submitNs),
    poll: () => null,
    wait: () => (clock.now += wait),
  };
  const observed = new ObservedDevice(device, {
    now: () => clock.now,
    isElementwise: (cls) => cls === 7,
    skipNs,
  });
  const launch = (cls: number, method: (typeof methods)[number], size: number, steps = 1): void => {
    const made = new Launch(8);
    Object.assign(made, {cls, method: methods.indexOf(method), size, steps});
    observed.submit(made);
  };
  return {clock, observed, launch};
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
    expect(wakeUps.meanNs).toBe(700);
    expect(wakeUps.first).toMatchObject({n: 10, p50: 400});
    expect(submits).toMatchObject([
      {op: 'gemm', method: 'single', size: 1, steps: 1, ns: {n: 20, p50: submitNs}},
    ]);
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

  test('leaves out the start, and the longest hundredth of the mean', () => {
    const {clock, observed, launch} = setUp({skipNs: 200_000});
    for (let i = 0; i < 300; i++) {
      observed.wait(0);
      // Before the code is compiled; and a pause.
      clock.now += i < 3 ? 9000 : i === 200 ? 5e6 : 500;
      launch(1, 'single', 1);
    }
    observed.wait(0);
    const {wakeUps} = observed.times();
    expect(wakeUps.whole.n).toBeGreaterThan(250);
    expect(wakeUps.meanNs).toBe(500);
    expect(wakeUps.whole.p50).toBe(500);
  });

  test('is the device otherwise', () => {
    const {observed} = setUp();
    expect([observed.lanes, observed.depth, observed.poll()]).toEqual([2, 3, null]);
  });
});
