import {availableParallelism} from 'node:os';
import {defineConfig} from 'vitest/config';

/** Live runs spin, and times of real work are compared: beside other tests they would miss their times. */
const timed = [
  'test/live/**/*.test.ts',
  'test/gpu/calibration/bench.test.ts',
  'test/gpu/tensorflow/timing.test.ts',
];
/**
 * Programs that are watched, stopped and counted, not timed: a slow machine makes them slow and nothing else. Two at once take both cores
 * while one of them starts and another waits.
 */
const programs = ['figures', 'interrupt', 'losses', 'runs', 'tape'].map(
  (name) => `test/live/${name}.test.ts`,
);
/** The addon opens the stand-in once for a process: these get one each. The others share one, with what they import. */
const standIn = ['test/gpu/*.test.ts', 'test/experiment/calibrat*.test.ts'];

const onAllCores = {maxWorkers: availableParallelism()};
/** Groups run one after another. */
const group = (groupOrder: number) => ({sequence: {groupOrder}});
/** Some wait for a program, and then for another. */
const patience = {testTimeout: 150_000};

export default defineConfig({
  test: {
    testTimeout: 30_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          ...onAllCores,
          ...group(0),
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...timed, ...standIn],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {...onAllCores, ...group(0), name: 'stand-in', include: standIn, exclude: timed},
      },
      {extends: true, test: {...onAllCores, ...group(1), ...patience, name: 'programs', include: programs}},
      {
        extends: true,
        test: {...group(2), ...patience, name: 'timed', include: timed, exclude: programs, maxWorkers: 1},
      },
    ],
  },
});
