import {readExperiment} from '../experiment/experiment.ts';
import {checkWritable} from '../files.ts';
import type {Command} from './command.ts';
import {needed, text, textOf} from './command.ts';
import {changeOptions, changesOf, outputOf, outputOptions, suggestions} from './scenarioOptions.ts';

/** Runs every policy and load of a scenario, side by side. */
export const simulate: Command = {
  positionals: {scenario: {type: 'string', describe: 'scenario file, or the manifest.json of a result'}},
  options: {
    ...changeOptions,
    timeline: text('Also write the first run as a Chrome trace to this file'),
    arrivals: text('Also write the arrivals of the first run to this file, as a trace to replay'),
    ...outputOptions,
  },
  suggestions,
  examples: [
    ['$0 simulate scenarios/quickstart.yaml', 'every policy at three loads'],
    ['$0 simulate my.yaml --policy ooo --policy ./mine.ts --load 0.2:1.2:0.2', 'two policies at six loads'],
    ['$0 simulate results/<hash>/manifest.json', 'the same result again'],
  ],
  async run(args, io) {
    const {execute} = await import('./execute.ts');
    const experiment = readExperiment(needed(args, 'scenario'), changesOf(args));
    const timeline = textOf(args, 'timeline');
    const arrivals = textOf(args, 'arrivals');
    for (const file of [timeline, arrivals]) if (file !== undefined) checkWritable(file);
    await execute(
      experiment,
      {
        name: 'simulate',
        ...outputOf(args),
        again: true,
        ...(timeline === undefined ? {} : {timeline}),
        ...(arrivals === undefined ? {} : {arrivals}),
      },
      io,
    );
  },
};
