import {readExperiment} from '../experiment/experiment.ts';
import {parseParameter} from '../experiment/grid.ts';
import type {Command} from './command.ts';
import {listOf, needed, repeated, text, textOf} from './command.ts';
import {UsageError} from './exitCode.ts';
import {changeOptions, changesOf, outputOf, outputOptions, suggestions} from './scenarioOptions.ts';

/** Runs a scenario over a grid of settings, on all cores, and goes on where it was stopped. */
export const sweep: Command = {
  positionals: {scenario: {type: 'string', describe: 'scenario file, or the manifest.json of a result'}},
  options: {
    param: repeated(
      'A setting that varies: tenants.0.slo=10ms,50ms or max-size=16:128:16; repeat it for a grid',
    ),
    ...changeOptions,
    shard: text('Do the i-th of n parts of the runs, as 1/4; then put the parts together'),
    fresh: {type: 'boolean', describe: 'Run a complete result again instead of showing it'},
    ...outputOptions,
  },
  suggestions,
  examples: [
    ['$0 sweep my.yaml --param tenants.0.slo=10ms,20ms,50ms --load 0.2:1.2:0.1', 'a grid'],
    ['$0 sweep my.yaml --shard 2/8', 'on the second of eight machines'],
  ],
  async run(args, io) {
    const {execute} = await import('./execute.ts');
    const given = listOf(args, 'param') ?? [];
    const experiment = readExperiment(needed(args, 'scenario'), changesOf(args, given.map(parseParameter)));
    const shard = textOf(args, 'shard');
    await execute(
      experiment,
      {
        name: 'sweep',
        ...outputOf(args),
        again: args['fresh'] === true,
        ...(shard === undefined ? {} : {shard: parseShard(shard)}),
      },
      io,
    );
  },
};

function parseShard(text: string): {index: number; count: number} {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= count) return {index, count};
  throw new UsageError(`invalid shard: ${text} (expected i/n with i from 1 to n, as in 2/8)`);
}
