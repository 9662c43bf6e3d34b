import {availableParallelism} from 'node:os';
import {defineConfig} from 'vitest/config';

/** Live runs spin: beside other tests they would miss their times. */
const live = 'test/live/**/*.test.ts';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [live],
          maxWorkers: availableParallelism(),
          sequence: {groupOrder: 0},
        },
      },
      {extends: true, test: {name: 'live', include: [live], maxWorkers: 1, sequence: {groupOrder: 1}}},
    ],
  },
});
