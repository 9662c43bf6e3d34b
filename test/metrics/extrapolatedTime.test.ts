// Which part of the predicted kernel time counts as extrapolated.
import {describe, expect, test, vi} from 'vitest';
import {ExtrapolatedTime} from '../../src/metrics/extrapolatedTime.ts';
import {methods} from '../../src/scheduler/kernel.ts';
import {Launch} from '../../src/scheduler/launch.ts';
import {toyKernel} from '../support/rig.ts';

const kernels = [0, 1, 2, 3].map((id) => toyKernel(id));
/** Kernel i takes 10 (i + 1) ns for each member. */
const costs = {durationNs: (cls: number, size: number): number => 10 * (cls + 1) * size};

/** Kernels 2 and 3 are outside, and so is every superkernel of more than eight members. */
function watched() {
  const isExtrapolated = vi.fn(
    (kernel: (typeof kernels)[number], size: number): boolean => kernels.indexOf(kernel) >= 2 || size > 8,
  );
  return {isExtrapolated, time: new ExtrapolatedTime(kernels, {costs, isExtrapolated})};
}

function launchOf(classes: number[], predictedNs: number, fields: Partial<Launch> = {}): Launch {
  const launch = new Launch(1000);
  launch.size = classes.length;
  launch.cls = classes[0];
  launch.classes.set(classes);
  launch.method = methods.indexOf('batched');
  launch.predictedNs = predictedNs;
  return Object.assign(launch, fields);
}

describe('extrapolated time', () => {
  test('is the predicted time of superkernels outside the measurements', () => {
    const {time} = watched();
    time.add(launchOf([0, 0], 20), null, 0);
    time.add(launchOf([2, 2], 60), null, 0);
    time.add(launchOf(Array<number>(9).fill(0), 90), null, 0);
    expect(time.totalNs).toBe(170);
    expect(time.extrapolatedNs).toBe(150);
  });

  test('of mixed shapes is all of it where one of them is outside', () => {
    const {time} = watched();
    time.add(launchOf([0, 1], 25, {cls: -1}), null, 0);
    expect(time.extrapolatedNs).toBe(0);
    time.add(launchOf([0, 3], 35, {cls: -1}), null, 0);
    expect(time.extrapolatedNs).toBe(35);
  });

  test('of padded members is that of the shape they run as', () => {
    const {time} = watched();
    time.add(launchOf([0, 1], 60, {cls: 2, method: methods.indexOf('padded')}), null, 0);
    expect(time.extrapolatedNs).toBe(60);
  });

  test('of several steps is told step by step', () => {
    const {time} = watched();
    const program = Int32Array.from([-1, 0, 3, 1, 2, -1]);
    // 11 ns for the first step, by whatever method it was predicted, then 40, 20 and 30.
    time.add(launchOf([0], 101, {steps: 4}), program, 1);
    expect(time.extrapolatedNs).toBe(40 + 30);
    time.add(launchOf([3], 45 + 20, {steps: 2}), program, 2);
    expect(time.extrapolatedNs).toBe(70 + 45);
    expect(time.totalNs).toBe(101 + 65);
  });

  test('asks the profile once for each shape, size and method', () => {
    const {time, isExtrapolated} = watched();
    for (let i = 0; i < 5; i++) {
      for (const size of [1, 700, 3]) time.add(launchOf(Array<number>(size).fill(1), 1), null, 0);
    }
    expect(isExtrapolated.mock.calls.map(([, size]) => size)).toEqual([1, 700, 3]);
    time.add(launchOf([1], 1, {method: methods.indexOf('single')}), null, 0);
    expect(isExtrapolated).toHaveBeenCalledTimes(4);
    expect(time.extrapolatedNs).toBe(5);
  });
});
