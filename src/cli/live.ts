import {readExperiment} from '../experiment/experiment.ts';
import type {Command} from './command.ts';
import {liveOptions, ordinalOf} from './liveOptions.ts';
import {changeOptions, changesOf, outputOf, outputOptions, suggestions} from './scenarioOptions.ts';

/** What `simulate` does, on a GPU. */
export const live: Command = {
  command: 'live <scenario>',
  describe: 'Run a scenario on the GPU: every policy at every load, one after another',
  positionals: {scenario: {type: 'string', describe: 'scenario file'}},
  options: {...changeOptions, ...outputOptions, ...liveOptions},
  suggestions,
  examples: [['$0 live my.yaml --policy ooo --load 0.8', 'one policy at one load']],
  async run(args, io) {
    const {openLivePool} = await import('../experiment/livePool.ts');
    const {execute} = await import('./execute.ts');
    const experiment = readExperiment(String(args['scenario']), changesOf(args));
    const ordinal = ordinalOf(args);
    const warn = (sentence: string): void => io.stderr.write(`superkernel: warning: ${sentence}\n`);
    await execute(
      experiment,
      {
        name: 'live',
        ...outputOf(args),
        // One GPU, one run at a time.
        jobs: 1,
        again: true,
        open: () => openLivePool(ordinal, io.interrupt, warn),
      },
      io,
    );
  },
};
