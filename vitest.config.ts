import {availableParallelism} from 'node:os';
import {defineConfig} from 'vitest/config';

/** Live runs spin, and times of real work are compared: beside other tests they would miss their times. */
const timed = [
  'test/live/**/*.test.ts',
  'test/gpu/calibration/bench.test.ts',
  'test/gpu/tensorflow/timing.test.ts',
];
/** The addon opens the stand-in once for a process: these get one each. The others share one, with what they import. */
const standIn = ['test/gpu/*.test.ts', 'test/experiment/calibrat*.test.ts'];

const onAllCores = {maxWorkers: availableParallelism(), sequence: {groupOrder: 0}};

export default defineConfig({
  test: {
    testTimeout: 30_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          ...onAllCores,
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...timed, ...standIn],
          isolate: false,
        },
      },
      {extends: true, test: {...onAllCores, name: 'stand-in', include: standIn, exclude: timed}},
      {
        extends: true,
        test: {
          name: 'timed',
          include: timed,
          maxWorkers: 1,
          sequence: {groupOrder: 1},
          // Some wait for a program, and then for another.
          testTimeout: 150_000,
        },
      },
    ],
  },
});
