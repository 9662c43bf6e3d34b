import {readExperiment} from '../experiment/experiment.ts';
import type {HostTimes} from '../experiment/hostMeter.ts';
import type {Command} from './command.ts';
import {InterruptedError} from './exitCode.ts';
import {liveOptions, ordinalOf} from './liveOptions.ts';
import {changeOptions, changesOf, outputOf, outputOptions, suggestions} from './scenarioOptions.ts';

/** What `simulate` does, on a GPU. */
export const live: Command = {
  positionals: {scenario: {type: 'string', describe: 'scenario file'}},
  options: {...changeOptions, ...outputOptions, ...liveOptions},
  suggestions,
  examples: [['$0 live my.yaml --policy ooo --load 0.8', 'one policy at one load']],
  async run(args, io) {
    const {combineHosts, describeHost} = await import('../experiment/hostMeter.ts');
    const {openLivePool} = await import('../experiment/livePool.ts');
    const {StoppedError} = await import('../experiment/liveThread.ts');
    const {execute} = await import('./execute.ts');
    const experiment = readExperiment(String(args['scenario']), changesOf(args));
    const output = outputOf(args);
    const hosts = new Map<string, HostTimes[]>();
    const pool = {
      ordinal: ordinalOf(args),
      signal: io.interrupt,
      force: args['force'] === true,
      warn: (sentence: string): void => io.stderr.write(`superkernel: warning: ${sentence}\n`),
      onHost: (policy: string, times: HostTimes): void => {
        hosts.set(policy, [...(hosts.get(policy) ?? []), times]);
      },
    };
    try {
      await execute(
        experiment,
        // One GPU, one run at a time.
        {name: 'live', ...output, jobs: 1, again: true, open: () => openLivePool(pool)},
        io,
      );
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
      throw new InterruptedError(
        String(io.interrupt.reason),
        `interrupted; the same command goes on with what is missing in ${output.output}`,
      );
    }
    if (output.quiet) return;
    for (const [policy, times] of hosts) {
      io.stderr.write(`${policy}: ${describeHost(combineHosts(times))}\n`);
    }
  },
};
